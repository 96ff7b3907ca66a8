"""Asynchronous successive halving: many candidates at a small budget, the best of them again at larger ones.

Whenever a worker is free, the best candidate that lies in the upper 1/η of its rung and was not promoted yet is
evaluated on the next rung, higher rungs first; without one, a new candidate starts on the first rung. A search in order
promotes all that are due at the beginning of a round. Of n candidates at most n/η are promoted: a guided search finds
better ones all the time, and each would be in the upper part when it comes, so that ASHA as published would promote two
of three. A promoted candidate is trained from its initial weights, or goes on from those of the rung below, which it
would come to again: an evaluation stays a function of candidate, budget and seed.

Rung k trains with η^(k - rungs + 1) of the epochs and validates on as many of the chips; the last rung is the full
budget.

References:
    L. Li et al., A system for massively parallel hyperparameter tuning, MLSys 2020, arXiv 1810.05934 (ASHA).
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from analognas.record.trial import Trial
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import Proposal
from analognas.strategies.worth import worth_of
from search_spaces import Genotype

FEWEST_CHIPS: Final = 2

Rank: TypeAlias = tuple[float, int]
"""What a trial is worth, negative, and its number: the smaller the better."""


@dataclass(frozen=True)
class RungPlan:
    """What every candidate on a rung gets, and how many there are when none fails.

    Attributes:
        candidates: that come to the rung.
        share: of the full budget.
        digital_epochs: of the whole digital training.
        hardware_aware_epochs: of the hardware-aware one.
        chips: that it is validated on.
        goes_on_from: the share of the rung below, where the digital training goes on from there; 0 where it does not.
    """

    candidates: int
    share: float
    digital_epochs: int
    hardware_aware_epochs: int
    chips: int
    goes_on_from: float = 0.0

    @property
    def budget(self) -> tuple[int, int, int]:
        """Digital epochs, hardware-aware epochs and chips of each candidate."""
        return self.digital_epochs, self.hardware_aware_epochs, self.chips


@dataclass(frozen=True)
class Halving:
    """The rungs.

    Attributes:
        eta: of so many candidates of a rung one is promoted, 2 or more; budgets grow by the same factor.
        rungs: how many, 2 or more.
        continues: whether the digital training of a promoted candidate goes on from the rung below.
    """

    eta: int
    rungs: int
    continues: bool = False

    def budget(self, rung: int) -> float:
        """Return the share of the full budget that a rung has."""
        return float(self.eta) ** (rung - self.rungs + 1)

    def stages(self, rung: int) -> tuple[float, ...]:
        """Return the budgets up to a rung where its training goes on from those below, none where it does not."""
        return tuple(self.budget(lower) for lower in range(rung + 1)) if self.continues else ()

    def evaluations(self, candidates: int) -> int:
        """Return how many evaluations so many candidates take on all rungs together, none failing."""
        return sum(candidates // self.eta**rung for rung in range(self.rungs))


def reduced_epochs(epochs: int, share: float) -> int:
    """Return this share of the epochs, at least one where there are any."""
    return max(1, round(share * epochs)) if epochs else 0


def reduced_chips(chips: int, share: float) -> int:
    """Return this share of the chips, at least two: the spread over chips needs them."""
    return max(FEWEST_CHIPS, math.ceil(share * chips))


@dataclass(frozen=True)
class Promotion:
    """A candidate on its way to the next rung.

    Attributes:
        trial: what it measured on the rung below.
        rung: where it goes.
    """

    trial: Trial
    rung: int

    @property
    def proposal(self) -> Proposal:
        """The candidate as it was proposed."""
        return Proposal(self.trial.genotype, self.trial.origin, self.trial.predicted)


class Ladder:
    """Which candidates stand on which rung; everything in it follows from the finished trials."""

    def __init__(self, halving: Halving, problem: SearchProblem) -> None:
        self._halving = halving
        self._problem = problem
        self._ranked: list[list[tuple[Rank, Genotype]]] = [[] for _ in range(halving.rungs)]
        self._promoted: list[set[Genotype]] = [set() for _ in range(halving.rungs)]
        self._trials: dict[tuple[int, Genotype], Trial] = {}

    def close(self, trial: Trial) -> None:
        """Enter a finished trial; one that failed stays on no rung."""
        if trial.rung > 0:
            self._promoted[trial.rung - 1].add(trial.genotype)
        if trial.status == "completed":
            insort(self._ranked[trial.rung], (self._rank(trial), trial.genotype))
            self._trials[trial.rung, trial.genotype] = trial

    def climbs(self, genotype: Genotype, rung: int) -> Promotion | None:
        """Return the promotion of a candidate to a rung, None where it is not on the rung below or was there before."""
        below = self._trials.get((rung - 1, genotype))
        there = genotype in self._promoted[rung - 1] if 0 < rung < self._halving.rungs else True
        return None if below is None or there else Promotion(below, rung)

    def promote(self) -> Promotion | None:
        """Return the next candidate to promote and count it as promoted; None where there is none."""
        promotion = next(self.due(), None)
        if promotion is not None:
            self._promoted[promotion.rung - 1].add(promotion.trial.genotype)
        return promotion

    def due(self) -> Iterator[Promotion]:
        """Yield every promotion that is due, higher rungs first; none is counted."""
        for rung in reversed(range(self._halving.rungs - 1)):
            ranked, promoted = self._ranked[rung], self._promoted[rung]
            most = len(ranked) // self._halving.eta
            free = most - len(promoted)
            if free > 0:
                climbing = (genotype for _, genotype in ranked[:most] if genotype not in promoted)
                for genotype in islice(climbing, free):
                    yield Promotion(self._trials[rung, genotype], rung + 1)

    def _rank(self, trial: Trial) -> Rank:
        objective = self._problem.objective
        score = objective.sign * trial.metrics[objective.metric]
        return -worth_of(score, trial.metrics, self._problem.soft_bounds), trial.number
