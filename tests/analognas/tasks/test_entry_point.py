import dataclasses
from importlib.metadata import EntryPoint, EntryPoints

import pytest
import torch

from analognas.errors import UserError
from analognas.specs import entry_points
from analognas.tasks import Split, Task
from analognas.tasks.entry_point import GROUP, EntryPointTaskSpec


def split(n: int = 6) -> Split:
    return Split(torch.zeros(n, 1, 4, 4), torch.arange(n) % 2)


def good(name: str = "mine") -> Task:
    return Task(name, split(), split(), split(), ("cat", "dog"))


def fails() -> Task:
    raise RuntimeError("no disk")


def no_task() -> int:
    return 3


def nan() -> Task:
    return dataclasses.replace(
        good(), validation=Split(torch.full((2, 1, 4, 4), torch.nan), torch.zeros(2).long())
    )


def labels() -> Task:
    return dataclasses.replace(good(), test=Split(torch.zeros(2, 1, 4, 4), torch.tensor([0, 2])))


def shapes() -> Task:
    return dataclasses.replace(good(), test=Split(torch.zeros(2, 1, 5, 4), torch.tensor([0, 1])))


def absent() -> Task:
    return dataclasses.replace(good(), validation=Split(torch.zeros(2, 1, 4, 4), torch.tensor([0, 0])))


def noise() -> Task:
    return dataclasses.replace(good(), noisy=torch.zeros(2, 5, 1, 4, 4))


def columns() -> Task:
    return dataclasses.replace(good(), test=Split(torch.zeros(2, 1, 4, 4), torch.tensor([[0], [1]])))


def doubles() -> Task:
    return dataclasses.replace(good(), test=Split(torch.zeros(2, 1, 4, 4).double(), torch.tensor([0, 1])))


@pytest.fixture(autouse=True)
def _installed(monkeypatch) -> None:
    points = [
        EntryPoint(name, f"{__name__}:{name}", GROUP)
        for name in (
            "good",
            "fails",
            "no_task",
            "nan",
            "labels",
            "shapes",
            "doubles",
            "absent",
            "noise",
            "columns",
        )
    ]
    monkeypatch.setattr(entry_points, "entry_points", lambda group: EntryPoints(points).select(group=group))
    monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.attr])


def test_a_task_of_another_package() -> None:
    assert EntryPointTaskSpec(name="good", options={"name": "yours"}).build().name == "yours"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "god",
            "no installed package offers the task 'god' in the group `analognas.tasks`, did you mean `good`?",
        ),
        ("fails", "failed: RuntimeError: no disk"),
        ("no_task", "must return an analognas.tasks.Task, got int"),
        ("nan", "`validation` holds NaN or infinity"),
        ("labels", r"`test` has the labels \[0, 2\] of 0 to 1"),
        ("shapes", "of one shape"),
        ("doubles", "`test` must be float32 or uint8 inputs"),
        ("absent", r"every class must occur in every split, `validation` has the labels \[0\]"),
        ("noise", r"`noisy` must be \(copies, 6, 1, 4, 4\)"),
        ("columns", "as many labels"),
    ],
)
def test_what_other_packages_can_do_wrong(name, message) -> None:
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        EntryPointTaskSpec(name=name).build()


def test_wrong_options_are_the_tasks_failure() -> None:
    with pytest.raises(UserError, match="failed: TypeError"):
        EntryPointTaskSpec(name="good", options={"clases": 3}).build()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": None}, "`test` must be a Split of two torch tensors"),
        ({"train": Split(split().x, [0, 1])}, "`train` must be a Split of two torch tensors"),  # type: ignore[arg-type]
        ({"train": Split(split().x.to("meta"), split().y)}, "tensors on the processor"),
        ({"train": Split(split().x.requires_grad_(), split().y)}, "without gradients"),
        ({"class_names": ["cat", "dog"]}, "`class_names` must be a tuple of texts"),
        ({"class_names": (0, 1)}, "`class_names` must be a tuple of texts"),
        ({"class_names": ("cat",)}, "needs two classes at least"),
        ({"class_names": ("cat", "cat")}, "each with its own name"),
        ({"name": None}, "`name` must be a text"),
        ({"notes": "a copy"}, "`notes` a tuple of texts"),
        ({"statistics": "pixel"}, "`statistics` must be channel, band or none"),
    ],
)
def test_what_would_fail_much_later_is_told_at_once(change, message, monkeypatch) -> None:
    monkeypatch.setitem(globals(), "good", lambda: dataclasses.replace(good_before(), **change))
    with pytest.raises(UserError, match=message):
        EntryPointTaskSpec(name="good", options={}).build()


good_before = good
