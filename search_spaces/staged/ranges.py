"""The choices of a space of staged networks and the layout of its genotypes.

A genotype is `width, kernel, stride` of the first convolution, the number of stages, then `depth, width, type, kernel,
stride, expansion, groups` of each possible stage. Widths are counted in steps; every other gene is the place of its
value among the choices. The genes of stages that a network does not have are 0 in a canonical genotype, and so are
choices that change nothing: an expansion or groups outside type E, or strides on a map that is too short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from search_spaces.block_genes import BlockGenes
from search_spaces.block_genes.choices import (
    check_ascending,
    check_input_shape,
    check_positive,
    check_types,
    check_widths,
)

Axes = tuple[int, int]
"""Along the height and the width of a map."""

TYPES: Final = "BDESW"
"""Letters of all types of blocks; `search_spaces.staged.layout` has what they are."""

DEFAULT_TYPES: Final = "BDES"
"""Depthwise blocks are left out: a crossbar holds few of their weights in many rows."""

STEM_WIDTH, STEM_KERNEL, STEM_STRIDE, STAGES = 0, 1, 2, 3
STEM_GENES: Final = 4
DEPTH, WIDTH, TYPE, KERNEL, STRIDE, EXPANSION, GROUPS = range(7)
STAGE_GENES: Final = 7

SHORTEST_STRIDED_AXIS: Final = 4
"""A shorter axis of a map is never halved."""

LONG: Final = 2
"""How many times as long as the other an axis is that has kernels and strides of its own."""


def default_kernels(input_shape: tuple[int, int, int]) -> tuple[Axes, ...]:
    """Return the kernels for inputs: square ones, and longer ones along an axis that is much longer.

    >>> default_kernels((3, 32, 32)), default_kernels((1, 49, 10))
    (((3, 3), (5, 5)), ((3, 3), (5, 5), (5, 3), (9, 3)))
    """
    _, height, width = input_shape
    square = ((3, 3), (5, 5))
    if height >= LONG * width:
        return (*square, (5, 3), (9, 3))
    if width >= LONG * height:
        return (*square, (3, 5), (3, 9))
    return square


def default_strides(input_shape: tuple[int, int, int]) -> tuple[Axes, ...]:
    """Return the strides for inputs: of both axes, and along one that is much longer.

    >>> default_strides((3, 32, 32)), default_strides((1, 49, 10))
    (((1, 1), (2, 2)), ((1, 1), (2, 2), (2, 1)))
    """
    _, height, width = input_shape
    both = ((1, 1), (2, 2))
    if height >= LONG * width:
        return (*both, (2, 1))
    if width >= LONG * height:
        return (*both, (1, 2))
    return both


@dataclass(frozen=True)
class StagedRanges(BlockGenes):
    """What every gene may be, and the task the networks are for.

    Attributes:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
        stem_width: fewest and most channels of the first convolution, multiples of `width_step`.
        width: fewest and most channels of a stage, multiples of `width_step`.
        width_step: between two widths.
        stages: most stages of a network; the fewest are 1.
        depth: most residual blocks of a stage; the fewest are 1.
        types: some of `BDESW`.
        expansions: inner channels of type E as multiples of those of the stage.
        groups: of the inner convolution of type E.
        kernels: `(height, width)` of the first convolution, and of the others that are not 1 x 1, odd.
        strides: of the first convolution and of stages; (1, 1) among them.

    Raises:
        ValueError: for a value that no network can have; the message names rule and value.
    """

    head_names: ClassVar[tuple[str, ...]] = ("stem width", "stem kernel", "stem stride", "stages")
    block_names: ClassVar[tuple[str, ...]] = (
        "depth",
        "width",
        "type",
        "kernel",
        "stride",
        "expansion",
        "groups",
    )
    block: ClassVar[str] = "stage"
    count: ClassVar[int] = STAGES
    ordered_head: ClassVar[tuple[int, ...]] = (STEM_WIDTH,)
    ordered_block: ClassVar[tuple[int, ...]] = (DEPTH, WIDTH)

    input_shape: tuple[int, int, int]
    n_classes: int
    stem_width: tuple[int, int] = (8, 32)
    width: tuple[int, int] = (8, 96)
    width_step: int = 4
    stages: int = 4
    depth: int = 4
    types: str = DEFAULT_TYPES
    expansions: tuple[int, ...] = (1, 2, 3)
    groups: tuple[int, ...] = (1, 2, 4)
    kernels: tuple[Axes, ...] = ((3, 3), (5, 5))
    strides: tuple[Axes, ...] = ((1, 1), (2, 2))

    def __post_init__(self) -> None:
        check_input_shape(self.input_shape, "(channels, height, width)")
        check_positive(
            n_classes=self.n_classes, width_step=self.width_step, stages=self.stages, depth=self.depth
        )
        check_widths(self.width_step, stem_width=self.stem_width, width=self.width)
        check_types(self.types, TYPES)
        check_ascending(expansions=self.expansions, groups=self.groups)
        if self.groups[0] != 1:
            raise ValueError(f"`groups` must begin with 1, got {self.groups}")
        uneven = [groups for groups in self.groups if self.width_step % groups]
        if uneven:
            raise ValueError(f"`groups` must divide `width_step` {self.width_step}, got {uneven[0]}")
        _check_axes("kernels", self.kernels)
        _check_axes("strides", self.strides)
        if any(axis % 2 == 0 for kernel in self.kernels for axis in kernel):
            raise ValueError(f"`kernels` must be odd along both axes, got {self.kernels}")
        if self.strides[0] != (1, 1):
            raise ValueError(f"`strides` must begin with (1, 1), got {self.strides}")

    @property
    def most_blocks(self) -> int:
        """Most stages."""
        return self.stages

    @property
    def low(self) -> npt.NDArray[np.int64]:
        """`(genes,)` smallest values."""
        stem = [self.stem_width[0] // self.width_step, 0, 0, 1]
        stage = [1, self.width[0] // self.width_step, 0, 0, 0, 0, 0]
        return np.array(stem + stage * self.stages, dtype=np.int64)

    @property
    def high(self) -> npt.NDArray[np.int64]:
        """`(genes,)` largest values."""
        kernel, stride = len(self.kernels) - 1, len(self.strides) - 1
        stem = [self.stem_width[1] // self.width_step, kernel, stride, self.stages]
        choices = [len(self.types) - 1, kernel, stride, len(self.expansions) - 1, len(self.groups) - 1]
        stage = [self.depth, self.width[1] // self.width_step, *choices]
        return np.array(stem + stage * self.stages, dtype=np.int64)

    def alike(
        self, block: npt.NDArray[np.int64], other: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Return a stage like `block`, one residual block deep, half of the time as wide as `other`."""
        genes = block.copy()
        genes[DEPTH] = 1
        genes[WIDTH] = other[WIDTH] if rng.random() < 0.5 else genes[WIDTH]
        return genes


def _check_axes(name: str, values: Sequence[Axes]) -> None:
    if not values or len(set(values)) != len(values) or any(min(axes) < 1 for axes in values):
        raise ValueError(
            f"`{name}` must be pairs (height, width) of 1 or more, each once, got {tuple(values)}"
        )
