"""The choices of a space of sequence networks and the layout of its genotypes.

A genotype is `width, stride` of the entry and the number of blocks, then `type, width, projection, heads, skip` of each
possible block. Widths are counted in steps; a projection and heads are places among their choices. In a canonical
genotype the genes of blocks that a network does not have are 0, and so are choices that change nothing: a projection
outside type L, heads outside type A or of a single step, a skip around a block that changes the width or has skips of
its own.
"""

from __future__ import annotations

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
from search_spaces.space import Population

TYPES: Final = "LGA"
ENTRY_WIDTH, STRIDE, BLOCKS = range(3)
TYPE, WIDTH, PROJECTION, HEADS, SKIP = range(5)


@dataclass(frozen=True)
class SequenceRanges(BlockGenes):
    """What every gene may be, and the task the networks are for.

    Attributes:
        input_shape: `(channels, steps, features)` of one example; `(1, 1, steps)` where the inputs are symbols.
        n_classes: outputs of the network, at each step where the inputs are symbols.
        symbols: the inputs are whole numbers below `n_classes`, and the next one is predicted at each step; otherwise
            they are frames, and the whole sequence has one class.
        entry_width: smallest and largest width of what the blocks see, multiples of `width_step`.
        width: the same of a block: hidden units of types L and G, inner units of the feed-forward part of type A.
        width_step: between two widths.
        blocks: most blocks of a network; the fewest are 1.
        types: some of `LGA`.
        projections: type L passes on its hidden units divided by this, through a matrix unless it is 1.
        heads: of type A.
        strides: frames that are one step of the blocks; 1 alone for symbols.

    Raises:
        ValueError: for a value that no network can have; the message names rule and value.
    """

    head_names: ClassVar[tuple[str, ...]] = ("entry width", "stride", "blocks")
    block_names: ClassVar[tuple[str, ...]] = ("type", "width", "projection", "heads", "skip")
    block: ClassVar[str] = "block"
    count: ClassVar[int] = BLOCKS
    ordered_head: ClassVar[tuple[int, ...]] = (ENTRY_WIDTH,)
    ordered_block: ClassVar[tuple[int, ...]] = (WIDTH,)

    input_shape: tuple[int, int, int]
    n_classes: int
    symbols: bool = False
    entry_width: tuple[int, int] = (16, 64)
    width: tuple[int, int] = (16, 128)
    width_step: int = 8
    blocks: int = 3
    types: str = TYPES
    projections: tuple[int, ...] = (1, 2)
    heads: tuple[int, ...] = (1, 2, 4)
    strides: tuple[int, ...] = (1, 2, 4)

    def __post_init__(self) -> None:
        check_input_shape(self.input_shape, "(channels, steps, features)")
        if self.symbols and self.input_shape[:2] != (1, 1):
            raise ValueError(f"`input_shape` of symbols must be (1, 1, steps), got {self.input_shape}")
        check_positive(n_classes=self.n_classes, width_step=self.width_step, blocks=self.blocks)
        check_widths(self.width_step, entry_width=self.entry_width, width=self.width)
        check_types(self.types, TYPES)
        check_ascending(projections=self.projections, heads=self.heads, strides=self.strides)
        if self.projections[0] != 1:
            raise ValueError(f"`projections` must begin with 1, which is none, got {list(self.projections)}")
        self._check_together()

    def _check_together(self) -> None:
        """Raise a `ValueError` for choices that cannot be combined."""
        uneven = [projection for projection in self.projections if self.width_step % projection]
        if uneven and "L" in self.types:
            raise ValueError(f"`projections` must divide `width_step` {self.width_step}, got {uneven[0]}")
        narrowest = self.width_step // (self.projections[-1] if "L" in self.types else 1)
        uneven = [heads for heads in self.heads if narrowest % heads]
        if uneven and "A" in self.types:
            raise ValueError(
                f"`heads` must divide every width that a block can see, `width_step` / the largest projection = "
                f"{narrowest}, got {uneven[0]}"
            )
        if self.symbols and self.strides != (1,):
            raise ValueError(f"`strides` must be 1 alone for symbols, got {self.strides}")
        if self.strides[-1] > self.frames:
            raise ValueError(f"`strides` must be at most the {self.frames} frames, got {self.strides[-1]}")

    @property
    def frames(self) -> int:
        """Steps of an input."""
        return self.input_shape[2] if self.symbols else self.input_shape[1]

    @property
    def frame_width(self) -> int:
        """Numbers of a frame; for symbols how many different ones there are."""
        return self.n_classes if self.symbols else self.input_shape[0] * self.input_shape[2]

    @property
    def most_blocks(self) -> int:
        """Most blocks."""
        return self.blocks

    @property
    def low(self) -> npt.NDArray[np.int64]:
        """`(genes,)` smallest values."""
        head = [self.entry_width[0] // self.width_step, 0, 1]
        return np.array(head + [0, self.width[0] // self.width_step, 0, 0, 0] * self.blocks, dtype=np.int64)

    @property
    def high(self) -> npt.NDArray[np.int64]:
        """`(genes,)` largest values."""
        head = [self.entry_width[1] // self.width_step, len(self.strides) - 1, self.blocks]
        block = [len(self.types) - 1, self.width[1] // self.width_step]
        block += [len(self.projections) - 1, len(self.heads) - 1, 1]
        return np.array(head + block * self.blocks, dtype=np.int64)

    def canonical(self, population: Population) -> Population:
        """Return the one genotype of each network, `(n, genes)`; genes out of range are left as they are.

        Raises:
            ValueError: for rows of another space.
        """
        self.check_rows(population)
        rows = population.copy()
        blocks = self.of_blocks(rows)
        blocks[~self.active(rows)] = 0
        letter = blocks[:, :, TYPE]
        blocks[:, :, PROJECTION][letter != self.types.find("L")] = 0
        strides = np.array(self.strides, dtype=np.int64)
        steps = self.frames // strides[np.clip(rows[:, STRIDE], 0, len(strides) - 1)]
        blocks[:, :, HEADS][(letter != self.types.find("A")) | (steps[:, None] == 1)] = 0
        before, after = self.widths(rows)
        whole = (blocks[:, :, SKIP] == 0) | (blocks[:, :, SKIP] == 1)
        useless = (before != after) | (letter == self.types.find("A"))
        blocks[:, :, SKIP][whole & useless] = 0
        return rows

    def widths(self, population: Population) -> tuple[Population, Population]:
        """Return the widths before and after each block, `(n, blocks)` each; 0 after inactive ones."""
        blocks, active = self.of_blocks(population), self.active(population)
        divisors = np.array(self.projections, dtype=np.int64)
        own = blocks[:, :, WIDTH] * self.width_step
        own //= divisors[np.clip(blocks[:, :, PROJECTION], 0, len(divisors) - 1)]
        attends = blocks[:, :, TYPE] == self.types.find("A")
        before, after = np.zeros_like(own), np.zeros_like(own)
        width = population[:, ENTRY_WIDTH] * self.width_step
        for place in range(self.blocks):
            before[:, place] = width
            width = np.where(active[:, place] & ~attends[:, place], own[:, place], width)
            after[:, place] = np.where(active[:, place], width, 0)
        return before, after

    def alike(
        self, block: npt.NDArray[np.int64], other: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Return a block like `block`, half of the time as wide as `other`."""
        genes = block.copy()
        genes[WIDTH] = other[WIDTH] if rng.random() < 0.5 else genes[WIDTH]
        return genes
