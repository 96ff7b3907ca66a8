"""Tasks that other packages bring: entry points of the group `analognas.tasks`.

In the other package's pyproject.toml:

    [project.entry-points."analognas.tasks"]
    my-task = "my_package.data:load"

`load(**options)` returns an `analognas.tasks.Task`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from analognas.errors import UserError
from analognas.specs.entry_points import make_from_entry_point
from analognas.tasks.task import Split, Task

GROUP: Final = "analognas.tasks"


def load_entry_point(name: str, options: Mapping[str, Any]) -> Task:
    """Return the task that the entry point `name` makes of `options`.

    Raises:
        UserError: when there is no such entry point, it fails, or what it returns is no usable task.
    """
    task, place = make_from_entry_point(GROUP, "task", name, options)
    if not isinstance(task, Task):
        raise UserError(
            f"the task {name!r} ({place}) must return an analognas.tasks.Task, got {type(task).__name__}"
        )
    wrong = next((rule for rule, holds in _rules(task) if not holds), None)
    if wrong is not None:
        raise UserError(f"the task {name!r}: {wrong}")
    return task


def _rules(task: Task) -> Iterator[tuple[str, bool]]:
    """Yield what must hold of a task, lest it fail, or quietly mislead, much later."""
    import torch

    classes, texts = task.class_names, (task.name, *task.notes)
    yield "`class_names` must be a tuple of texts", isinstance(classes, tuple) and _are_texts(classes)
    yield "needs two classes at least, each with its own name", len(set(classes)) >= max(2, len(classes))
    yield (
        "`name` must be a text, `notes` a tuple of texts",
        isinstance(task.notes, tuple) and _are_texts(texts),
    )
    yield "`statistics` must be channel or band", task.statistics in ("channel", "band")
    shape = None
    for part in ("train", "validation", "test"):
        split = getattr(task, part)
        yield (
            f"`{part}` must be a Split of two torch tensors on the processor, without gradients",
            isinstance(split, Split) and _is_plain(split.x) and _is_plain(split.y),
        )
        shape = split.x.shape[1:] if shape is None else shape
        yield (
            f"`{part}` must hold inputs (n, channels, height, width) of one shape and as many labels, "
            f"got {tuple(split.x.shape)} and {tuple(split.y.shape)}",
            len(shape) == 3
            and split.x.shape == (len(split), *shape)
            and split.y.ndim == 1
            and len(split) > 0,
        )
        yield (
            f"`{part}` must be float32 or uint8 inputs and int64 labels",
            split.x.dtype in (torch.float32, torch.uint8) and split.y.dtype == torch.int64,
        )
        yield f"`{part}` holds NaN or infinity", bool(torch.isfinite(split.x).all())
        found = set(split.y.tolist())
        yield (
            f"every class must occur in every split, `{part}` has the labels {sorted(found)[:10]} "
            f"of 0 to {task.n_classes - 1}",
            found == set(range(task.n_classes)),
        )
    for part, split in (("noisy", task.train), ("noisy_validation", task.validation)):
        noisy = getattr(task, part)
        yield (
            f"`{part}` must be (copies, {', '.join(map(str, split.x.shape))})",
            noisy is None or (noisy.ndim == 5 and noisy.shape[1:] == split.x.shape),
        )


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_plain(values: object) -> bool:
    import torch

    return isinstance(values, torch.Tensor) and values.device.type == "cpu" and not values.requires_grad
