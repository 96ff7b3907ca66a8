"""Parameters and weight matrices of sequence networks, from their sizes alone.

With `c` numbers before a block, `w` its own width and `o` after it, all at every step:

    L  c to 4 w, o to 4 w, and w to o where it projects      G  c to 3 w, w to 3 w
    A  four matrices c to c, c to w, w to c

Recurrent blocks have two biases a gate and hidden unit, as torch has them, attention blocks one an output and two layer
norms. The embedding of symbols is looked up and is no matrix of a crossbar.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.matrices import Matrices
from search_spaces.sequences.layout import Layout
from search_spaces.sequences.ranges import SequenceRanges

Integers = npt.NDArray[np.int64]


def weight_matrices(sizes: Layout, ranges: SequenceRanges) -> Matrices:
    """Return the weight matrices of each network, `(n, 2 + 6 blocks)`.

    The slots are the entry, the last linear layer, and for each block the two matrices of its gates, that of its
    projection, those of attention and the two of the feed-forward part.
    """
    c, w, o, gates = sizes.before, sizes.width, sizes.after, sizes.gates
    recurrent, attends = gates > 0, sizes.of_type("A")
    steps = np.broadcast_to(sizes.steps[:, None], c.shape)
    one = np.ones(len(c), dtype=np.int64)
    entry = (sizes.stride * ranges.frame_width, sizes.entry, sizes.steps, one * (not ranges.symbols))
    outputs_at = sizes.steps if ranges.symbols else one
    last = (sizes.last, one * ranges.n_classes, outputs_at, one)
    own = (
        (c, gates * w, steps, recurrent),
        (o, gates * w, steps, recurrent),
        (w, o, steps, sizes.projected),
        (c, c, steps, 4 * attends),
        (c, w, steps, attends),
        (w, c, steps, attends),
    )
    rows, columns, positions, layers = (
        np.concatenate([first[:, None], end[:, None], *blocks], axis=1).astype(np.int64)
        for first, end, *blocks in zip(entry, last, *own, strict=True)
    )
    present = layers > 0
    return Matrices(
        rows=np.where(present, rows, 1),
        columns=np.where(present, columns, 1),
        groups=np.ones_like(rows),
        positions=np.where(present, positions, 0),
        layers=layers,
    )


def count_parameters(sizes: Layout, ranges: SequenceRanges) -> Integers:
    """Return the trainable parameters of each network, `(n,)` int64."""
    c, w = sizes.before, sizes.width
    biases = 2 * sizes.gates * w + sizes.of_type("A") * (4 * c + w + c + 4 * c)
    entry = ranges.n_classes * sizes.entry if ranges.symbols else sizes.entry
    total = weight_matrices(sizes, ranges).weights + biases.sum(axis=1) + entry + ranges.n_classes
    return np.asarray(total, dtype=np.int64)
