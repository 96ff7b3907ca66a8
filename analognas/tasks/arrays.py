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
from pydantic import Field, field_validator

from analognas.errors import UserError
from analognas.specs.base import ExistingFile
from analognas.tasks.base_spec import Fractions, TaskSpec
from analognas.tasks.store.npz import NpzError, read_npz
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Images, Labels, Task, make_split

Layout = Literal["auto", "channels-first", "channels-last"]

NAMES: Final = ("x", "y", "x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
USUAL_CHANNELS: Final = (1, 3)
MAX_AUTO_CHANNELS: Final = 4


class ArraysSpec(TaskSpec):
    """A user's own .npz file with `x` and `y`, or `x_train`, `y_train`, `x_test`, `y_test` (and `x_val`, `y_val`)."""

    kind: Literal["arrays"] = "arrays"
    path: ExistingFile = Field(
        description="the .npz file; a relative path starts at the folder of the configuration"
    )
    input_shape: tuple[int, int, int] | None = Field(
        default=None, description="[channels, height, width] of one input; needed for rows of features"
    )
    layout: Layout = Field(default="auto", description="where the channels of four-dimensional inputs are")
    fractions: Fractions = Field(
        default=(0.6, 0.2, 0.2), description="training, validation and test shares, adding up to 1"
    )
    split_seed: int = Field(default=0, ge=0, description="seed of the stratified split")

    @field_validator("input_shape")
    @classmethod
    def _positive(cls, shape: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
        if shape is not None and min(shape) < 1:
            raise ValueError(f"[channels, height, width] must be positive, got {list(shape)}")
        return shape

    def build(self) -> Task:
        """Load the file."""
        return load_arrays(
            self.path,
            input_shape=self.input_shape,
            layout=self.layout,
            fractions=self.fractions,
            split_seed=self.split_seed,
        )


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
    if "x_train" in file or "x_test" in file:
        if "x" in file or "y" in file:
            raise UserError(
                f"{path}: holds both `x`, `y` and `x_train`, `x_test`, so that it is not clear what to use; "
                "leave one of the two out"
            )
        return _presplit_task(file, input_shape, layout, fractions, split_seed)
    y, class_names = _labels(path, {"y": file["y"]})
    x = _images(path, "x", file["x"], input_shape, layout)
    _same_length(path, "x", x, "y", y["y"])
    try:
        train, validation, test = stratified_indices(y["y"], fractions, split_seed, class_names)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return Task(
        name=path.stem,
        train=make_split(x[train], y["y"][train]),
        validation=make_split(x[validation], y["y"][validation]),
        test=make_split(x[test], y["y"][test]),
        class_names=class_names,
    )


def _presplit_task(
    file: _File,
    input_shape: tuple[int, int, int] | None,
    layout: Layout,
    fractions: tuple[float, float, float],
    split_seed: int,
) -> Task:
    path = file.path
    given = "x_val" in file or "y_val" in file
    parts = ["train", "val", "test"] if given else ["train", "test"]
    x = {part: _images(path, f"x_{part}", file[f"x_{part}"], input_shape, layout) for part in parts}
    y, class_names = _labels(path, {f"y_{part}": file[f"y_{part}"] for part in parts})
    for part in parts:
        _same_length(path, f"x_{part}", x[part], f"y_{part}", y[f"y_{part}"])
        if x[part].shape[1:] != x["train"].shape[1:]:
            raise UserError(
                f"{path}: inputs of all splits must have one shape, "
                f"`x_train` has {x['train'].shape[1:]} and `x_{part}` {x[part].shape[1:]}"
            )
        absent = np.setdiff1d(np.arange(len(class_names)), y[f"y_{part}"])
        if len(absent):
            raise UserError(
                f"{path}: every class must occur in `y_{part}`, missing: "
                f"{', '.join(class_names[label] for label in absent)}; add items, or merge classes"
            )
    test = make_split(x["test"], y["y_test"])
    if given:
        train, validation = make_split(x["train"], y["y_train"]), make_split(x["val"], y["y_val"])
    else:
        share = fractions[1] / (fractions[0] + fractions[1])
        try:
            kept, held = stratified_indices(y["y_train"], (1 - share, share), split_seed, class_names)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        train = make_split(x["train"][kept], y["y_train"][kept])
        validation = make_split(x["train"][held], y["y_train"][held])
    return Task(name=path.stem, train=train, validation=validation, test=test, class_names=class_names)


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


def _same_length(path: Path, x_name: str, x: Images, y_name: str, y: Labels) -> None:
    if len(x) != len(y):
        raise UserError(
            f"{path}: `{x_name}` and `{y_name}` must have equal lengths, got {len(x)} and {len(y)}"
        )


def _images(
    path: Path, name: str, x: npt.NDArray[Any], input_shape: tuple[int, int, int] | None, layout: Layout
) -> Images:
    if x.dtype.kind not in "buif":
        raise UserError(f"{path}: `{name}` must hold numbers, got {x.dtype}")
    if x.ndim == 0 or x.size == 0:
        raise UserError(f"{path}: `{name}` is empty or a single value, got shape {x.shape}")
    if not np.isfinite(x).all():
        bad = np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))
        raise UserError(
            f"{path}: `{name}` must be finite, {len(bad)} items hold NaN or infinity, the first is item {bad[0]}"
        )
    with np.errstate(over="ignore"):
        images = np.asarray(x, dtype=np.float32)
    if not np.isfinite(images).all():
        raise UserError(f"{path}: `{name}` holds values beyond the range of float32; rescale it")
    return _channels_first(path, name, images, input_shape, layout)


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


def _labels(path: Path, labels: dict[str, npt.NDArray[Any]]) -> tuple[dict[str, Labels], tuple[str, ...]]:
    for name, y in labels.items():
        if y.ndim != 1:
            raise UserError(f"{path}: `{name}` must be one label an item, got shape {y.shape}")
        if y.dtype.kind not in "buifUS":
            raise UserError(f"{path}: `{name}` must hold integers or texts, got {y.dtype}")
        if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.rint(y)).all()):
            raise UserError(
                f"{path}: `{name}` must hold class labels, got fractions or NaN; is this a regression?"
            )
        if y.dtype.kind in "if" and (y < 0).any():
            first = int(np.flatnonzero(y < 0)[0])
            raise UserError(
                f"{path}: integers in `{name}` must be at least 0, got {y[first]:g} at item {first}; "
                "leave out what has no label, or name classes by texts"
            )
    values = np.unique(np.concatenate([np.asarray(y) for y in labels.values()]))
    if len(values) < 2:
        raise UserError(f"{path}: a classification needs at least 2 classes, the labels hold {len(values)}")
    names = tuple(
        value.decode(errors="replace")
        if isinstance(value, bytes)
        else f"{value:g}"
        if values.dtype.kind == "f"
        else str(value)
        for value in values
    )
    return {name: np.searchsorted(values, y).astype(np.int64) for name, y in labels.items()}, names
