"""Why a genotype of blocks describes no network: a gene out of its range."""

from __future__ import annotations

import numpy as np

from search_spaces.block_genes.layout import BlockGenes
from search_spaces.space import Population


def problems(population: Population, ranges: BlockGenes) -> list[str]:
    """Return the first reason for each row, an empty string where there is none.

    Raises:
        ValueError: when the rows are not `(n, genes)`.
    """
    ranges.check_rows(population)
    wrong = (population < ranges.low) | (population > ranges.high)
    wrong[:, ranges.head_genes :] &= np.repeat(ranges.active(population), ranges.block_genes, axis=1)
    if not wrong.any():
        return [""] * len(population)
    first = np.argmax(wrong, axis=1)
    return [
        _reason(int(gene), int(population[row, gene]), ranges) if wrong[row, gene] else ""
        for row, gene in enumerate(first.tolist())
    ]


def _reason(gene: int, value: int, ranges: BlockGenes) -> str:
    place, own = divmod(gene - ranges.head_genes, ranges.block_genes)
    name = (
        ranges.head_names[gene] if place < 0 else f"{ranges.block_names[own]} of {ranges.block} {place + 1}"
    )
    low, high = ranges.low[gene], ranges.high[gene]
    return f"the gene {name} must lie within {low} to {high}, got {value}"
