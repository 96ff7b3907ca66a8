"""How long the race and the test split would take if a search ended now: what `search.minutes` keeps in reserve.

A training at full budget of a network takes as many times its trial as the trainings are longer, and the chips more. Of
the time of a trial a fifth is taken to be its validation. The network of a reference is taken to be like the trial that
is nearest to it in multiply-accumulates.
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
from analognas.record.trial import Trial
from search_spaces import count_network, published

VALIDATION: Final = 0.2
"""Share of a trial's time that its validation takes, about."""


@dataclass(frozen=True)
class TimeNeeded:
    """Estimates what follows the trials of a search.

    Attributes:
        ending: of the search.
        workers: full trainings at a time.
    """

    ending: Ending
    workers: int

    def __call__(self, trials: Sequence[Trial]) -> float:
        """Return the seconds; 0 while no trial at full budget has completed."""
        ending = self.ending
        done = [trial for trial in trials if trial.at_full_budget and trial.status == "completed"]
        if not done:
            return 0.0
        leaders = sorted(done, key=lambda trial: rank(ending.problem, trial.metrics), reverse=True)
        raced = [trial.wall_time_s for trial in leaders[: ending.n_finalists]]
        references = [self._like(macs, done) for macs in self._macs]
        again = [*raced[: ending.n_shortlisted], *references]
        times = [*raced, *references, *(again * (ending.n_seeds - 1))]
        if len(times) == 1 and not ending.trains_on_validation:
            times = raced  # there is no race, and the one network is trained for the test split
        elif ending.trains_on_validation:
            times += [raced[0], *references] * ending.n_seeds
        work = sum(times) / min(self.workers, len(times))
        return self._longer * max(work, *times)

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
    def _macs(self) -> list[int]:
        """Multiply-accumulates of the references that fit the inputs."""
        source = self.ending.evaluator.task.source
        found = []
        for name in self.ending.references:
            try:
                network = published(name, source.input_shape, source.n_classes)
                found.append(count_network(network, source.input_shape)[1])
            except (ValueError, RuntimeError):  # said where it is trained
                continue
        return found

    @staticmethod
    def _like(macs: int, trials: Sequence[Trial]) -> float:
        def away(trial: Trial) -> float:
            return abs(math.log(max(trial.metrics["macs"], 1.0) / max(macs, 1)))

        return min(trials, key=away).wall_time_s
