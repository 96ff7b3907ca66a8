"""Uniform crossover of the ResNet-like space, main blocks kept whole.

OC0, KS0 and M come from either parent with equal probability, and so does each main block; a main block that
only one parent has comes from that one. AnalogNAS itself has no crossover; the operator is the uniform one of
Syswerda (1989).

References:
    Syswerda, "Uniform Crossover in Genetic Algorithms", ICGA 1989.
"""

from __future__ import annotations

import numpy as np

from search_spaces.resnet.ranges import M, Ranges
from search_spaces.resnet.widths import narrow
from search_spaces.space import Population


def crossover(first: Population, second: Population, ranges: Ranges, rng: np.random.Generator) -> Population:
    """Return one child for each pair of rows, `(n, genes)` int64, not yet canonical.

    Raises:
        ValueError: when the two populations have different shapes.
    """
    if first.shape != second.shape:
        raise ValueError(f"the parents must come in pairs, got shapes {first.shape} and {second.shape}")
    child = first.copy()
    stem = rng.random((len(first), M + 1)) < 0.5
    child[:, : M + 1] = np.where(stem, first[:, : M + 1], second[:, : M + 1])
    either = rng.random((len(first), ranges.m[1])) < 0.5
    from_first = ranges.active(first) & (either | ~ranges.active(second))
    ranges.blocks(child)[:] = np.where(from_first[:, :, None], ranges.blocks(first), ranges.blocks(second))
    return narrow(child, ranges)
