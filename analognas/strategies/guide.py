"""What a strategy believes of unseen candidates: a surrogate fitted on the completed trials.

The objective is modelled as a score to maximise, raw or as normal scores of its ranks; soft metrics are modelled as
they are measured. What a candidate is expected to lose by breaking a soft bound is taken from it in measured units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from analognas.metrics import SOFT_METRICS
from analognas.strategies.acquisition import Acquisition
from analognas.strategies.appraisal import Appraisal, Appraise
from analognas.strategies.normal_scores import NormalScores
from analognas.strategies.problem import SearchProblem
from analognas.strategies.ranking_weight import ranking_weight
from analognas.strategies.refit import RefitPolicy
from analognas.strategies.size_trend import SizeTrend
from analognas.strategies.strategy import History, Proposal
from analognas.strategies.transfer import FEWEST, Prior, PriorTrend
from analognas.strategies.worth import measured_prospects, prospects
from search_spaces import Population, genotypes
from surrogates import FittedSurrogate, Prediction, Surrogate, held_out_tau

if TYPE_CHECKING:
    import pandas as pd

MIN_TRIALS: Final = 4
"""Completed trials below which no surrogate is fitted and the first design goes on."""

JUDGED: Final = 64
"""Most trials that say how much a model of other searches counts, the last ones: more would make an ask slow."""

JUDGING_FOLDS: Final = 4
"""Of these trials, each of them predicted by a surrogate that was fitted on the others."""

Scale: TypeAlias = Literal["raw", "ranks"]


@final
@dataclass(frozen=True)
class Guide:
    """A surrogate fitted on a history, and the scale of its objective.

    Attributes:
        problem: the objective and the soft bounds.
        fitted: predicts the objective, under its name, and the soft metrics.
        scores: from the scores of the objective to the scale of the fit; None where that is raw.
        trend: of the score with size, which the surrogate is fitted on the deviations from; None: none.
        prior: what a model of other searches expects; None: nothing.
        weight: of that model next to the surrogate; None: the surrogate was fitted on the deviations from it.
        of_worth: whether it predicts what candidates are worth, and not their objective.
    """

    problem: SearchProblem
    fitted: FittedSurrogate
    scores: NormalScores | None
    trend: SizeTrend | None = None
    prior: PriorTrend | None = None
    weight: float | None = None
    of_worth: bool = False

    def predict(self, population: Population) -> Prediction:
        """Return what is expected of `(n, genes)` candidates, the objective on the scale of the fit."""
        prediction = self.fitted.predict(self.problem.space.encode(population))
        metric = self.problem.objective.metric
        if self.trend is not None:
            expected = prediction.mean[metric] + self.trend(self.problem.space.parameters(population))
            prediction = replace(prediction, mean=prediction.mean.assign(**{metric: expected}))
        if self.prior is None:
            return prediction
        if self.weight is None:
            return self.prior.added_to(prediction, self.problem, population)
        return self.prior.weighed(self.weight, prediction, self.problem, population)

    def believed(self, population: Population, metrics: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return what tried candidates are expected to be worth, `(n,)`, on the scale of the fit.

        Their objective is what the surrogate expects; whether they keep the soft bounds is what was measured.

        Args:
            population: `(n, genes)` of completed trials.
            metrics: `(n, metrics)` measured.
        """
        mean, _ = _column(self.predict(population), self.problem.objective.metric)
        bounds = self.problem.soft_bounds
        if self.of_worth or not bounds:
            return mean
        seen = measured_prospects(metrics, bounds)
        return seen.chance * mean + (1 - seen.chance) * self._scaled(seen.broken(self._measured(mean)))

    def appraiser(self, acquisition: Acquisition, caution: float) -> Appraise:
        """Return the function that encodes, predicts and appraises a population.

        Args:
            acquisition: the score of a predicted objective.
            caution: soft metrics are taken at mean + `caution` · std, because a search under a bound ends at
                the bound, where the mean alone is too low half of the time.
        """

        def appraise(population: Population) -> Appraisal:
            prediction = self.predict(population)
            metrics = {name: _column(prediction, name) for name in prediction.mean.columns}
            mean, std = metrics[self.problem.objective.metric]
            if not self.problem.soft_bounds:
                return Appraisal(acquisition.score(mean, std), np.ones(len(mean), dtype=np.bool_))
            expected = prospects(metrics, self.problem.soft_bounds, caution)
            feasible = expected.chance >= 0.5
            if self.of_worth:
                return Appraisal(acquisition.score(mean, std), feasible)
            harmed = self._scaled(expected.broken(self._measured(mean)))
            return Appraisal(acquisition.mixed(mean, std, harmed, expected.chance), feasible)

        return appraise

    def _measured(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return score if self.scores is None else self.scores.inverse(score)

    def _scaled(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return score if self.scores is None else self.scores.forward(score)

    def proposals(self, batch: Population, origins: list[str]) -> list[Proposal]:
        """Return the proposals of `(n, genes)` with what the surrogate expects of each, in measured units."""
        if not len(batch):
            return []
        expected = self.predict(batch).mean
        objective = self.problem.objective
        score = self._measured(expected[objective.metric].to_numpy(dtype=np.float64))
        records = expected.assign(**{objective.metric: objective.sign * score}).to_dict("records")
        return [
            Proposal(genotype, origin, {str(name): float(value) for name, value in record.items()})
            for genotype, origin, record in zip(genotypes(batch), origins, records, strict=True)
        ]


def _column(prediction: Prediction, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return prediction.mean[name].to_numpy(dtype=np.float64), prediction.std[name].to_numpy(dtype=np.float64)


def fit_guide(
    surrogate: Surrogate,
    problem: SearchProblem,
    history: History,
    scale: Scale,
    rng: np.random.Generator,
    refit: RefitPolicy,
    first: int,
    *,
    trended: bool = False,
    of_worth: bool = False,
    prior: Prior | None = None,
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
        trended: under a bound on the parameters, the surrogate is fitted on deviations from a trend with size.
        of_worth: the surrogate predicts what candidates are worth, for one whose scores have no unit.
        prior: on the scale `ranks`, a model of other searches goes together with the surrogate, where it is of any use.

    Raises:
        ValueError: when the objective or a bounded metric is not measured.
    """
    names = target_names(problem, history.metrics)
    rows = np.flatnonzero(history.completed)
    metrics = history.metrics.iloc[rows].reset_index(drop=True)
    population = history.population[rows]
    features = problem.space.encode(population)
    score = problem.worth(metrics) if of_worth else problem.score(metrics)

    def fit(n: int, generator: np.random.Generator) -> Guide:
        scores = NormalScores.fit(score[:n]) if scale == "ranks" else None
        own = score if scores is None else scores.forward(score)
        trend, known = None, None
        if prior is not None and scores is not None:
            known = PriorTrend.fit(prior, problem, population[:n], own[:n])
        weighed = known is not None and known.prior.combination == "ranking-weighted"
        if known is not None and not weighed:
            own = known.left(own, problem, population)
        elif trended and "parameters" in problem.upper_bounds:
            parameters = problem.space.parameters(population)
            trend = SizeTrend.fit(parameters[:n], own[:n])
            own = own - trend(parameters)
        targets = metrics[names].assign(**{problem.objective.metric: own})
        weight = None
        if known is not None and weighed:
            of_size = 0.0 if trend is None else trend(problem.space.parameters(population[:n]))
            weight = _weight(surrogate, known, problem, population[:n], features[:n], own[:n], of_size)
        fitted = surrogate.fit(features[:n], targets[:n], generator)
        return Guide(problem, fitted, scores, trend, known, weight, of_worth)

    def predict(n: int, group: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        mean = fit(n, np.random.default_rng(n)).predict(population[group]).mean
        return mean[problem.objective.metric].to_numpy(dtype=np.float64)

    n = refit.n_fitted(min(first, len(rows)), score, predict)
    return fit(n, rng if n == len(rows) else np.random.default_rng(n))


def _weight(
    surrogate: Surrogate,
    known: PriorTrend,
    problem: SearchProblem,
    population: Population,
    features: pd.DataFrame,
    deviation: npt.NDArray[np.float64],
    of_size: npt.NDArray[np.float64] | float,
) -> float:
    """Return the weight of a model of other searches, judged on the last trials; a foreign one has a part of it.

    Their scores are `deviation` and what is expected of their size together.
    """
    n = len(deviation)
    if n < FEWEST:
        return known.prior.weight
    rng = np.random.default_rng(n)
    last = slice(max(0, n - JUDGED), n)
    targets = features[[]].assign(deviation=deviation)
    own = held_out_tau(surrogate, features[last], targets[last], JUDGING_FOLDS, rng).predictions["deviation"]
    of_size = np.broadcast_to(of_size, n)[last]
    expected = known.prior.expected(problem, population[last]).score
    judged = ranking_weight(deviation[last] + of_size, expected, own.to_numpy(np.float64) + of_size, rng)
    return known.prior.weight * judged


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
