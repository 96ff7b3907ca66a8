"""The conformance suite of tasks: what every task, a user's own one included, must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analognas.tasks.task import Split, Task


class BrokenTaskError(ValueError):
    """A task breaks its contract; the message names the part, the rule and what was found."""


def check_task(load: Callable[[], Task]) -> None:
    """Check that a task keeps the contract of `analognas.tasks.Task`.

    Args:
        load: returns the task; it is called twice.

    Raises:
        BrokenTaskError: at the first breach.
    """
    try:
        task, again = load(), load()
    except Exception as error:
        raise BrokenTaskError(f"loading must not fail, got {type(error).__name__}: {error}") from error
    if not isinstance(task, Task):
        raise BrokenTaskError(f"loading must return an analognas.tasks.Task, got {type(task).__name__}")
    problem = task_problem(task)
    if problem:
        raise BrokenTaskError(problem)
    if task.fingerprint != again.fingerprint:
        raise BrokenTaskError("loading must give the same data in the same order every time, got others")
    trained = set(_inputs(task.train))
    for name, split in (("validation", task.validation), ("test", task.test)):
        if trained.issuperset(_inputs(split)):
            raise BrokenTaskError(f"`{name}` must hold inputs that `train` lacks, got none of {len(split):,}")


def _inputs(split: Split) -> Iterator[bytes]:
    for x in split.x:
        yield x.contiguous().numpy().tobytes()


def task_problem(task: Task) -> str:
    """Return what would only fail, or quietly mislead, much later; an empty text where nothing does."""
    return next(_problems(task), "")


def _problems(task: Task) -> Iterator[str]:
    import torch

    yield from _text_problems(task)
    parts = (("train", task.train), ("validation", task.validation), ("test", task.test))
    for part, split in parts:
        if not isinstance(split, Split) or not all(
            isinstance(values, torch.Tensor) and values.device.type == "cpu" and not values.requires_grad
            for values in (split.x, split.y)
        ):
            yield f"`{part}` must be a Split of two torch tensors on the processor, without gradients"
    shape = task.train.x.shape[1:]
    for part, split in parts:
        if (
            split.x.ndim != 4
            or split.x.shape[1:] != shape
            or split.y.shape != split.x.shape[:1]
            or not len(split)
        ):
            yield (
                f"`{part}` must hold inputs (n, channels, height, width) of one shape and as many labels, "
                f"got {tuple(split.x.shape)} and {tuple(split.y.shape)}"
            )
        if split.x.dtype not in (torch.float32, torch.uint8) or split.y.dtype != torch.int64:
            yield (
                f"`{part}` must be float32 or uint8 inputs and int64 labels, got {split.x.dtype}, {split.y.dtype}"
            )
        if split.x.dtype == torch.float32 and not bool(torch.isfinite(split.x).all()):
            yield f"`{part}` holds NaN or infinity"
        if int(split.y.min()) < 0 or int(split.y.max()) >= task.n_classes:
            yield (
                f"labels must be 0 to {task.n_classes - 1}, "
                f"`{part}` has {int(split.y.min())} to {int(split.y.max())}"
            )
        absent = sorted(set(range(task.n_classes)) - set(split.y.tolist()))
        if absent:
            missing = ", ".join(task.class_names[label] for label in absent[:10])
            yield f"every class must occur in every split, `{part}` lacks {missing}"
    for part, split, noisy in (
        ("noisy", task.train, task.noisy),
        ("noisy_validation", task.validation, task.noisy_validation),
    ):
        if noisy is not None and (noisy.ndim != 5 or noisy.shape[1:] != split.x.shape):
            expected = ", ".join(map(str, split.x.shape))
            yield f"`{part}` must be (copies, {expected}), got {tuple(noisy.shape)}"


def _text_problems(task: Task) -> Iterator[str]:
    """Yield what is wrong with names and notes, and fewer than two classes."""
    classes = task.class_names
    if not isinstance(classes, tuple) or not all(isinstance(label, str) for label in classes):
        yield f"`class_names` must be a tuple of texts, got {classes!r}"
    if len(set(classes)) < max(2, len(classes)):
        yield f"needs two classes at least, each with its own name, got {classes!r}"
    if not isinstance(task.notes, tuple) or not all(
        isinstance(text, str) for text in (task.name, *task.notes)
    ):
        yield f"`name` must be a text and `notes` a tuple of texts, got {task.name!r}, {task.notes!r}"
    if task.statistics not in ("channel", "band"):
        yield f"`statistics` must be channel or band, got {task.statistics!r}"
