"""Parameters, multiply-accumulates and weight matrices of staged networks, from their sizes alone.

With `c` channels in, `w` out, `v` inside, `k` places of a kernel, `A` and `a` positions before and after the first
block of a stage (its stride), that block has the convolutions

    B, D   k c w at a, k w w at a          E   c v at A, k v v / groups at a, v w at a
    S      k c w at a                      W   k c at a, c w at a

and the 1 x 1 convolution of its skip, `c w` at a, where width or map change. Later blocks have `c = w` and `A = a`.
Batch normalisation has two parameters a channel; it is folded into the digital scale after training.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.matrices import Matrices
from search_spaces.staged.layout import Layout
from search_spaces.staged.ranges import StagedRanges

Integers = npt.NDArray[np.int64]


def weight_matrices(sizes: Layout, ranges: StagedRanges) -> Matrices:
    """Return the weight matrices of each network, `(n, 2 + 5 stages)`.

    The slots are the first convolution, the linear layer, and for each stage the first convolution of its first block,
    the same of later blocks, the second convolution, the third, and the 1 x 1 convolution of the skip. In type W the
    third and fourth are the second convolution of the first block and of later ones.
    """
    c, w, v, k, after = (
        sizes.channels_in,
        sizes.channels_out,
        sizes.inside,
        sizes.window,
        sizes.area_out,
    )
    wide, apart = sizes.expanded, sizes.separable
    ones = np.ones_like(c)
    one = np.ones(len(c), dtype=np.int64)
    stem_rows = ranges.input_shape[0] * sizes.stem_kernel.prod(axis=-1)
    stem = (stem_rows, sizes.stem_channels, one, sizes.stem_size.prod(axis=-1), one)
    linear = (sizes.last_channels, ranges.n_classes * one, one, one, one)
    entered = np.where(wide, 1, k)
    entering, later = sizes.active.astype(np.int64), np.maximum(sizes.depth - 1, 0)
    second = np.where(apart, entering, sizes.depth * (sizes.double | wide))
    slots = (
        (
            entered * c,
            np.where(apart, c, v),
            np.where(apart, c, 1),
            np.where(wide, sizes.area_in, after),
            entering,
        ),
        (entered * w, v, np.where(apart, w, 1), after, later),
        (np.where(apart, c, k * v), v, sizes.groups, after, second),
        (v, w, ones, after, np.where(apart, later, sizes.depth * wide)),
        (c, w, ones, after, sizes.projection.astype(np.int64)),
    )
    columns = zip(stem, linear, *slots, strict=True)
    rows, outputs, groups, positions, layers = (
        np.concatenate([first[:, None], last[:, None], *own], axis=1) for first, last, *own in columns
    )
    present = layers > 0
    return Matrices(
        rows=np.where(present, rows, 1),
        columns=np.where(present, outputs, 1),
        groups=np.where(present, groups, 1),
        positions=np.where(present, positions, 0),
        layers=layers,
    )


def count_parameters(sizes: Layout, ranges: StagedRanges) -> Integers:
    """Return the trainable parameters of each network, `(n,)` int64."""
    w, v = sizes.channels_out, sizes.inside
    normed = np.where(sizes.expanded, 2 * v + w, np.where(sizes.double | sizes.separable, 2 * w, w))
    # a depthwise convolution has the channels that come in, in the first block those before the stage
    entering = np.where(sizes.separable & sizes.active, sizes.channels_in - w, 0)
    normed = sizes.depth * normed + entering + sizes.projection * w
    norms = 2 * (normed.sum(axis=1) + sizes.stem_channels)
    return np.asarray(weight_matrices(sizes, ranges).weights + norms + ranges.n_classes, dtype=np.int64)


def count_macs(sizes: Layout, ranges: StagedRanges) -> Integers:
    """Return the multiply-accumulates of one inference of each network, `(n,)` int64."""
    return weight_matrices(sizes, ranges).macs
