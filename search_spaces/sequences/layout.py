"""Sizes of every layer of sequence networks, from their genotypes alone.

    L  LSTM        w hidden units, then a matrix to w / projection where that is more than 1
    G  GRU         w hidden units
    A  attention   layer norm, self-attention of a number of heads; layer norm, c to w, ReLU, w to c; a skip around both

With frames, `stride` of them together are one step, which a linear layer with a ReLU maps to the width of the entry;
the last steps that are no whole stride are left out. The mean over the steps is classified. With symbols the entry is
an embedding, attention sees the past alone, and every step is classified.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search_spaces.sequences.ranges import (
    BLOCKS,
    ENTRY_WIDTH,
    HEADS,
    PROJECTION,
    SKIP,
    STRIDE,
    TYPE,
    TYPES,
    WIDTH,
    SequenceRanges,
)
from search_spaces.space import Population

Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """Sizes of every network of a population; arrays are `(n, blocks)` unless another shape is given.

    Attributes:
        active: which blocks a network has.
        letter: type of the blocks, a place in `LGA` whatever types the space has.
        before: width of what a block sees.
        after: width of what it passes on, 0 where inactive.
        width: its own one: hidden units, or inner units of the feed-forward part.
        projected: whether a matrix follows on its hidden units.
        heads: of attention.
        skip: whether there is a skip around it that the type has not of itself.
        entry: `(n,)` width of the entry.
        stride: `(n,)` frames of a step.
        steps: `(n,)` of the blocks.
        last: `(n,)` inputs of the last linear layer.
    """

    active: Truths
    letter: Integers
    before: Integers
    after: Integers
    width: Integers
    projected: Truths
    heads: Integers
    skip: Truths
    entry: Integers
    stride: Integers
    steps: Integers
    last: Integers

    def of_type(self, letter: str) -> Truths:
        """Return which blocks networks have of a type, `(n, blocks)`."""
        return np.asarray(self.active & (self.letter == TYPES.index(letter)))

    @property
    def gates(self) -> Integers:
        """Gates of the recurrent blocks, `(n, blocks)`; 0 for others."""
        return np.asarray(4 * self.of_type("L") + 3 * self.of_type("G"), dtype=np.int64)


def layout(population: Population, ranges: SequenceRanges) -> Layout:
    """Return the sizes of every network of `population`, `(n, genes)` int64, canonical.

    Raises:
        ValueError: for rows of another space.
    """
    ranges.check_rows(population)
    blocks, active = ranges.of_blocks(population), ranges.active(population)
    letters = np.array([TYPES.index(letter) for letter in ranges.types], dtype=np.int64)
    before, after = ranges.widths(population)
    last = np.maximum(population[:, BLOCKS] - 1, 0)
    stride = _chosen(ranges.strides, population[:, STRIDE])
    return Layout(
        active=active,
        letter=letters[np.clip(blocks[:, :, TYPE], 0, len(letters) - 1)],
        before=before,
        after=after,
        width=np.where(active, blocks[:, :, WIDTH] * ranges.width_step, 0),
        projected=active & (blocks[:, :, PROJECTION] > 0),
        heads=_chosen(ranges.heads, blocks[:, :, HEADS]),
        skip=active & (blocks[:, :, SKIP] > 0),
        entry=population[:, ENTRY_WIDTH] * ranges.width_step,
        stride=stride,
        steps=ranges.frames // stride,
        last=np.take_along_axis(after, last[:, None], axis=1)[:, 0],
    )


def _chosen(values: tuple[int, ...], genes: Integers) -> Integers:
    return np.array(values, dtype=np.int64)[np.clip(genes, 0, len(values) - 1)]
