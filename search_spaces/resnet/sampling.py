"""Random and Latin hypercube samples of the ResNet-like space.

References:
    McKay, Beckman and Conover, "A Comparison of Three Methods for Selecting Values of Input Variables in the
    Analysis of Output from a Computer Code", Technometrics 21(2), 1979.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.resnet.ranges import BLOCK_GENES, CT, KS0, OC0, SKIP, STEM_GENES, WF, B, M, R, Ranges
from search_spaces.resnet.widths import narrow
from search_spaces.space import Population


def sample(n: int, ranges: Ranges, rng: np.random.Generator) -> Population:
    """Draw every gene uniformly, `(n, genes)` int64, and narrow the networks that are too wide."""
    return narrow(_scaled(rng.random((n, ranges.n_genes)), ranges), ranges)


def latin_hypercube(n: int, ranges: Ranges, rng: np.random.Generator) -> Population:
    """Draw one row in each of `n` equal strata of every gene, `(n, genes)` int64, and narrow as `sample`."""
    from scipy.stats import qmc

    if n == 0:
        return np.zeros((0, ranges.n_genes), dtype=np.int64)
    return narrow(_scaled(qmc.LatinHypercube(d=ranges.n_genes, rng=rng).random(n), ranges), ranges)


def _scaled(unit: npt.NDArray[np.float64], ranges: Ranges) -> Population:
    """Map `(n, genes)` numbers of [0, 1) to genes."""
    types = ranges.types
    low = np.empty(ranges.n_genes, dtype=np.int64)
    high = np.empty(ranges.n_genes, dtype=np.int64)
    for gene, bounds in ((OC0, ranges.oc0), (KS0, ranges.ks0), (M, ranges.m)):
        low[gene], high[gene] = bounds
    block_bounds = {R: ranges.r, B: ranges.b, CT: (0, len(types) - 1), WF: ranges.wf, SKIP: ranges.skip}
    for gene, bounds in block_bounds.items():
        low[STEM_GENES + gene :: BLOCK_GENES], high[STEM_GENES + gene :: BLOCK_GENES] = bounds
    rows = low + np.floor(unit * (high - low + 1)).astype(np.int64)
    rows[:, STEM_GENES + CT :: BLOCK_GENES] = types[rows[:, STEM_GENES + CT :: BLOCK_GENES]]
    return rows
