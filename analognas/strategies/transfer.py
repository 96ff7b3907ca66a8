"""Transfer by rank: a model of other searches says what to expect, and the surrogate learns what is different here.

    ranking-weighted    score ≈ w · (level + slope · prior) + (1 − w) · surrogate,   slope ≥ 0
    residual            score ≈ level + slope · prior + process

The prior is the normal score that a model of `analognas surrogate fit` gives a candidate. The surrogate is fitted on
the trials' normal scores, and the two are weighed against each other by how well they order the trials
(`analognas.strategies.ranking_weight`); or it is fitted on what the prior leaves of the scores. The slope is that of a
ridge regression towards `trust`, the τ that the model had on networks it had not seen; the penalty counts like
`PRIOR_TRIALS` trials. Where τ of the prior with the first trials, from `FEWEST` on and of `MOST` at most, is not
positive, the model is of no use here and the search goes on without it.

The first design takes turns: a candidate that the model expects to be good, then one of the filling design, which knows
nothing of the model and shows whether it is right.

References:
    D. Salinas, H. Shen, V. Perrone, A quantile-based approach for hyperparameter transfer learning, ICML 2020,
    arXiv 1909.13595.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias, final

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.metrics import sign_of
from analognas.strategies.algorithm_1 import algorithm_1
from analognas.strategies.appraisal import Appraisal
from analognas.strategies.diversity import diverse_batch
from analognas.strategies.filling_design import FillingDesign
from analognas.strategies.latin_hypercube import DesignMemo, next_of_designs
from analognas.strategies.novelty import after
from analognas.strategies.pretrained_file import Pretrained
from analognas.strategies.problem import SearchProblem
from analognas.strategies.problem_features import model_features
from analognas.strategies.strategy import History, Proposal
from search_spaces import Population
from surrogates import Prediction
from surrogates.kendall import kendall_tau

FEWEST: Final = 8
MOST: Final = 10
"""Completed trials that say whether a model is of any use here."""

PRIOR_TRIALS: Final = 4.0
"""Trials that the trust in a model counts for; like the two above chosen, not tuned."""

POPULATION: Final = 128
GENERATIONS: Final = 12
"""Of the evolution on the model alone that finds the leaders of the first design."""

Combination: TypeAlias = Literal["ranking-weighted", "residual"]

Values = npt.NDArray[np.float64]


class Expected(NamedTuple):
    """What a model expects of candidates, `(n,)` each.

    Attributes:
        score: normal scores; more is better, whatever the objective is.
        std: standard deviation of a measurement.
        unknown: share that is not known.
    """

    score: Values
    std: Values
    unknown: Values


@final
@dataclass(frozen=True)
class Prior:
    """What a model expects of candidates.

    Attributes:
        pretrained: the model.
        same_task: whether it was fitted on networks of this task, too.
        weight: factor on the trust in it and on its weight beside the surrogate, 0 to 1.
        combination: how it goes together with the surrogate of the search.
    """

    pretrained: Pretrained
    same_task: bool = False
    weight: float = 1.0
    combination: Combination = "ranking-weighted"

    def trust(self, metric: str) -> float:
        """Return the slope that is expected of a target, 0 or more: how well the model ordered unseen networks.

        That is on its own tasks, or on a task that was left out of the fit.
        """
        card = self.pretrained.card
        taus = card["held_out"] if self.same_task or not card["leave_one_out"] else card["leave_one_out"]
        mean = np.mean([own.get(metric, 0.0) for own in taus.values()])
        return self.weight * float(np.clip(mean, 0.0, 1.0))

    def expected(self, problem: SearchProblem, population: Population) -> Expected:
        """Return what is expected of `(n, genes)` candidates.

        Raises:
            UserError: when the model does not predict the objective.
        """
        features = model_features(self.pretrained.model, problem, population)
        model, metric = self.pretrained.model, problem.objective.metric
        if metric not in model.targets:
            raise UserError(
                f"{self.pretrained.path}: predicts {', '.join(model.targets)} and not the objective {metric}"
            )
        prediction = model.predict(features)
        mean, std = (part[metric].to_numpy(dtype=np.float64) for part in (prediction.mean, prediction.std))
        # a table of a benchmark holds the negative of what is to be lowered, the model its values
        return Expected(sign_of(metric) * mean, std, model.unknown(features))


@final
@dataclass(frozen=True)
class PriorTrend:
    """A prior on the scale of this search.

    Attributes:
        prior: the model.
        level: score of a candidate whose prior is 0.
        slope: change of the score with the prior, 0 or more.
    """

    prior: Prior
    level: float
    slope: float

    @classmethod
    def fit(
        cls, prior: Prior, problem: SearchProblem, population: Population, score: Values
    ) -> PriorTrend | None:
        """Return the trend of `(n,)` scores, in order of completion; None where the model is of no use here."""
        expected = prior.expected(problem, population).score
        if len(score) >= FEWEST:
            tau = kendall_tau(expected[:MOST], score[:MOST])
            if not tau > 0:  # which NaN is not, either
                return None
        deviation = expected - expected.mean()
        penalty = PRIOR_TRIALS * float(np.mean(np.square(deviation)))
        total = float(np.square(deviation).sum()) + penalty
        slope = trust = prior.trust(problem.objective.metric)
        if total > 0:
            slope = (float(deviation @ (score - score.mean())) + penalty * trust) / total
        slope = max(0.0, slope)
        return cls(prior, float(score.mean() - slope * expected.mean()), slope)

    def added_to(self, process: Prediction, problem: SearchProblem, population: Population) -> Prediction:
        """Return the prediction of the scores, from that of a process of what is left of them."""
        expected = self.prior.expected(problem, population)
        mean, std = _of(process, problem)
        std = np.hypot(std, self.slope * expected.unknown)
        return _with(process, problem, mean + self._scaled(expected.score), std)

    def weighed(
        self, weight: float, own: Prediction, problem: SearchProblem, population: Population
    ) -> Prediction:
        """Return the prediction of the scores by the model, of this weight, and by a surrogate, of the rest."""
        expected = self.prior.expected(problem, population)
        mean, std = _of(own, problem)
        std = np.hypot((1 - weight) * std, weight * self.slope * expected.std)
        return _with(own, problem, (1 - weight) * mean + weight * self._scaled(expected.score), std)

    def left(self, score: Values, problem: SearchProblem, population: Population) -> Values:
        """Return what is left of the scores of candidates, `(n,)`."""
        return score - self._scaled(self.prior.expected(problem, population).score)

    def _scaled(self, score: Values) -> Values:
        return self.level + self.slope * score


def _of(prediction: Prediction, problem: SearchProblem) -> tuple[Values, Values]:
    metric = problem.objective.metric
    return prediction.mean[metric].to_numpy(np.float64), prediction.std[metric].to_numpy(np.float64)


def _with(prediction: Prediction, problem: SearchProblem, mean: Values, std: Values) -> Prediction:
    metric = problem.objective.metric
    return Prediction(prediction.mean.assign(**{metric: mean}), prediction.std.assign(**{metric: std}))


@final
@dataclass(frozen=True)
class InformedDesign:
    """A first design whose every other candidate is one that a model expects to be good, the first one included.

    Attributes:
        prior: the model.
        filling: proposes the others.
    """

    prior: Prior
    filling: FillingDesign
    _memo: DesignMemo = field(default_factory=DesignMemo, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Candidates in the design."""
        return self.filling.size

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose the next `n` candidates, fewer when there are no more."""
        begun = len(history) - history.earlier + len(history.pending)
        n_leaders = (begun + n + 1) // 2 - (begun + 1) // 2
        leaders = next_of_designs(
            lambda number: self._leaders(problem, number), self.size, history, n_leaders, "pretrained"
        )
        others = self.filling.ask(problem, after(history, leaders), n - len(leaders), rng)
        turn = [others, leaders] if begun % 2 else [leaders, others]
        mixed = [one for pair in zip(*turn, strict=False) for one in pair]
        return [*mixed, *(one for one in (*leaders, *others) if one not in mixed)][:n]

    def _leaders(self, problem: SearchProblem, number: int) -> Population:
        """Return diverse candidates that the model expects to be good, `(<= size, genes)`."""
        return self._memo.get(problem, number, lambda: self._evolved(problem, number))

    def _evolved(self, problem: SearchProblem, number: int) -> Population:
        rng = np.random.default_rng([self.filling.seed, number, 1])

        def appraise(population: Population) -> Appraisal:
            expected = self.prior.expected(problem, population).score
            return Appraisal(expected, np.ones(len(expected), dtype=np.bool_))

        found = algorithm_1(
            problem, appraise, population=POPULATION, iterations=GENERATIONS, rng=rng
        ).population
        if not len(found):
            return found
        features = problem.space.encode(found).to_numpy()
        return found[diverse_batch(features, self.size, np.empty((0, features.shape[1])))]
