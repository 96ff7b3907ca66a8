"""Tasks that other packages bring: entry points of the group `analognas.tasks`.

In the other package's pyproject.toml:

    [project.entry-points."analognas.tasks"]
    my-task = "my_package.data:load"

`load(**options)` returns an `analognas.tasks.Task`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from analognas.entry_points import make_from_entry_point
from analognas.errors import UserError
from analognas.tasks.task import Task

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
    _check(name, task)
    return task


def _check(name: str, task: Task) -> None:
    """Raise UserError for what would only fail, or quietly mislead, much later."""
    import torch

    shape = task.train.x.shape[1:]
    for part, split in (("train", task.train), ("validation", task.validation), ("test", task.test)):
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
