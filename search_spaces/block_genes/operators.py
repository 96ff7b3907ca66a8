"""Mutation and crossover of genotypes of blocks.

A mutation changes one thing: a gene of the head or of one block, an ordered one by a step or two, any other one to
another value; or it inserts a block, random or like its neighbour, or removes one. Half of the mutants take a second
change, so that what must change together can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.block_genes.layout import BlockGenes
from search_spaces.block_genes.sampling import sample
from search_spaces.space import Population

STRUCTURE: Final = 0.2
"""Probability that a change inserts or removes a block."""

SECOND: Final = 0.5
"""Probability of a second change."""

ATTEMPTS: Final = 48
"""Draws until a child differs from its parent; after as many it is drawn afresh, again as many times."""


def mutate(
    population: Population,
    ranges: BlockGenes,
    canonical: Callable[[Population], Population],
    rng: np.random.Generator,
) -> Population:
    """Return one canonical child a row, different from its parent unless the space holds one network only.

    Args:
        population: the parents.
        ranges: of the genes.
        canonical: returns the one genotype of each network.
        rng: draws the changes.
    """
    parents = canonical(population)
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
        candidates = canonical(drawn)
        differ = (candidates != parents[pending]).any(axis=1)
        children[pending[differ]] = candidates[differ]
        pending = pending[~differ]
    return children


def crossover(
    first: Population, second: Population, ranges: BlockGenes, rng: np.random.Generator
) -> Population:
    """Return one child for each pair of rows, its blocks whole from either parent, not yet canonical.

    Raises:
        ValueError: when the two populations have different shapes.
    """
    if first.shape != second.shape:
        raise ValueError(f"the parents must come in pairs, got shapes {first.shape} and {second.shape}")
    child, head = first.copy(), ranges.head_genes
    own = rng.random((len(first), head)) < 0.5
    child[:, :head] = np.where(own, first[:, :head], second[:, :head])
    either = rng.random((len(first), ranges.most_blocks)) < 0.5
    from_first = ranges.active(first) & (either | ~ranges.active(second))
    ranges.of_blocks(child)[:] = np.where(
        from_first[:, :, None], ranges.of_blocks(first), ranges.of_blocks(second)
    )
    return child


def _changed(rows: Population, ranges: BlockGenes, rng: np.random.Generator) -> Population:
    """Return the rows with one change each, not yet canonical."""
    child = rows.copy()
    structural = rng.random(len(rows)) < (STRUCTURE if ranges.most_blocks > 1 else 0.0)
    _change_blocks(child, np.flatnonzero(structural), ranges, rng)
    _change_gene(child, np.flatnonzero(~structural), ranges, rng)
    return child


def _change_gene(
    child: Population, index: npt.NDArray[np.intp], ranges: BlockGenes, rng: np.random.Generator
) -> None:
    """Change one gene of the chosen rows, in place; every gene that a network has is as likely as another."""
    low, high = ranges.low, ranges.high
    rows = child[index]
    present = np.ones_like(rows, dtype=np.bool_)
    present[:, ranges.head_genes :] = np.repeat(ranges.active(rows), ranges.block_genes, axis=1)
    present[:, ranges.count] = False
    present &= high > low
    gene = np.argmax(np.where(present, rng.random(rows.shape), -1.0), axis=1)
    at = np.arange(len(rows))
    value, least, most = rows[at, gene], low[gene], high[gene]
    in_block = (gene - ranges.head_genes) % ranges.block_genes
    ordered = np.where(
        gene >= ranges.head_genes, np.isin(in_block, ranges.ordered_block), np.isin(gene, ranges.ordered_head)
    )
    steps = rng.integers(1, 3, size=len(rows)) * rng.choice((-1, 1), size=len(rows))
    stepped = np.clip(value + steps, least, most)
    other = least + (value - least + rng.integers(1, np.maximum(most - least, 1) + 1)) % (most - least + 1)
    child[index, gene] = np.where(ordered, stepped, other)


def _change_blocks(
    child: Population, index: npt.NDArray[np.intp], ranges: BlockGenes, rng: np.random.Generator
) -> None:
    """Insert a block into the chosen rows, random or like its neighbour, or remove one, in place."""
    blocks = ranges.of_blocks(child)
    for row in index.tolist():
        n = int(child[row, ranges.count])
        grows = n == 1 or (n < ranges.most_blocks and rng.random() < 0.5)
        place = int(rng.integers(n + 1 if grows else n))
        kept = blocks[row, :n]
        if grows:
            fresh = ranges.of_blocks(sample(1, ranges, rng))[0, 0]
            if rng.random() < 0.5:
                fresh = ranges.alike(kept[min(place, n - 1)], fresh, rng)
            blocks[row, : n + 1] = np.insert(kept, place, fresh, axis=0)
        else:
            blocks[row, : n - 1] = np.delete(kept, place, axis=0)
        child[row, ranges.count] = n + 1 if grows else n - 1
