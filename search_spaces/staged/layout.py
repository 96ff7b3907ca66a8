"""Sizes of every layer of staged networks, from their genotypes alone.

A stage is a number of residual blocks: the sum of what came in and of one branch, of five types:

    B  k x k, k x k        convolution, batch norm, ReLU; the last ReLU after the sum
    D  k x k, k x k        convolution, ReLU, batch norm; nothing after the sum
    E  1 x 1, k x k, 1 x 1 an inner width of `expansion` times that of the stage, its k x k convolution in groups;
                           convolution, batch norm, ReLU, the last one without a ReLU, nothing after the sum
    S  k x k               convolution, batch norm, ReLU; the ReLU after the sum
    W  k x k, 1 x 1        a depthwise convolution, one group for each channel, and one that mixes the channels;
                           convolution, batch norm, ReLU; the last ReLU after the sum

The first block of a stage strides in its first k x k convolution and changes the width there, in type W in the 1 x 1
convolution after it; its skip is then a 1 x 1 convolution with batch norm. No convolution has a bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search_spaces.space import Population
from search_spaces.staged.maps import map_sizes
from search_spaces.staged.ranges import (
    DEPTH,
    EXPANSION,
    GROUPS,
    KERNEL,
    STAGES,
    STEM_KERNEL,
    STEM_WIDTH,
    STRIDE,
    TYPE,
    TYPES,
    WIDTH,
    StagedRanges,
)

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Sizes of every network of a population; arrays are `(n, stages)` unless another shape is given.

    Attributes:
        active: which stages a network has.
        depth: residual blocks, 0 where inactive.
        letter: type of the blocks, a place in `TYPES` whatever types the space has.
        inside: channels of the inner convolution of type E, those of the stage for other types.
        groups: of the inner convolution.
        projection: whether the skip of the first block is a 1 x 1 convolution.
        channels_in: channels before the stage.
        channels_out: channels after it.
        kernel: `(n, stages, 2)` height and width of its k x k convolutions.
        size_in: `(n, stages, 2)` of the map before the stage.
        size_out: `(n, stages, 2)` of the map after it.
        stem_kernel: `(n, 2)` of the first convolution.
        stem_size: `(n, 2)` of the map after it.
        stem_channels: `(n,)` its channels.
        last_channels: `(n,)` inputs of the linear layer.
    """

    active: npt.NDArray[np.bool_]
    depth: Integers
    letter: Integers
    inside: Integers
    groups: Integers
    projection: npt.NDArray[np.bool_]
    channels_in: Integers
    channels_out: Integers
    kernel: Integers
    size_in: Integers
    size_out: Integers
    stem_kernel: Integers
    stem_size: Integers
    stem_channels: Integers
    last_channels: Integers

    @property
    def expanded(self) -> npt.NDArray[np.bool_]:
        """Whether the blocks are of type E."""
        return self._are("E")

    @property
    def double(self) -> npt.NDArray[np.bool_]:
        """Whether the blocks have two k x k convolutions: types B and D."""
        return self._are("B") | self._are("D")

    @property
    def separable(self) -> npt.NDArray[np.bool_]:
        """Whether the blocks are of type W."""
        return self._are("W")

    @property
    def window(self) -> Integers:
        """Places of a k x k kernel."""
        return np.asarray(self.kernel.prod(axis=-1))

    @property
    def area_in(self) -> Integers:
        """Positions of the map before each stage."""
        return np.asarray(self.size_in.prod(axis=-1))

    @property
    def area_out(self) -> Integers:
        """Positions of the map after each stage."""
        return np.asarray(self.size_out.prod(axis=-1))

    @property
    def last_area(self) -> Integers:
        """`(n,)` positions of the map before the average pool."""
        last = np.maximum(self.active.sum(axis=1) - 1, 0)
        return np.asarray(np.take_along_axis(self.area_out, last[:, None], axis=1)[:, 0])

    def _are(self, letter: str) -> npt.NDArray[np.bool_]:
        return np.asarray(self.letter == TYPES.index(letter))


def layout(population: Population, ranges: StagedRanges) -> Layout:
    """Return the sizes of every network of `population`, `(n, genes)` int64, canonical.

    Raises:
        ValueError: for rows of another space.
    """
    ranges.check_rows(population)
    stages, active = ranges.of_blocks(population), ranges.active(population)
    own = np.where(active, stages[:, :, WIDTH] * ranges.width_step, 0)
    stem = population[:, STEM_WIDTH] * ranges.width_step
    before = np.concatenate([stem[:, None], own[:, :-1]], axis=1)
    letters = np.array([TYPES.index(letter) for letter in ranges.types], dtype=np.int64)
    letter = letters[np.clip(stages[:, :, TYPE], 0, len(letters) - 1)]
    expanded = letter == TYPES.index("E")
    expansion = _chosen(ranges.expansions, stages[:, :, EXPANSION])
    kernels = np.array(ranges.kernels, dtype=np.int64)
    sizes = map_sizes(population, ranges)
    last = np.maximum(population[:, STAGES] - 1, 0)
    return Layout(
        active=active,
        depth=stages[:, :, DEPTH] * active,
        letter=letter,
        inside=np.where(expanded, expansion * own, own),
        groups=np.where(expanded, _chosen(ranges.groups, stages[:, :, GROUPS]), 1),
        projection=active & ((before != own) | (stages[:, :, STRIDE] != 0)),
        channels_in=before,
        channels_out=own,
        kernel=kernels[np.clip(stages[:, :, KERNEL], 0, len(kernels) - 1)],
        size_in=sizes[:, :-1],
        size_out=sizes[:, 1:],
        stem_kernel=kernels[np.clip(population[:, STEM_KERNEL], 0, len(kernels) - 1)],
        stem_size=sizes[:, 0],
        stem_channels=stem,
        last_channels=np.take_along_axis(own, last[:, None], axis=1)[:, 0],
    )


def _chosen(values: tuple[int, ...], genes: Integers) -> Integers:
    return np.array(values, dtype=np.int64)[np.clip(genes, 0, len(values) - 1)]
