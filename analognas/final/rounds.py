"""The trainings of a race, round after round, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from analognas.driver.selection import rank
from analognas.evaluation.full_training import FullTraining, FullyTrained, Measured
from analognas.executors.executor import Executor
from analognas.executors.in_order import outcomes_in_order
from analognas.final.ending import Ending, Entrant, name_of
from analognas.final.expected_time import expected_time
from analognas.final.references import trial_of_reference
from analognas.metrics import headline
from analognas.progress.observer import Observer
from analognas.record.trial import Failure, Trial
from analognas.record.validation import Finalist
from analognas.strategies.worth import EXPORTED


class Rounds:
    """Trains entrants and keeps what is measured.

    Attributes:
        ending: of the search.
        judged_by: the problem of the search, whose soft bounds are meant for these networks.
        finalists: one record a training, in the order of training.
        trained: networks by entrant and number of the training.
    """

    def __init__(
        self,
        ending: Ending,
        executor: Executor[FullTraining, FullyTrained],
        trials: Sequence[Trial],
        observer: Observer,
    ) -> None:
        self.ending = ending
        self.judged_by = replace(ending.problem, fidelity=EXPORTED)
        self.finalists: list[Finalist] = []
        self.trained: dict[str, dict[int, FullyTrained]] = {}
        self._executor = executor
        self._trials = trials
        self._observer = observer

    def run(self, trainings: Sequence[tuple[Entrant, int]]) -> None:
        """Train entrants, each with the number of its training, side by side where there are workers."""
        work = [self.ending.in_the_race(entrant, repeat) for entrant, repeat in trainings]
        outcomes = outcomes_in_order(self._executor, work)
        for place, (entrant, repeat) in enumerate(trainings, start=1):
            self._observer.stage(self._announced(entrant, repeat, f"{place} of {len(trainings)}"))
            result = next(outcomes).result
            if isinstance(result, FullyTrained):
                self.trained.setdefault(name_of(entrant), {})[repeat] = result
            self.finalists.append(_finalist(entrant, repeat, result))
            self._observer.stage(_said(self.finalists[-1]))

    def count_for(self, reference: str, trial: Trial) -> None:
        """Let the trainings of a trial count for the reference whose network it is, too."""
        own = [finalist for finalist in self.finalists if finalist.trial == trial.number]
        self.finalists += [replace(finalist, trial=None, reference=reference) for finalist in own]
        if name_of(trial) in self.trained:
            self.trained[reference] = self.trained[name_of(trial)]

    def shortlist(self, entrants: Sequence[Entrant]) -> list[Entrant]:
        """Return the best trials of a round, as many as the second one has, and all references that were trained."""
        judged = [entrant for entrant in entrants if self.measured(entrant)]
        trials = sorted(
            (entrant for entrant in judged if not isinstance(entrant, str)), key=self.rank, reverse=True
        )
        references = [entrant for entrant in judged if isinstance(entrant, str)]
        return [*trials[: self.ending.n_shortlisted], *references]

    def measured(self, entrant: Entrant) -> list[Measured]:
        """Return what was measured on the validation split of each training that did not fail."""
        results = self.trained.get(name_of(entrant), {})
        return [results[repeat].measured["validation"] for repeat in sorted(results)]

    def rank(self, entrant: Entrant) -> tuple[float, float]:
        """Return what decides between trained entrants, the larger the better, in the mean of their trainings."""
        ranks = [rank(self.judged_by, result.metrics) for result in self.measured(entrant)]
        return fmean(worth for worth, _ in ranks), fmean(smallness for _, smallness in ranks)

    def best_repeat(self, entrant: Entrant) -> int:
        """Return the number of an entrant's training that is worth most, the first of equals; 0 without any."""
        results = self.trained.get(name_of(entrant), {})
        return max(
            sorted(results),
            key=lambda repeat: rank(self.judged_by, results[repeat].measured["validation"].metrics),
            default=0,
        )

    def _announced(self, entrant: Entrant, repeat: int, place: str) -> str:
        ending = self.ending
        known = (
            trial_of_reference(entrant, ending.problem, self._trials) if isinstance(entrant, str) else entrant
        )
        expected = expected_time(known, ending.evaluator, ending.budget, len(ending.evaluator.task.train))
        if repeat:
            return f"second round, {place}: training {_name(entrant)} with seed {repeat + 1}{expected}"
        if isinstance(entrant, str):
            return f"training the reference {entrant} at full budget, as finalist {place}{expected}"
        return f"training finalist {place} (trial {entrant.number}){expected}"


def _finalist(entrant: Entrant, repeat: int, result: FullyTrained | Failure) -> Finalist:
    if isinstance(result, Failure):
        metrics, failure = {}, result.reason
    else:
        metrics, failure = dict(result.measured["validation"].metrics), ""
    if isinstance(entrant, str):
        return Finalist(None, metrics, failure, reference=entrant, repeat=repeat)
    return Finalist(entrant.number, metrics, failure, repeat=repeat)


def _name(entrant: Entrant) -> str:
    return f"the reference {entrant}" if isinstance(entrant, str) else f"trial {entrant.number}"


def _said(finalist: Finalist) -> str:
    name = f"the reference {finalist.reference}" if finalist.reference else f"trial {finalist.trial}"
    seed = f", seed {finalist.repeat + 1}" if finalist.repeat else ""
    if finalist.failure:
        return f"{name} at full budget{seed}: failed: {finalist.failure}"
    metrics = finalist.metrics
    return f"{name} at full budget{seed}, validation: {headline(metrics)}, AVM {100 * metrics['avm']:.2f}"
