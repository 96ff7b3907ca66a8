"""Random search: independent draws from the space.

References:
    J. Bergstra and Y. Bengio, Random search for hyper-parameter optimization, JMLR 13, 2012.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np

from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.novelty import draw_new
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import genotypes


class RandomSpec(StrategySpec):
    """Random search: independent draws from the space. The yardstick of every other strategy."""

    multi_objective: ClassVar[bool] = True

    kind: Literal["random"] = "random"

    def build(self, seed: int) -> RandomSearch:
        """Return the strategy; it draws from the generator of each call alone."""
        return RandomSearch()


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
