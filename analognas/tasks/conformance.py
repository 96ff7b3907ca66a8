"""The conformance suite of tasks: what every task, a user's own one included, must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

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
    return next((rule for rule, holds in _rules(task) if not holds), "")


def _rules(task: Task) -> Iterator[tuple[str, bool]]:
    """Yield what must hold of a task, lest it fail, or quietly mislead, much later."""
    import torch

    classes = task.class_names
    yield "`class_names` must be a tuple of texts", isinstance(classes, tuple) and _are_texts(classes)
    yield "needs two classes at least, each with its own name", len(set(classes)) >= max(2, len(classes))
    yield (
        "`name` must be a text, `notes` a tuple of texts",
        isinstance(task.notes, tuple) and _are_texts((task.name, *task.notes)),
    )
    yield "`statistics` must be channel, band or none", task.statistics in ("channel", "band", "none")
    shape = None
    for part in ("train", "validation", "test"):
        split = getattr(task, part)
        yield (
            f"`{part}` must be a Split of two torch tensors on the processor, without gradients",
            isinstance(split, Split) and _is_plain(split.x) and _is_plain(split.y),
        )
        shape = split.x.shape[1:] if shape is None else shape
        yield (
            f"`{part}` must hold inputs (n, channels, height, width) of one shape and as many labels, or labels of "
            f"every step of inputs (n, 1, 1, steps), got {tuple(split.x.shape)} and {tuple(split.y.shape)}",
            len(shape) == 3
            and split.x.shape == (len(split), *shape)
            and (split.y.ndim == 1 or _labels_every_step(split))
            and split.y.ndim == task.train.y.ndim
            and len(split) > 0,
        )
        yield (
            f"`{part}` must be float32 or uint8 inputs and int64 labels",
            split.x.dtype in (torch.float32, torch.uint8) and split.y.dtype == torch.int64,
        )
        yield f"`{part}` holds NaN or infinity", bool(torch.isfinite(split.x).all())
        found = set(split.y.unique().tolist())
        if task.every_step:
            symbols = found | set(split.x.unique().tolist())
            yield (
                f"symbols and labels of `{part}` must be whole numbers from 0 to {task.n_classes - 1}",
                symbols <= set(range(task.n_classes)),
            )
            continue
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


def _labels_every_step(split: Split) -> bool:
    return split.x.shape[1:] == (1, 1, *split.y.shape[1:]) and split.y.ndim == 2


def _is_plain(values: object) -> bool:
    import torch

    return isinstance(values, torch.Tensor) and values.device.type == "cpu" and not values.requires_grad
