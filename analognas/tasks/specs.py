"""The `task` section of a configuration, and the table of built-in tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator

from analognas.config.spec import ExistingFile, Spec
from analognas.tasks.task import Task


class DigitsSpec(Spec):
    """Handwritten digits bundled with scikit-learn: 1,797 images of 8 × 8, ten classes, split 60/20/20."""

    kind: Literal["digits"] = "digits"


class ArraysSpec(Spec):
    """A user's own .npz file with `x` and `y`, or `x_train`, `y_train`, `x_test`, `y_test` (and `x_val`, `y_val`)."""

    kind: Literal["arrays"] = "arrays"
    path: ExistingFile = Field(
        description="the .npz file; a relative path starts at the folder of the configuration"
    )
    input_shape: tuple[int, int, int] | None = Field(
        default=None, description="[channels, height, width] of one input; needed for rows of features"
    )
    layout: Literal["auto", "channels-first", "channels-last"] = Field(
        default="auto", description="where the channels of four-dimensional inputs are"
    )
    fractions: tuple[float, float, float] = Field(
        default=(0.6, 0.2, 0.2), description="training, validation and test shares, adding up to 1"
    )
    split_seed: int = Field(default=0, ge=0, description="seed of the stratified split")

    @field_validator("input_shape")
    @classmethod
    def _positive(cls, shape: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
        if shape is not None and min(shape) < 1:
            raise ValueError(f"[channels, height, width] must be positive, got {list(shape)}")
        return shape

    @field_validator("fractions")
    @classmethod
    def _adds_up(cls, fractions: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
            raise ValueError(f"three positive shares that add up to 1 are needed, got {list(fractions)}")
        return fractions


TaskSpec = Annotated[DigitsSpec | ArraysSpec, Field(discriminator="kind")]

BUILT_IN: Final[Mapping[str, type[Spec]]] = {"digits": DigitsSpec, "arrays": ArraysSpec}
"""The built-in tasks by the name they have in a configuration."""


def load_task(spec: DigitsSpec | ArraysSpec) -> Task:
    """Load the data of a task.

    Raises:
        UserError: when the data are missing or do not fit.
    """
    match spec:
        case DigitsSpec():
            from analognas.tasks.digits import load_digits

            return load_digits()
        case ArraysSpec():
            from analognas.tasks.arrays import load_arrays

            return load_arrays(
                spec.path,
                input_shape=spec.input_shape,
                layout=spec.layout,
                fractions=spec.fractions,
                split_seed=spec.split_seed,
            )
