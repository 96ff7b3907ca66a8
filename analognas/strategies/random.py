"""Random search: independent draws from the space.

References:
    J. Bergstra and Y. Bengio, Random search for hyper-parameter optimization, JMLR 13, 2012.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from analognas.strategies.novelty import draw_new
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import genotypes


@final
@dataclass(frozen=True)
class RandomSearch:
    """Proposes admissible candidates drawn at random."""

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates; fewer when repeated draws bring nothing new."""
        drawn = draw_new(problem, problem.space.sample, n, history.seen(), rng)
        return [Proposal(genotype, "random") for genotype in genotypes(drawn)]
