"""A space cut down to few rows, far apart."""

from __future__ import annotations

import numpy as np

from analognas.bench.table_space import TableSpace
from search_spaces import Population, StagedRanges, StagedSpace


def test_steps_in_a_sparse_table_lead_to_near_rows() -> None:
    space = StagedSpace(StagedRanges((1, 8, 8), 10))
    rng = np.random.default_rng(0)
    rows = np.unique(space.sample(200, rng), axis=0)
    sparse = TableSpace(space, rows)
    parents = sparse.sample(400, rng)
    mutants = sparse.mutate(parents, rng)
    children = sparse.crossover(parents, parents[::-1], rng)
    assert (sparse.rows(mutants) >= 0).all() and (sparse.rows(children) >= 0).all()
    assert not (mutants == parents).all(axis=1).any()
    scale = np.maximum(np.ptp(rows, axis=0), 1)

    def distance(first: Population, second: Population) -> float:
        return float((np.abs(first - second) / scale).sum(axis=1).mean())

    assert distance(mutants, parents) < 0.8 * distance(sparse.sample(400, rng), parents)
