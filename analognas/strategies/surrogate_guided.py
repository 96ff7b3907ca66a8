"""Surrogate-guided search: evolve thousands on predictions, evaluate a few for real, fit again.

    trials of a first design that fills the bound on the parameters
    after that, at each call:  fit the surrogate on the completed trials
                               evolve on its acquisition, the best trials in the first population
                               propose a diverse batch of the best, a share of it from a further design

Of several objectives each call improves another random scalarisation. The whole proposal follows from the
history and the generator of the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final, Literal, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from analognas.errors import UserError
from analognas.specs.base import AnchoredPath, MismatchError
from analognas.strategies.acquisition import AcquisitionName, make_acquisition
from analognas.strategies.algorithm_1 import algorithm_1
from analognas.strategies.appraisal import trial_appraisal
from analognas.strategies.diversity import diverse_batch
from analognas.strategies.filling_design import FillingDesign
from analognas.strategies.guide import MIN_TRIALS, Guide, Scale, fit_guide, missing_design_trials
from analognas.strategies.latin_hypercube import Design
from analognas.strategies.novelty import NewBatch, after, new_candidates
from analognas.strategies.pretrained_file import read_pretrained
from analognas.strategies.problem import SearchProblem
from analognas.strategies.refit import RefitPolicy, RefitSpec
from analognas.strategies.scalarisation import SCALARISED, scalarise
from analognas.strategies.strategy import History, Proposal, Strategy
from analognas.strategies.surrogate_section import SurrogateSection
from analognas.strategies.transfer import Combination, InformedDesign, Prior
from search_spaces import Population
from surrogates import Surrogate
from surrogates.base_spec import SurrogateSpec
from surrogates.committee import CommitteeSpec

SEEDS: Final = 20
"""Best trials that join the first population of an evolution."""


class SurrogateGuidedSpec(RefitSpec):
    """Evolution on predictions, diverse batches of the best evaluated. Best for small budgets."""

    multi_objective: ClassVar[bool] = True
    learns_after: ClassVar[str] = "initial"

    kind: Literal["surrogate-guided"] = "surrogate-guided"
    initial: int = Field(default=8, ge=4, le=10_000, description="trials of the first design")
    population: int = Field(default=200, ge=2, le=100_000, description="candidates in a population")
    iterations: int = Field(default=30, ge=0, le=100_000, description="generations of the evolution")
    scale: Scale = Field(
        default="ranks", description="the objective is modelled raw or as normal scores of its ranks"
    )
    acquisition: AcquisitionName = Field(
        default="portfolio",
        description="what is evolved: expectation, mean + beta std, expected improvement (ei), random draw, or "
        "ei and mean in turns",
    )
    beta: float = Field(default=0.5, ge=0, description="weight of the uncertainty in `ucb`")
    caution: float = Field(
        default=0.5, ge=0, description="soft bounds are expected to be met at mean + caution std"
    )
    exploration: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="probability that a place in the batch goes to a candidate of a further first design",
    )
    surrogate: SurrogateSection = Field(default=CommitteeSpec(), description="fitted on the completed trials")

    pretrained: Literal["auto", "none"] | AnchoredPath = Field(
        default="none",
        description="a model of `analognas surrogate fit` to begin with; auto: one that is shipped and fits, or none",
    )

    transfer: Combination = Field(
        default="ranking-weighted",
        description="`pretrained` and the surrogate, with a model: both are weighed by how well they order the "
        "trials, or the surrogate is fitted on what the model leaves",
    )

    @model_validator(mode="after")
    def _a_model_of_ranks_needs_ranks(self) -> Self:
        if self.pretrained != "none" and self.scale != "ranks":
            raise MismatchError(
                f"`pretrained` needs `scale: ranks`, got {self.scale}: a model of other searches knows ranks alone",
                ("pretrained",),
                ("scale",),
            )
        return self

    @property
    def surrogate_spec(self) -> SurrogateSpec:
        """The surrogate that it searches on."""
        return self.surrogate

    def build(self, seed: int) -> Strategy:
        """Return the strategy, with the model that `pretrained` names.

        Raises:
            UserError: when another package offers the surrogate and it cannot be made, the model cannot be read, or it
                is to be chosen: only a whole search knows task, space and hardware.
        """
        if self.pretrained == "auto":
            raise UserError(
                "`pretrained: auto` chooses a model for a whole search; name a file of `analognas surrogate fit` here"
            )
        prior = None if self.pretrained == "none" else Prior(read_pretrained(Path(self.pretrained)))
        return self.build_informed(seed, prior)

    def build_informed(self, seed: int, prior: Prior | None) -> Strategy:
        """Return the strategy with what a model of other searches expects; None without one.

        Raises:
            UserError: when another package offers the surrogate and it cannot be made.
        """
        filling = FillingDesign(size=self.initial, seed=seed)
        prior = None if prior is None else replace(prior, combination=self.transfer)
        strategy = SurrogateGuided(
            design=filling if prior is None else InformedDesign(prior, filling),
            explorer=filling,
            surrogate=self.surrogate.build(),
            population=self.population,
            iterations=self.iterations,
            scale=self.scale,
            acquisition=self.acquisition,
            beta=self.beta,
            caution=self.caution,
            exploration=self.exploration,
            refit=self.refit,
            prior=prior,
        )
        return self.watched(strategy)


@final
@dataclass(frozen=True)
class SurrogateGuided:
    """Proposes what Algorithm 1 finds on a surrogate.

    Attributes:
        design: the trials before the first fit.
        explorer: proposes what is explored; random candidates are far below a bound on size, and few are any good.
        surrogate: fitted on the completed trials.
        scale: the objective is modelled `raw` or as the normal scores of its `ranks`.
        population: candidates in a population of the evolution, 2 or more.
        iterations: generations of the evolution.
        acquisition: `mean`, `ucb`, `ei`, `thompson` or `portfolio`.
        beta: weight of the uncertainty in `ucb`.
        caution: soft bounds are held at mean + `caution` · std.
        exploration: probability that a place in the batch goes to the explorer, 0 to 1.
        refit: when the surrogate is fitted again.
        prior: what a model of other searches expects of the objective; None: nothing.
    """

    design: Design
    explorer: Design
    surrogate: Surrogate
    scale: Scale
    population: int
    iterations: int
    acquisition: AcquisitionName
    beta: float
    caution: float
    exploration: float
    refit: RefitPolicy
    prior: Prior | None = None

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        missing = missing_design_trials(history, n, self.design.size)
        proposals = self.design.ask(problem, history, missing, rng) if missing else []
        if len(proposals) < n and history.completed.sum() >= MIN_TRIALS:
            if problem.further:
                problem, history = scalarise(problem, history, rng)
            proposals += self._guided(problem, history, proposals, n - len(proposals), rng)
        return proposals

    def posterior_worth(
        self, problem: SearchProblem, history: History, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Return what the surrogate expects each trial to be worth, `(n,)`; NaN for failed ones.

        It is on the scale of the fit. Before there are enough trials for one, it is what they measured.
        """
        worth = problem.worth(history.metrics)
        done = history.completed
        if done.sum() >= MIN_TRIALS:
            guide = self._guide(problem, history, rng)
            worth[done] = guide.believed(history.population[done], history.metrics[done])
        return worth

    def _guide(self, problem: SearchProblem, history: History, rng: np.random.Generator) -> Guide:
        return fit_guide(
            self.surrogate,
            problem,
            history,
            self.scale,
            rng,
            self.refit,
            self.design.size,
            trended=True,
            prior=self.prior,
        )

    def _guided(
        self,
        problem: SearchProblem,
        history: History,
        chosen: list[Proposal],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        known = history.seen() | {proposal.genotype for proposal in chosen}
        guide = self._guide(problem, history, rng)
        done = history.completed
        tried = guide.believed(history.population[done], history.metrics[done])
        n_explored = int(rng.binomial(n, self.exploration))
        acquisition = make_acquisition(
            self.acquisition,
            beta=self.beta,
            incumbent=float(tried.max()),
            turn=(len(history) + len(history.pending)) // n,
            rng=rng,
        )
        evolved = algorithm_1(
            problem,
            guide.appraiser(acquisition, self.caution),
            population=self.population,
            iterations=self.iterations,
            rng=rng,
            initial=best_trials(problem, history, SEEDS),
        )
        leaders = new_candidates(problem, evolved.population, known)
        best = leaders[_spread_out(problem, leaders, history.pending, n - n_explored)]
        batch = guide.proposals(best, ["surrogate-guided"] * len(best))
        others = self._explored(problem, after(history, [*chosen, *batch]), n - len(batch), rng)
        batch += guide.proposals(others, ["exploration"] * len(others))
        return [replace(proposal, predicted=_measurable(proposal.predicted)) for proposal in batch]

    def _explored(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> Population:
        """Return at most `n` new candidates, random ones where the explorer has no more, `(<= n, genes)`."""
        explored = self.explorer.ask(problem, history, n, rng) if n else []
        batch = NewBatch(problem, after(history, explored), rng)
        batch.draw(n - len(explored), problem.space.sample, "exploration")
        rows = [proposal.genotype for proposal in (*explored, *batch.proposals)]
        return np.array(rows, dtype=np.int64).reshape(len(rows), history.population.shape[1])


def best_trials(problem: SearchProblem, history: History, n: int) -> Population:
    """Return the `n` completed trials that are worth most, `(<= n, genes)`, best first."""
    rows = np.flatnonzero(history.completed)
    best = trial_appraisal(problem, history.metrics.iloc[rows]).best_first()[:n]
    return history.population[rows[best]]


def _measurable(predicted: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in predicted.items() if name != SCALARISED}


def _spread_out(
    problem: SearchProblem, leaders: Population, pending: Population, n: int
) -> npt.NDArray[np.intp]:
    if n == 0 or not len(leaders):
        return np.empty(0, dtype=np.intp)
    features = problem.space.encode(leaders).to_numpy()
    anchors = problem.space.encode(pending).to_numpy() if len(pending) else np.empty((0, features.shape[1]))
    return diverse_batch(features, n, anchors)
