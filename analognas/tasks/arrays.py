"""A user's own data in one `.npz` file.

The file holds either `x` and `y`, split here, or `x_train`, `y_train`, `x_test`, `y_test` and optionally `x_val`,
`y_val`. Inputs are images `(n, height, width)`, `(n, channels, height, width)` or `(n, height, width, channels)`,
or rows of features `(n, d)` shaped by `input_shape`. Labels are integers from 0, not necessarily consecutive, or texts;
every value is a class.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.assemble import Index, make_task
from analognas.tasks.complete_splits import check_classes
from analognas.tasks.store.npz import NpzError, read_npz
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Images, Labels, Task

Layout = Literal["auto", "channels-first", "channels-last"]

NAMES: Final = ("x", "y", "x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
USUAL_CHANNELS: Final = (1, 3)
MAX_AUTO_CHANNELS: Final = 4


def load_arrays(
    path: Path,
    *,
    input_shape: tuple[int, int, int] | None = None,
    layout: Layout = "auto",
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    split_seed: int = 0,
) -> Task:
    """Load a task from an `.npz` file.

    Args:
        path: the file.
        input_shape: (channels, height, width) of one input; needed for rows of features.
        layout: where the channels of four-dimensional inputs are.
        fractions: training, validation and test shares of `x` and `y`; with `x_train` and no `x_val`, validation takes
            its share of training plus validation out of `x_train`.
        split_seed: of the stratified split.

    Raises:
        UserError: when the file is missing, not `.npz`, holds objects, lacks an array, or an array has a wrong shape,
            values that are not finite, or labels that do not fit.
    """
    file = _File(path)
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
    inputs = [_images(path, name, file[name], input_shape, layout) for name in names]
    y, class_names = _labels(path, {name: file[name] for name in (name.replace("x", "y") for name in names)})
    for name, x, labels in zip(names, inputs, y, strict=True):
        if len(x) != len(labels):
            raise UserError(
                f"{path}: `{name}` and its labels must have equal lengths, got {len(x)} and {len(labels)}"
            )
        if x.shape[1:] != inputs[0].shape[1:]:
            raise UserError(
                f"{path}: inputs of all splits must have one shape, "
                f"`x_train` has {inputs[0].shape[1:]} and `{name}` {x.shape[1:]}"
            )
    whole, ends = np.concatenate(y), np.cumsum([len(labels) for labels in y])
    try:
        parts = _parts(np.split(np.arange(len(whole)), ends[:-1]), whole, fractions, split_seed, class_names)
        check_classes(whole, parts, class_names, "add items, or merge classes")
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return make_task(path.stem, np.concatenate(inputs), whole, parts, class_names)


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


class _File:
    """The arrays of the file that a task is made of."""

    def __init__(self, path: Path) -> None:
        try:
            self._arrays, self._names = read_npz(path, NAMES)
        except NpzError as error:
            raise UserError(f"{path}: {error}; write `x` and `y` with numpy.savez") from None
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._arrays:
            held = ", ".join(f"`{known}`" for known in sorted(self._names)) or "nothing"
            raise UserError(
                f"{self.path}: needs the array `{name}`, holds {held}; "
                "give `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`"
            )
        return self._arrays[name]


def _images(
    path: Path, name: str, x: npt.NDArray[Any], input_shape: tuple[int, int, int] | None, layout: Layout
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
    path: Path, name: str, x: Images, input_shape: tuple[int, int, int] | None, layout: Layout
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
    path: Path, name: str, x: Images, input_shape: tuple[int, int, int] | None, layout: Layout
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


def _labels(path: Path, labels: dict[str, npt.NDArray[Any]]) -> tuple[list[Labels], tuple[str, ...]]:
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
