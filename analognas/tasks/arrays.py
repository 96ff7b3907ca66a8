"""A user's own data in one `.npz` file.

The file holds either `x` and `y`, split here, or `x_train`, `y_train`, `x_test`, `y_test` and optionally `x_val`,
`y_val`; `from_arrays` says what they may look like.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from analognas.errors import UserError
from analognas.specs.base import ExistingFile
from analognas.tasks.base_spec import Fractions, TaskSpec
from analognas.tasks.from_arrays import NAMES, HeldArrays, Layout, assemble
from analognas.tasks.store.npz import NpzError, read_npz
from analognas.tasks.task import Task


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
    try:
        arrays, names = read_npz(path, NAMES)
    except NpzError as error:
        raise UserError(f"{path}: {error}; write `x` and `y` with numpy.savez") from None
    held = HeldArrays(str(path), arrays, tuple(names))
    return assemble(held, str(path), path.stem, input_shape, layout, fractions, split_seed)
