"""Why a genotype describes no network of a staged space."""

from __future__ import annotations

from typing import Final

import numpy as np

from search_spaces.space import Population
from search_spaces.staged.ranges import STAGE_GENES, STAGES, STEM_GENES, StagedRanges

STEM_NAMES: Final = ("stem width", "stem kernel", "stem stride", "stages")
STAGE_NAMES: Final = ("depth", "width", "type", "kernel", "stride", "expansion", "groups")


def problems(population: Population, ranges: StagedRanges) -> list[str]:
    """Return the first reason for each row, an empty string where there is none.

    Raises:
        ValueError: when the rows are not `(n, genes)`.
    """
    ranges.check_rows(population)
    low, high = ranges.low, ranges.high
    wrong = (population < low) | (population > high)
    wrong[:, STEM_GENES:] &= np.repeat(ranges.active(population), STAGE_GENES, axis=1)
    if not wrong.any():
        return [""] * len(population)
    first = np.argmax(wrong, axis=1)
    return [
        _reason(int(gene), int(population[row, gene]), low, high) if wrong[row, gene] else ""
        for row, gene in enumerate(first.tolist())
    ]


def _reason(gene: int, value: int, low: Population, high: Population) -> str:
    name = STEM_NAMES[gene] if gene <= STAGES else STAGE_NAMES[(gene - STEM_GENES) % STAGE_GENES]
    where = "" if gene <= STAGES else f" of stage {(gene - STEM_GENES) // STAGE_GENES + 1}"
    return f"the gene {name}{where} must lie within {low[gene]} to {high[gene]}, got {value}"
