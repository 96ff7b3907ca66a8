"""Mutation and crossover of staged networks.

A mutation changes one thing: a gene of the first convolution or of one stage, widths and depths by a step or two, any
other gene to another value; or it inserts a random stage, doubles one with a quarter of a chance to stride, or removes
one. Half of the mutants take a second change, so that what must change together can.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.space import Population
from search_spaces.staged.canonical import canonical
from search_spaces.staged.ranges import (
    DEPTH,
    STAGE_GENES,
    STAGES,
    STEM_GENES,
    STEM_WIDTH,
    WIDTH,
    StagedRanges,
)
from search_spaces.staged.sampling import sample

STRUCTURE: Final = 0.2
"""Probability that a change inserts or removes a stage."""

SECOND: Final = 0.5
"""Probability of a second change."""

ATTEMPTS: Final = 48
"""Draws until a child differs from its parent; after as many it is drawn afresh, again as many times."""


def mutate(population: Population, ranges: StagedRanges, rng: np.random.Generator) -> Population:
    """Return one canonical child a row, different from its parent unless the space holds one network only."""
    parents = canonical(population, ranges)
    children = parents.copy()
    pending = np.arange(len(parents))
    for attempt in range(2 * ATTEMPTS):
        if not len(pending):
            break
        if attempt < ATTEMPTS:
            drawn = _changed(parents[pending], ranges, rng)
            again = rng.random(len(drawn)) < SECOND
            drawn[again] = _changed(drawn[again], ranges, rng)
        else:
            drawn = sample(len(pending), ranges, rng)
        candidates = canonical(drawn, ranges)
        differ = (candidates != parents[pending]).any(axis=1)
        children[pending[differ]] = candidates[differ]
        pending = pending[~differ]
    return children


def crossover(
    first: Population, second: Population, ranges: StagedRanges, rng: np.random.Generator
) -> Population:
    """Return one child for each pair of rows, its stages whole from either parent, not yet canonical.

    Raises:
        ValueError: when the two populations have different shapes.
    """
    if first.shape != second.shape:
        raise ValueError(f"the parents must come in pairs, got shapes {first.shape} and {second.shape}")
    child = first.copy()
    stem = rng.random((len(first), STEM_GENES)) < 0.5
    child[:, :STEM_GENES] = np.where(stem, first[:, :STEM_GENES], second[:, :STEM_GENES])
    either = rng.random((len(first), ranges.stages)) < 0.5
    from_first = ranges.active(first) & (either | ~ranges.active(second))
    ranges.of_stages(child)[:] = np.where(
        from_first[:, :, None], ranges.of_stages(first), ranges.of_stages(second)
    )
    return child


def _changed(rows: Population, ranges: StagedRanges, rng: np.random.Generator) -> Population:
    """Return the rows with one change each, not yet canonical."""
    child = rows.copy()
    structural = rng.random(len(rows)) < (STRUCTURE if ranges.stages > 1 else 0.0)
    _change_stages(child, np.flatnonzero(structural), ranges, rng)
    _change_gene(child, np.flatnonzero(~structural), ranges, rng)
    return child


def _change_gene(
    child: Population, index: npt.NDArray[np.intp], ranges: StagedRanges, rng: np.random.Generator
) -> None:
    """Change one gene of the chosen rows, in place; every gene that a network has is as likely as another."""
    low, high = ranges.low, ranges.high
    rows = child[index]
    present = np.ones_like(rows, dtype=np.bool_)
    present[:, STEM_GENES:] = np.repeat(ranges.active(rows), STAGE_GENES, axis=1)
    present[:, STAGES] = False
    present &= high > low
    gene = np.argmax(np.where(present, rng.random(rows.shape), -1.0), axis=1)
    at = np.arange(len(rows))
    value, least, most = rows[at, gene], low[gene], high[gene]
    own = np.where(gene >= STEM_GENES, (gene - STEM_GENES) % STAGE_GENES, -1)
    ordered = np.isin(own, (DEPTH, WIDTH)) | (gene == STEM_WIDTH)
    steps = rng.integers(1, 3, size=len(rows)) * rng.choice((-1, 1), size=len(rows))
    stepped = np.clip(value + steps, least, most)
    other = least + (value - least + rng.integers(1, np.maximum(most - least, 1) + 1)) % (most - least + 1)
    child[index, gene] = np.where(ordered, stepped, other)


def _change_stages(
    child: Population, index: npt.NDArray[np.intp], ranges: StagedRanges, rng: np.random.Generator
) -> None:
    """Insert a stage into the chosen rows, random or like its neighbour, or remove one, in place."""
    stages = ranges.of_stages(child)
    for row in index.tolist():
        n = int(child[row, STAGES])
        grows = n == 1 or (n < ranges.stages and rng.random() < 0.5)
        place = int(rng.integers(n + 1 if grows else n))
        kept = stages[row, :n]
        if grows:
            fresh = ranges.of_stages(sample(1, ranges, rng))[0, 0]
            if rng.random() < 0.5:
                like = kept[min(place, n - 1)].copy()
                like[DEPTH] = 1
                like[WIDTH] = fresh[WIDTH] if rng.random() < 0.5 else like[WIDTH]
                fresh = like
            stages[row, : n + 1] = np.insert(kept, place, fresh, axis=0)
        else:
            stages[row, : n - 1] = np.delete(kept, place, axis=0)
        child[row, STAGES] = n + 1 if grows else n - 1
