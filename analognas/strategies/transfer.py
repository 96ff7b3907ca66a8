"""Transfer by rank: a model of other searches says what to expect, and the surrogate learns what is different here.

    score ≈ level + slope · prior + process,   slope ≥ 0

The prior is the normal score that a model of `analognas surrogate fit` gives a candidate; the surrogate is fitted on
what is left of the trials' normal scores. The slope is that of a ridge regression towards `trust`, the τ that the model
had on networks it had not seen; the penalty counts like `PRIOR_TRIALS` trials. Where τ of the prior with the first
trials, from `FEWEST` on and of `MOST` at most, is not positive, the model is of no use here and the search goes on
without it.

The first design takes turns: a candidate that the model expects to be good, then one of the filling design, which knows
nothing of the model and shows whether it is right.

References:
    D. Salinas, H. Shen, V. Perrone, A quantile-based approach for hyperparameter transfer learning, ICML 2020,
    arXiv 1909.13595.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.strategies.algorithm_1 import algorithm_1
from analognas.strategies.appraisal import Appraisal
from analognas.strategies.diversity import diverse_batch
from analognas.strategies.filling_design import FillingDesign
from analognas.strategies.latin_hypercube import DesignMemo, next_of_designs
from analognas.strategies.novelty import after
from analognas.strategies.pretrained_file import Pretrained, read_pretrained
from analognas.strategies.problem import SearchProblem
from analognas.strategies.problem_features import problem_features
from analognas.strategies.strategy import History, Proposal
from search_spaces import Population
from surrogates.kendall import kendall_tau

FEWEST: Final = 8
MOST: Final = 10
"""Completed trials that say whether a model is of any use here."""

PRIOR_TRIALS: Final = 4.0
"""Trials that the trust in a model counts for."""

POPULATION: Final = 128
GENERATIONS: Final = 12
"""Of the evolution on the model alone that finds the leaders of the first design."""

Values = npt.NDArray[np.float64]


@final
@dataclass(frozen=True)
class Prior:
    """What a model expects of candidates.

    Attributes:
        pretrained: the model.
        metric: its target that is the objective.
        trust: the slope that is expected, from 0 on: how well it ordered networks that it had not seen.
    """

    pretrained: Pretrained
    metric: str
    trust: float

    def expected(self, problem: SearchProblem, population: Population) -> tuple[Values, Values]:
        """Return the normal scores of `(n, genes)` candidates, and which share is not known of each, `(n,)` each."""
        features = problem_features(problem, population)
        model = self.pretrained.model
        mean = model.predict(features).mean[self.metric].to_numpy(dtype=np.float64)
        return mean, np.minimum(2 * model.outside(features), 1.0)


def trust_in(pretrained: Pretrained, metric: str, *, same_task: bool) -> float:
    """Return how well a model orders networks that it has not seen, from 0 on: of its own tasks, or of one left out."""
    card = pretrained.card
    taus = card["held_out"] if same_task or not card["leave_one_out"] else card["leave_one_out"]
    return float(np.clip(np.mean([own.get(metric, 0.0) for own in taus.values()]), 0.0, 1.0))


def named_prior(path: Path, metric: str) -> Prior:
    """Return what the model in a file expects, as of a task that it does not know.

    Raises:
        UserError: when the file cannot be read, or its model does not predict the metric.
    """
    pretrained = read_pretrained(path)
    if metric not in pretrained.model.targets:
        raise UserError(f"{path}: predicts {', '.join(pretrained.model.targets)} and not {metric}")
    return Prior(pretrained, metric, trust_in(pretrained, metric, same_task=False))


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
        expected, _ = prior.expected(problem, population)
        if len(score) >= FEWEST:
            tau = kendall_tau(expected[:MOST], score[:MOST])
            if not tau > 0:  # which NaN is not, either
                return None
        deviation = expected - expected.mean()
        penalty = PRIOR_TRIALS * float(np.mean(np.square(deviation)))
        total = float(np.square(deviation).sum()) + penalty
        slope = prior.trust
        if total > 0:
            slope = (float(deviation @ (score - score.mean())) + penalty * prior.trust) / total
        slope = max(0.0, slope)
        return cls(prior, float(score.mean() - slope * expected.mean()), slope)

    def __call__(self, problem: SearchProblem, population: Population) -> tuple[Values, Values]:
        """Return the expected scores of candidates, and the standard deviation that the model adds, `(n,)` each."""
        expected, unknown = self.prior.expected(problem, population)
        return self.level + self.slope * expected, self.slope * unknown


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
        if problem.objective.metric != self.prior.metric:
            return self.filling.ask(problem, history, n, rng)
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
            expected, _ = self.prior.expected(problem, population)
            return Appraisal(expected, np.ones(len(expected), dtype=np.bool_))

        found = algorithm_1(
            problem, appraise, population=POPULATION, iterations=GENERATIONS, rng=rng
        ).population
        if not len(found):
            return found
        features = problem.space.encode(found).to_numpy()
        return found[diverse_batch(features, self.size, np.empty((0, features.shape[1])))]
