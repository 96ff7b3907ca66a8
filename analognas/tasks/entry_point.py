"""Tasks that other packages bring: entry points of the group `analognas.tasks`.

In the other package's pyproject.toml:

    [project.entry-points."analognas.tasks"]
    my-task = "my_package.data:load"

`load(**options)` returns an `analognas.tasks.Task`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from analognas.errors import UserError
from analognas.specs.entry_points import make_from_entry_point
from analognas.tasks.base_spec import TaskSpec
from analognas.tasks.task import Split, Task

GROUP: Final = "analognas.tasks"


class EntryPointTaskSpec(TaskSpec):
    """A task that another installed package offers as an entry point of the group `analognas.tasks`."""

    kind: Literal["entry-point"] = "entry-point"
    name: str = Field(min_length=1, description="of the entry point")
    options: dict[str, Any] = Field(default={}, description="arguments of the function behind it")

    def build(self) -> Task:
        """Return what the entry point makes of the options.

        Raises:
            UserError: when there is no such entry point, it fails, or what it returns is no usable task.
        """
        task, place = make_from_entry_point(GROUP, "task", self.name, self.options)
        if not isinstance(task, Task):
            raise UserError(
                f"the task {self.name!r} ({place}) must return an analognas.tasks.Task, got {type(task).__name__}"
            )
        _check(self.name, task)
        return task


def _check(name: str, task: Task) -> None:
    """Raise UserError for what would only fail, or quietly mislead, much later."""
    import torch

    _check_texts(name, task)
    parts = (("train", task.train), ("validation", task.validation), ("test", task.test))
    for part, split in parts:
        if not isinstance(split, Split) or not all(
            isinstance(values, torch.Tensor) and values.device.type == "cpu" and not values.requires_grad
            for values in (split.x, split.y)
        ):
            raise UserError(
                f"the task {name!r}: `{part}` must be a Split of two torch tensors on the processor, without gradients"
            )
    shape = task.train.x.shape[1:]
    for part, split in parts:
        if (
            split.x.ndim != 4
            or split.x.shape[1:] != shape
            or split.y.shape != split.x.shape[:1]
            or not len(split)
        ):
            raise UserError(
                f"the task {name!r}: `{part}` must hold inputs (n, channels, height, width) of one shape and "
                f"as many labels, got {tuple(split.x.shape)} and {tuple(split.y.shape)}"
            )
        if split.x.dtype not in (torch.float32, torch.uint8) or split.y.dtype != torch.int64:
            raise UserError(f"the task {name!r}: `{part}` must be float32 or uint8 inputs and int64 labels")
        if split.x.dtype == torch.float32 and not bool(torch.isfinite(split.x).all()):
            raise UserError(f"the task {name!r}: `{part}` holds NaN or infinity")
        if int(split.y.min()) < 0 or int(split.y.max()) >= task.n_classes:
            raise UserError(
                f"the task {name!r}: labels must be 0 to {task.n_classes - 1}, "
                f"`{part}` has {int(split.y.min())} to {int(split.y.max())}"
            )
        absent = sorted(set(range(task.n_classes)) - set(split.y.tolist()))
        if absent:
            raise UserError(
                f"the task {name!r}: every class must occur in every split, "
                f"`{part}` lacks {', '.join(task.class_names[label] for label in absent[:10])}"
            )
    for part, split, noisy in (
        ("noisy", task.train, task.noisy),
        ("noisy_validation", task.validation, task.noisy_validation),
    ):
        if noisy is not None and (noisy.ndim != 5 or noisy.shape[1:] != split.x.shape):
            raise UserError(
                f"the task {name!r}: `{part}` must be (copies, {', '.join(map(str, split.x.shape))}), "
                f"got {tuple(noisy.shape)}"
            )


def _check_texts(name: str, task: Task) -> None:
    """Raise UserError for names and notes that are no texts, and for fewer than two classes."""
    classes = task.class_names
    if not isinstance(classes, tuple) or not all(isinstance(label, str) for label in classes):
        raise UserError(f"the task {name!r}: `class_names` must be a tuple of texts, got {classes!r}")
    if len(set(classes)) < max(2, len(classes)):
        raise UserError(
            f"the task {name!r}: needs two classes at least, each with its own name, got {classes!r}"
        )
    if not isinstance(task.notes, tuple) or not all(
        isinstance(text, str) for text in (task.name, *task.notes)
    ):
        raise UserError(
            f"the task {name!r}: `name` must be a text and `notes` a tuple of texts, got {task.name!r}, {task.notes!r}"
        )
    if task.statistics not in ("channel", "band"):
        raise UserError(f"the task {name!r}: `statistics` must be channel or band, got {task.statistics!r}")
