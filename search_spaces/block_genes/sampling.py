"""Random genotypes of blocks: every gene uniform in its range, and the same stratified."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.block_genes.layout import BlockGenes
from search_spaces.space import Population


def sample(n: int, ranges: BlockGenes, rng: np.random.Generator) -> Population:
    """Draw every gene uniformly, `(n, genes)` int64, not yet canonical."""
    return _scaled(rng.random((n, ranges.n_genes)), ranges)


def latin_hypercube(n: int, ranges: BlockGenes, rng: np.random.Generator) -> Population:
    """Draw one row in each of `n` equal strata of every gene, `(n, genes)` int64, not yet canonical."""
    from scipy.stats import qmc

    if n == 0:
        return np.zeros((0, ranges.n_genes), dtype=np.int64)
    return _scaled(qmc.LatinHypercube(d=ranges.n_genes, rng=rng).random(n), ranges)


def _scaled(unit: npt.NDArray[np.float64], ranges: BlockGenes) -> Population:
    """Map `(n, genes)` numbers of [0, 1) to genes."""
    low, high = ranges.low, ranges.high
    return low + np.floor(unit * (high - low + 1)).astype(np.int64)
