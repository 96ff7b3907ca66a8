"""The `space` section of the space of free stages."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from analognas.spaces.base_spec import SpaceSpec
from analognas.spaces.bounds import letters_of, ordered
from search_spaces.staged import StagedRanges, StagedSpace
from search_spaces.staged.ranges import DEFAULT_TYPES, TYPES, default_kernels, default_strides

Channels = Annotated[int, Field(ge=1, le=1024)]
Axis = Annotated[int, Field(ge=1, le=15)]
Bounds = Annotated[tuple[Channels, Channels], AfterValidator(ordered)]
Pairs = tuple[tuple[Axis, Axis], ...]


class StagedSpec(SpaceSpec):
    """Residual stages of free width, depth, type, kernel and stride: wider than Table I; all can be narrowed."""

    every_step: ClassVar[bool] = False

    kind: Literal["staged"] = "staged"
    stem_width: Bounds = Field(default=(8, 32), description="channels of the first convolution: [low, high]")
    width: Bounds = Field(default=(8, 96), description="channels of a stage: [low, high]")
    width_step: int = Field(default=4, ge=1, le=64, description="between two widths; all are multiples of it")
    stages: int = Field(default=4, ge=1, le=8, description="most stages of a network")
    depth: int = Field(default=4, ge=1, le=16, description="most residual blocks of a stage")
    types: Annotated[str, AfterValidator(letters_of(TYPES))] = Field(
        default=DEFAULT_TYPES,
        description="block types: B basic, D the same with ReLU before batch norm, E expanded (1 x 1, grouped k x k, "
        "1 x 1), S a single convolution, W depthwise k x k and 1 x 1",
    )
    expansions: tuple[int, ...] = Field(
        default=(1, 2, 3), description="inner channels of type E, in multiples of its stage's"
    )
    groups: tuple[int, ...] = Field(
        default=(1, 2, 4), description="groups of the inner convolution of type E; divisors of `width_step`"
    )
    kernels: Pairs | None = Field(
        default=None,
        description="[height, width] of kernels, odd; null: 3 x 3 and 5 x 5, and longer ones along a long axis",
    )
    strides: Pairs | None = Field(
        default=None,
        description="[height, width] of strides, [1, 1] first; null: of both axes, and of a long one alone",
    )

    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> StagedSpace:
        """Return the space.

        Raises:
            ValueError: when a choice is none that a network can have.
        """
        return StagedSpace(
            StagedRanges(
                input_shape=input_shape,
                n_classes=n_classes,
                stem_width=self.stem_width,
                width=self.width,
                width_step=self.width_step,
                stages=self.stages,
                depth=self.depth,
                types=self.types,
                expansions=self.expansions,
                groups=self.groups,
                kernels=self.kernels or default_kernels(input_shape),
                strides=self.strides or default_strides(input_shape),
            )
        )
