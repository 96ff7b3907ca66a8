"""The search of AnalogNAS: its surrogates, its Algorithm 1, the best of the last population evaluated.

The paper evaluates a sample, fits three XGBoost models, evolves on their predictions and evaluates the best
again. Here the best `n` new candidates of the last population are proposed as the evolution ranks them; when
the models are fitted again is up to `refit`, where the paper has τ < 0.9 on new architectures.

References:
    H. Benmeziane et al., AnalogNAS: A neural network design framework for accurate inference with analog
    in-memory computing, 2023, arXiv 2305.10459.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, final

import numpy as np
from pydantic import Field

from analognas.strategies.acquisition import EXPECTATION
from analognas.strategies.algorithm_1 import algorithm_1
from analognas.strategies.guide import MIN_TRIALS, fit_guide, missing_design_trials
from analognas.strategies.latin_hypercube import LatinHypercube
from analognas.strategies.novelty import draw_new, new_candidates
from analognas.strategies.problem import SearchProblem
from analognas.strategies.refit import RefitPolicy, RefitSpec
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import genotypes
from surrogates.base_spec import SurrogateSpec
from surrogates.xgboost_ranker import AnalogNASSurrogate, AnalogNASSurrogateSpec


class AnalogNASSpec(RefitSpec):
    """AnalogNAS as published: three XGBoost models and Algorithm 1, the best candidates evaluated again."""

    learns_after: ClassVar[str] = "initial"

    kind: Literal["analognas"] = "analognas"
    initial: int = Field(default=24, ge=4, le=10_000, description="Latin-hypercube trials before a fit")
    population: int = Field(default=200, ge=2, le=100_000, description="candidates in a population")
    iterations: int = Field(default=200, ge=0, le=100_000, description="generations of the evolution")
    surrogate: AnalogNASSurrogateSpec = Field(
        default=AnalogNASSurrogateSpec(), description="the ranker and the regressors; the objective is ranked"
    )

    @property
    def surrogate_spec(self) -> SurrogateSpec:
        """The surrogate that it searches on."""
        return self.surrogate

    def build(self, seed: int) -> Strategy:
        """Return the strategy."""
        strategy = AnalogNAS(
            design=LatinHypercube(size=self.initial, seed=seed),
            surrogate=self.surrogate.build(),
            population=self.population,
            iterations=self.iterations,
            refit=self.refit,
        )
        return self.watched(strategy)


@final
@dataclass(frozen=True)
class AnalogNAS:
    """Proposes the best of Algorithm 1 on the surrogates of AnalogNAS.

    Attributes:
        design: the sampled architectures before the first fit.
        surrogate: fitted on the completed trials; it ranks what they are worth, whatever its `rank_target`.
        population: candidates in a population, 2 or more; 200 in the paper.
        iterations: generations; 200 in the paper.
        refit: when the surrogate is fitted again.
    """

    design: LatinHypercube
    surrogate: AnalogNASSurrogate
    population: int
    iterations: int
    refit: RefitPolicy

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        missing = missing_design_trials(history, n, self.design.size)
        proposals = self.design.ask(problem, history, missing, rng)
        if len(proposals) == n or history.completed.sum() < MIN_TRIALS:
            return proposals
        surrogate = replace(self.surrogate, rank_target=problem.objective.metric)
        guide = fit_guide(
            surrogate, problem, history, "raw", rng, self.refit, self.design.size, of_worth=True
        )
        evolved = algorithm_1(
            problem,
            guide.appraiser(EXPECTATION, caution=0.0),
            population=self.population,
            iterations=self.iterations,
            rng=rng,
        )
        known = history.seen() | {proposal.genotype for proposal in proposals}
        best = new_candidates(problem, evolved.population, known)[: n - len(proposals)]
        known |= set(genotypes(best))
        # Only in a space so small that the last population was evaluated already.
        rest = draw_new(problem, problem.space.sample, n - len(proposals) - len(best), known, rng)
        origins = ["algorithm-1"] * len(best) + ["random"] * len(rest)
        return proposals + guide.proposals(np.concatenate([best, rest]), origins)
