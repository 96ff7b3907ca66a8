"""A task from arrays of a user's own: their layout, their labels, their splits.

Inputs are images `(n, height, width)`, `(n, channels, height, width)` or `(n, height, width, channels)`, or rows of
features `(n, d)` shaped by `input_shape`. Labels are integers from 0, not necessarily consecutive, or texts; every
value is a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.assemble import Index, make_task
from analognas.tasks.complete_splits import check_classes
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Images, Labels, Task

Layout: TypeAlias = Literal["auto", "channels-first", "channels-last"]

NAMES: Final = ("x", "y", "x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
USUAL_CHANNELS: Final = (1, 3)
MAX_AUTO_CHANNELS: Final = 4

_ORDERS: Final[Mapping[int, tuple[str, ...]]] = {
    2: ("x", "y"),
    4: ("x_train", "y_train", "x_test", "y_test"),
    6: ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"),
}
"""The names of arrays that come in a list."""


class Arrays(Protocol):
    """Arrays by name; one that is not there is an error of its own when it is asked for."""

    def __contains__(self, name: str) -> bool:
        """Whether there is an array of this name."""
        ...

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return it.

        Raises:
            UserError: when there is none.
        """
        ...


@dataclass(frozen=True)
class HeldArrays:
    """Arrays that are in memory.

    Attributes:
        source: where they are from, for errors.
        arrays: by name.
        names: of everything there, for errors.
    """

    source: str
    arrays: Mapping[str, npt.NDArray[Any]]
    names: Sequence[str]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self.arrays:
            held = ", ".join(f"`{known}`" for known in sorted(self.names)) or "nothing"
            raise UserError(
                f"{self.source}: needs the array `{name}`, holds {held}; "
                "give `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`"
            )
        return self.arrays[name]


def task_from_arrays(
    arrays: Mapping[str, Any] | Sequence[Any],
    *,
    name: str = "arrays",
    input_shape: tuple[int, int, int] | None = None,
    layout: Layout = "auto",
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    split_seed: int = 0,
) -> Task:
    """Return a task from arrays in memory.

    Args:
        arrays: `(x, y)`, `(x_train, y_train, x_test, y_test)` or `(x_train, y_train, x_val, y_val, x_test, y_test)`, or
            a mapping with these names: numpy arrays, torch tensors, or lists of numbers.
        name: of the data.
        input_shape: (channels, height, width) of one input; needed for rows of features.
        layout: where the channels of four-dimensional inputs are.
        fractions: training, validation and test shares, as for `load_arrays`.
        split_seed: of the stratified split.

    Raises:
        UserError: for arrays that are missing, of a wrong shape, not finite, or with labels that do not fit.

    Example:
        >>> task_from_arrays((np.zeros((20, 8, 8)), np.arange(20) % 2)).input_shape
        (1, 8, 8)
    """
    if not isinstance(arrays, Mapping):
        if len(arrays) not in _ORDERS:
            raise UserError(
                "`task`: arrays are (x, y), (x_train, y_train, x_test, y_test), or these with x_val and y_val in the "
                f"middle, got {len(arrays)} of them"
            )
        arrays = dict(zip(_ORDERS[len(arrays)], arrays, strict=True))
    unknown = [given for given in arrays if given not in NAMES]
    if unknown:
        raise UserError(f"`task`: arrays are named {', '.join(NAMES)}, got {unknown[0]!r}")
    held = HeldArrays(
        "`task`", {given: _array(given, value) for given, value in arrays.items()}, tuple(arrays)
    )
    return assemble(held, "`task`", name, input_shape, layout, fractions, split_seed)


def _array(name: str, value: Any) -> npt.NDArray[Any]:
    try:
        found = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, tensors on another device
        raise UserError(f"`task`: `{name}` must be an array: {error}") from None
    if found.dtype == object:
        raise UserError(f"`task`: `{name}` must be an array of numbers or texts, got one of Python objects")
    return found


def assemble(
    file: Arrays,
    path: str,
    name: str,
    input_shape: tuple[int, int, int] | None,
    layout: Layout,
    fractions: tuple[float, float, float],
    split_seed: int,
) -> Task:
    """Return the task of arrays; `path` says in errors where they are from, the rest is as for `task_from_arrays`.

    Raises:
        UserError: as `task_from_arrays`.
    """
    presplit = "x_train" in file or "x_test" in file
    if presplit and ("x" in file or "y" in file):
        raise UserError(
            f"{path}: holds both `x`, `y` and `x_train`, `x_test`, so that it is not clear what to use; "
            "leave one of the two out"
        )
    names = ["x"]
    if presplit:
        names = (
            ["x_train", "x_val", "x_test"] if "x_val" in file or "y_val" in file else ["x_train", "x_test"]
        )
    inputs = [_images(path, split, file[split], input_shape, layout) for split in names]
    y, class_names = _labels(
        path, {held: file[held] for held in (split.replace("x", "y") for split in names)}
    )
    for split, x, labels in zip(names, inputs, y, strict=True):
        if len(x) != len(labels):
            raise UserError(
                f"{path}: `{split}` and its labels must have equal lengths, got {len(x)} and {len(labels)}"
            )
        if x.shape[1:] != inputs[0].shape[1:]:
            raise UserError(
                f"{path}: inputs of all splits must have one shape, "
                f"`x_train` has {inputs[0].shape[1:]} and `{split}` {x.shape[1:]}"
            )
    whole, ends = np.concatenate(y), np.cumsum([len(labels) for labels in y])
    try:
        parts = _parts(np.split(np.arange(len(whole)), ends[:-1]), whole, fractions, split_seed, class_names)
        check_classes(whole, parts, class_names, "add items, or merge classes")
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return make_task(name, np.concatenate(inputs), whole, parts, class_names)


def _parts(
    given: list[Index],
    y: Labels,
    fractions: tuple[float, float, float],
    split_seed: int,
    class_names: tuple[str, ...],
) -> tuple[Index, ...]:
    """Return the indices of training, validation and test, where all, two or none of them are given."""
    if len(given) == 1:
        return stratified_indices(y, fractions, split_seed, class_names)
    if len(given) == 3:
        return tuple(given)
    train, test = given
    share = fractions[1] / (fractions[0] + fractions[1])
    kept, held = stratified_indices(y[train], (1 - share, share), split_seed, class_names)
    return train[kept], train[held], test


def _images(
    path: str, name: str, x: npt.NDArray[Any], input_shape: tuple[int, int, int] | None, layout: Layout
) -> Images:
    if x.dtype.kind not in "buif":
        raise UserError(f"{path}: `{name}` must hold numbers, got {x.dtype}")
    if x.ndim == 0 or x.size == 0:
        raise UserError(f"{path}: `{name}` is empty or a single value, got shape {x.shape}")
    with np.errstate(over="ignore"):  # beyond the range of float32 is infinite
        x = np.asarray(x, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(x).reshape(len(x), -1).all(axis=1))
    if len(bad):
        raise UserError(
            f"{path}: `{name}` must be finite in float32, {len(bad)} items are not, the first is item {bad[0]}"
        )
    return _channels_first(path, name, x, input_shape, layout)


def _channels_first(
    path: str, name: str, x: Images, input_shape: tuple[int, int, int] | None, layout: Layout
) -> Images:
    if x.ndim == 2:
        if input_shape is None:
            raise UserError(
                f"{path}: `{name}` holds rows of {x.shape[1]} features; say how to shape them with "
                f"`input_shape: [channels, height, width]`, for instance [1, 1, {x.shape[1]}]"
            )
        if int(np.prod(input_shape)) != x.shape[1]:
            raise UserError(
                f"{path}: `input_shape` {list(input_shape)} has {int(np.prod(input_shape))} values, "
                f"a row of `{name}` has {x.shape[1]}"
            )
        return x.reshape(-1, *input_shape)
    if x.ndim == 3:
        images = x[:, None]
    elif x.ndim == 4:
        images = np.moveaxis(x, -1, 1) if _channels_are_last(path, name, x, input_shape, layout) else x
    else:
        raise UserError(
            f"{path}: `{name}` must have 2 (rows), 3 (grey images) or 4 (images with channels) dimensions, "
            f"got shape {x.shape}"
        )
    if input_shape is not None and images.shape[1:] != tuple(input_shape):
        raise UserError(
            f"{path}: `input_shape` is {list(input_shape)}, "
            f"`{name}` has {list(images.shape[1:])} (channels, height, width)"
        )
    return images


def _channels_are_last(
    path: str, name: str, x: Images, input_shape: tuple[int, int, int] | None, layout: Layout
) -> bool:
    if layout != "auto":
        return layout == "channels-last"
    if input_shape is not None:
        first, last = (
            x.shape[1:] == tuple(input_shape),
            (x.shape[3], x.shape[1], x.shape[2]) == tuple(input_shape),
        )
    else:
        # grey and colour are the likeliest counts; two and four count only where neither end is one of those
        first, last = (x.shape[axis] in USUAL_CHANNELS for axis in (1, 3))
        if not first and not last:
            first, last = (x.shape[axis] <= MAX_AUTO_CHANNELS for axis in (1, 3))
    if first == last:
        raise UserError(
            f"{path}: cannot tell where the channels of `{name}` are, shape {x.shape}; "
            "set `layout: channels-first` or `layout: channels-last`"
        )
    return last


def _labels(path: str, labels: dict[str, npt.NDArray[Any]]) -> tuple[list[Labels], tuple[str, ...]]:
    for name, y in labels.items():
        if y.ndim != 1 or y.dtype.kind not in "buifUS":
            raise UserError(
                f"{path}: `{name}` must be one integer or text an item, got shape {y.shape} of {y.dtype}"
            )
        if y.dtype.kind in "if" and ((y < 0) | (y != np.rint(y))).any():
            first = int(np.argmax((y < 0) | (y != np.rint(y))))
            raise UserError(
                f"{path}: `{name}` must hold whole numbers from 0 or texts, got {y[first]:g} at item {first}; "
                "leave out what has no label; a regression is no task"
            )
    values, indices = np.unique(np.concatenate(list(labels.values())), return_inverse=True)
    if len(values) < 2:
        raise UserError(f"{path}: a classification needs at least 2 classes, the labels hold {len(values)}")
    ends = np.cumsum([len(y) for y in labels.values()])[:-1]
    return np.split(indices.astype(np.int64), ends), tuple(map(_class_name, values.tolist()))


def _class_name(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return f"{value:g}" if isinstance(value, float) else str(value)
