"""Surrogate-guided search: evolve thousands on predictions, evaluate a few for real, fit again.

    trials of a Latin-hypercube design
    after that, at each call:  fit the surrogate on the completed trials
                               evolve on its acquisition, the best trials in the first population
                               propose a diverse batch of the best, a share of it at random

The whole proposal follows from the history and the generator of the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np
import numpy.typing as npt

from analognas.strategies.acquisition import AcquisitionName, make_acquisition
from analognas.strategies.algorithm_1 import algorithm_1
from analognas.strategies.appraisal import Appraisal, appraiser, soft_violation
from analognas.strategies.diversity import diverse_batch
from analognas.strategies.latin_hypercube import LatinHypercube
from analognas.strategies.novelty import draw_new, new_candidates
from analognas.strategies.problem import SOFT_METRICS, SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import Population, genotypes
from surrogates import FittedSurrogate, Surrogate

if TYPE_CHECKING:
    import pandas as pd

MIN_TRIALS: Final = 4
"""Completed trials below which no surrogate is fitted and the design goes on."""

SEEDS: Final = 20
"""Best trials that join the first population of an evolution."""


@final
@dataclass(frozen=True)
class SurrogateGuided:
    """Proposes what Algorithm 1 finds on a surrogate.

    Attributes:
        design: the trials before the first fit.
        surrogate: fitted at each call on the completed trials.
        population: candidates in a population of the evolution, 2 or more.
        iterations: generations of the evolution.
        acquisition: `mean`, `ucb`, `ei` or `thompson`.
        beta: weight of the uncertainty in `ucb`.
        caution: soft bounds are held at mean + `caution` · std.
        exploration: probability that a place in the batch goes to a random candidate, 0 to 1.
    """

    design: LatinHypercube
    surrogate: Surrogate
    population: int
    iterations: int
    acquisition: AcquisitionName
    beta: float
    caution: float
    exploration: float

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        missing = missing_design_trials(history, n, self.design.size)
        proposals = self.design.ask(problem, history, missing, rng)
        if len(proposals) < n and history.completed.sum() >= MIN_TRIALS:
            proposals += self._guided(problem, history, proposals, n - len(proposals), rng)
        return proposals

    def _guided(
        self,
        problem: SearchProblem,
        history: History,
        chosen: list[Proposal],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        known = history.seen() | {proposal.genotype for proposal in chosen}
        fitted = fit_on_history(self.surrogate, problem, history, rng)
        n_explored = int(rng.binomial(n, self.exploration))
        acquisition = make_acquisition(
            self.acquisition, beta=self.beta, incumbent=incumbent(problem, history), rng=rng
        )
        evolved = algorithm_1(
            problem,
            appraiser(problem, fitted, acquisition, self.caution),
            population=self.population,
            iterations=self.iterations,
            rng=rng,
            initial=best_trials(problem, history, SEEDS),
        )
        leaders = new_candidates(problem, evolved.population, known)
        batch = leaders[_spread_out(problem, leaders, history.pending, n - n_explored)]
        known |= set(genotypes(batch))
        random = draw_new(problem, problem.space.sample, n - len(batch), known, rng)
        origins = ["algorithm-1"] * len(batch) + ["exploration"] * len(random)
        return predicted_proposals(problem, fitted, np.concatenate([batch, random]), origins)


def missing_design_trials(history: History, n: int, size: int) -> int:
    """Return how many of `n` places go to a design of `size`: all of them until a surrogate can be fitted."""
    if history.completed.sum() < MIN_TRIALS:
        return n
    return min(n, max(size - len(history) - len(history.pending), 0))


def target_names(problem: SearchProblem, metrics: pd.DataFrame) -> list[str]:
    """Return what a surrogate has to predict: the objective, and the soft metrics that are measured.

    Raises:
        ValueError: when the objective or a bounded metric is not measured.
    """
    bounded = [name for name in SOFT_METRICS if name in problem.upper_bounds]
    for name in (problem.objective.metric, *bounded):
        if name not in metrics.columns:
            raise ValueError(
                f"{name!r} is an objective or bounded and must be measured, got {', '.join(metrics.columns)}"
            )
    names = [problem.objective.metric, *(name for name in SOFT_METRICS if name in metrics.columns)]
    return list(dict.fromkeys(names))


def fit_on_history(
    surrogate: Surrogate, problem: SearchProblem, history: History, rng: np.random.Generator
) -> FittedSurrogate:
    """Fit `surrogate` on the completed trials of `history`."""
    rows = np.flatnonzero(history.completed)
    targets = history.metrics[target_names(problem, history.metrics)]
    features = problem.space.encode(history.population[rows])
    return surrogate.fit(features, targets.iloc[rows].reset_index(drop=True), rng)


def incumbent(problem: SearchProblem, history: History) -> float:
    """Return the score of the best feasible trial, -inf where none is feasible."""
    feasible = problem.feasible(history.metrics)
    return float(problem.score(history.metrics)[feasible].max(initial=-np.inf))


def best_trials(problem: SearchProblem, history: History, n: int) -> Population:
    """Return the best `n` completed trials by Deb's rules, `(<= n, genes)`, best first."""
    rows = np.flatnonzero(history.completed)
    metrics = history.metrics.iloc[rows]
    appraisal = Appraisal(score=problem.score(metrics), violation=soft_violation(problem, metrics))
    return history.population[rows[appraisal.best_first()[:n]]]


def predicted_proposals(
    problem: SearchProblem, fitted: FittedSurrogate, batch: Population, origins: list[str]
) -> list[Proposal]:
    """Return the proposals of `batch` with what the surrogate expects of each."""
    if not len(batch):
        return []
    expected = fitted.predict(problem.space.encode(batch)).mean.to_dict("records")
    return [
        Proposal(genotype, origin, {str(name): float(value) for name, value in row.items()})
        for genotype, origin, row in zip(genotypes(batch), origins, expected, strict=True)
    ]


def _spread_out(
    problem: SearchProblem, leaders: Population, pending: Population, n: int
) -> npt.NDArray[np.intp]:
    if n == 0 or not len(leaders):
        return np.empty(0, dtype=np.intp)
    features = problem.space.encode(leaders).to_numpy()
    anchors = problem.space.encode(pending).to_numpy() if len(pending) else np.empty((0, features.shape[1]))
    return diverse_batch(features, n, anchors)
