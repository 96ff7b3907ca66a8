"""How long the race and the test split would take if a search ended now: what `search.minutes` keeps in reserve.

A training at full budget of a network takes as many times its trial as the trainings are longer, and the chips more. Of
the time of a trial a fifth is taken to be its validation. The network of a reference is taken to be like the trial that
is nearest to it in multiply-accumulates. What is trained at a time is: the race, its second round, and what was in
neither, references that cannot win above all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from analognas.driver.selection import rank
from analognas.final.ending import Ending
from analognas.final.expected_time import shown
from analognas.final.references import broken_by
from analognas.record.trial import Trial
from search_spaces import count_network, published

VALIDATION: Final = 0.2
"""Share of a trial's time that its validation takes, about."""

AFTERWARDS_S: Final = 15.0
"""What the check of the surrogate, the export and the report take, about, seconds."""


@dataclass(frozen=True)
class TimeNeeded:
    """Estimates what follows the trials of a search.

    Attributes:
        ending: of the search.
        workers: full trainings at a time.
        continues: the trial of a promoted candidate goes on from those on lower rungs; their times add up.
    """

    ending: Ending
    workers: int
    continues: bool = False

    def __call__(self, trials: Sequence[Trial]) -> float:
        """Return the seconds; 0 while no trial at full budget has completed."""
        ending = self.ending
        done = [trial for trial in trials if trial.at_full_budget and trial.status == "completed"]
        if not done:
            return 0.0
        taken = {trial.number: self._taken(trial, trials) for trial in done}
        leaders = sorted(done, key=lambda trial: rank(ending.problem, trial.metrics), reverse=True)
        raced = [taken[trial.number] for trial in leaders[: ending.n_finalists]]
        references = {name: taken[_nearest(macs, done).number] for name, macs in self._macs.items()}
        racing = [seconds for name, seconds in references.items() if name in self._admitted]
        is_race = len(raced) + len(racing) > 1
        rounds = [[*raced, *racing]] if is_race else []
        if is_race and ending.choice == "best":
            rounds.append([*raced[: ending.n_shortlisted], *racing] * (ending.n_seeds - 1))
        if ending.trains_on_validation:
            last = [*raced[:1], *references.values()]
        else:
            last = [seconds for name, seconds in references.items() if name not in self._admitted]
            last += [] if is_race else raced[:1]
        rounds.append(last * ending.n_seeds)
        return self._longer * sum(map(self._side_by_side, rounds)) + AFTERWARDS_S

    def _side_by_side(self, times: Sequence[float]) -> float:
        """Return what trainings take together."""
        return max(sum(times) / min(self.workers, len(times)), *times) if times else 0.0

    def _taken(self, trial: Trial, trials: Sequence[Trial]) -> float:
        """Return what a trial took, from its first rung on where it went on from there."""
        if not self.continues:
            return trial.wall_time_s
        return sum(lower.wall_time_s for lower in trials if lower.genotype == trial.genotype)

    @cached_property
    def _longer(self) -> float:
        """How many times as long a full training takes as a trial."""
        evaluator, task = self.ending.evaluator, self.ending.final_task
        trained = shown(self.ending.budget, len(task.train)) / shown(
            evaluator.trained_in_full, len(evaluator.task.train)
        )
        images = len(task.source.validation) + len(task.source.test)
        validated = self.ending.chips * images / (evaluator.chips * len(evaluator.task.validation))
        return (1 - VALIDATION) * trained + VALIDATION * validated

    @cached_property
    def _macs(self) -> dict[str, int]:
        """Multiply-accumulates of the references that fit the inputs, by name."""
        source = self.ending.evaluator.task.source
        found = {}
        for name in self.ending.references:
            try:
                network = published(name, source.input_shape, source.n_classes)
                found[name] = count_network(network, source.input_shape)[1]
            except (ValueError, RuntimeError):  # said where it is trained
                continue
        return found

    @cached_property
    def _admitted(self) -> frozenset[str]:
        """The references that take part in the race."""
        ending = self.ending
        if ending.choice == "knee":
            return frozenset()
        source = ending.evaluator.task.source
        return frozenset(name for name in self._macs if not broken_by(name, ending.problem, source))


def _nearest(macs: int, trials: Sequence[Trial]) -> Trial:
    """Return the trial that is nearest in multiply-accumulates."""
    return min(trials, key=lambda trial: abs(math.log(max(trial.metrics["macs"], 1.0) / max(macs, 1))))
