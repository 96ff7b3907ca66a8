"""What a strategy believes of unseen candidates: a surrogate fitted on the completed trials.

The objective is modelled as a score to maximise, raw or as normal scores of its ranks; soft metrics are
modelled as they are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from analognas.strategies.acquisition import Acquisition
from analognas.strategies.appraisal import Appraisal, Appraise, soft_violation
from analognas.strategies.normal_scores import NormalScores
from analognas.strategies.problem import SOFT_METRICS, SearchProblem
from analognas.strategies.refit import RefitPolicy
from analognas.strategies.strategy import History, Proposal
from search_spaces import Population, genotypes
from surrogates import FittedSurrogate, Surrogate

if TYPE_CHECKING:
    import pandas as pd

MIN_TRIALS: Final = 4
"""Completed trials below which no surrogate is fitted and the first design goes on."""

Scale: TypeAlias = Literal["raw", "ranks"]


@final
@dataclass(frozen=True)
class Guide:
    """A surrogate fitted on a history, and the scale of its objective.

    Attributes:
        problem: the objective and the soft bounds.
        fitted: predicts the objective, under its name, and the soft metrics.
        scores: from the scores of the objective to the scale of the fit; None where that is raw.
        incumbent: best feasible trial on the scale of the fit, -inf where none is feasible.
    """

    problem: SearchProblem
    fitted: FittedSurrogate
    scores: NormalScores | None
    incumbent: float

    def appraiser(self, acquisition: Acquisition, caution: float) -> Appraise:
        """Return the function that encodes, predicts and appraises a population.

        Args:
            acquisition: the score of a predicted objective.
            caution: soft metrics are taken at mean + `caution` · std, because a search under a bound ends at
                the bound, where the mean alone is too low half of the time.
        """
        metric = self.problem.objective.metric

        def appraise(population: Population) -> Appraisal:
            prediction = self.fitted.predict(self.problem.space.encode(population))
            mean = prediction.mean[metric].to_numpy(dtype=np.float64)
            std = prediction.std[metric].to_numpy(dtype=np.float64)
            cautious = prediction.mean + caution * prediction.std
            return Appraisal(score=acquisition(mean, std), violation=soft_violation(self.problem, cautious))

        return appraise

    def proposals(self, batch: Population, origins: list[str]) -> list[Proposal]:
        """Return the proposals of `(n, genes)` with what the surrogate expects of each, in measured units."""
        if not len(batch):
            return []
        expected = self.fitted.predict(self.problem.space.encode(batch)).mean
        objective = self.problem.objective
        score = expected[objective.metric].to_numpy(dtype=np.float64)
        if self.scores is not None:
            score = self.scores.inverse(score)
        records = expected.assign(**{objective.metric: objective.sign * score}).to_dict("records")
        return [
            Proposal(genotype, origin, {str(name): float(value) for name, value in record.items()})
            for genotype, origin, record in zip(genotypes(batch), origins, records, strict=True)
        ]


def fit_guide(
    surrogate: Surrogate,
    problem: SearchProblem,
    history: History,
    scale: Scale,
    rng: np.random.Generator,
    refit: RefitPolicy,
    first: int,
) -> Guide:
    """Fit `surrogate` on the completed trials of `history`, or on the part of them that `refit` says.

    Args:
        surrogate: the recipe.
        problem: the objective and the soft bounds.
        history: at least one completed trial.
        scale: `raw` or `ranks`.
        rng: of a fit on all completed trials; an older fit has a generator that depends on its trials alone.
        refit: when a surrogate is fitted again.
        first: trials of the design before the first fit.

    Raises:
        ValueError: when the objective or a bounded metric is not measured.
    """
    names = target_names(problem, history.metrics)
    rows = np.flatnonzero(history.completed)
    metrics = history.metrics.iloc[rows].reset_index(drop=True)
    features = problem.space.encode(history.population[rows])
    score = problem.score(metrics)

    def fit(n: int, generator: np.random.Generator) -> Guide:
        scores = NormalScores.fit(score[:n]) if scale == "ranks" else None
        own = score if scores is None else scores.forward(score)
        targets = metrics[names].assign(**{problem.objective.metric: own})
        fitted = surrogate.fit(features[:n], targets[:n], generator)
        incumbent = float(own[problem.feasible(metrics)].max(initial=-np.inf))
        return Guide(problem=problem, fitted=fitted, scores=scores, incumbent=incumbent)

    def predict(n: int, group: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        fitted = fit(n, np.random.default_rng(n)).fitted
        mean = fitted.predict(features.iloc[group]).mean[problem.objective.metric]
        return mean.to_numpy(dtype=np.float64)

    n = refit.n_fitted(min(first, len(rows)), score, predict)
    return fit(n, rng if n == len(rows) else np.random.default_rng(n))


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
