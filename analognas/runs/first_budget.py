"""How long the trainings of a first search may be, from one timed trial.

A search fills the time it is given: trainings of trials and of the end are as many times as long as those of the
template as fit. Where even a quarter does not fit, there are fewer trials.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analognas.compose import Composition
from analognas.config.lengths import Lengths
from analognas.errors import UserError
from analognas.evaluation.timed_trial import TrialTime
from analognas.runs.outlook import looked_at, timed_candidate
from analognas.specs.durations import duration

TIMES: Final = (12.0, 8.0, 6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 0.35, 0.25)
"""How many times as long as the template's trainings may be, the longest first."""

FEWER: Final = (40, 24, 16, 10)
"""Trials, the most first."""

LARGE: Final = 75
"""Percentile of the multiply-accumulates of admissible candidates that a search is planned for."""

FILLED: Final = 0.9
"""Of the time: a machine that does other things as well is slower."""


@dataclass(frozen=True)
class FirstBudget:
    """What fits.

    Attributes:
        lengths: of the trainings, and the trials of the search.
        expected_s: what the search takes.
    """

    lengths: Lengths
    expected_s: float


def first_budget(composition: Composition, minutes: float) -> FirstBudget:
    """Return the longest trainings whose search fits into `minutes`.

    The search is taken to try candidates as large as the largest quarter of the admissible ones.

    Args:
        composition: of the template's configuration for the data.
        minutes: for the whole search.

    Raises:
        UserError: when a candidate cannot be timed, or nothing fits.
    """
    population = looked_at(composition)
    sizes = composition.problem.space.macs(population)
    found = timed_candidate(composition, population, float(np.median(sizes)))
    if isinstance(found, str):
        raise UserError(
            f"the time of a trial is not known: {found}; write the file without --path, and set epochs"
        )
    timed, _, macs = found
    scale = float(np.percentile(sizes, LARGE)) / max(1.0, float(macs))
    tried = [_times(composition, timed, scale, times, trials) for trials in FEWER for times in TIMES]
    for budget in tried:
        if budget.expected_s <= FILLED * 60 * minutes:
            return budget
    least = tried[-1]
    raise UserError(
        f"--minutes must be at least {round(least.expected_s / FILLED / 60) + 1} for {least.lengths.trials} trials on "
        f"these data, got {minutes:g}; give more, fewer inputs (`max_train`), or smaller ones"
    )


def _times(
    composition: Composition, timed: TrialTime, scale: float, times: float, trials: int
) -> FirstBudget:
    """Return the budget of so many trials, with trainings so many times as long as those of the template."""
    config, task, evaluator = composition.config, composition.task, composition.evaluator
    training, final = config.training.digital, config.final
    epochs, updates = max(1, round(times * training.epochs)), round(times * training.updates)
    full_epochs, full_updates = (
        max(1, round(times * final.digital_epochs)),
        round(times * final.digital_updates),
    )
    short = replace(
        evaluator.budget,
        digital=replace(evaluator.budget.digital, epochs=epochs, updates=updates),
        hardware_aware=replace(evaluator.budget.hardware_aware, epochs=epochs, updates=updates),
    )
    full = replace(
        short,
        digital=replace(short.digital, epochs=full_epochs, updates=full_updates),
        hardware_aware=replace(short.hardware_aware, epochs=full_epochs, updates=full_updates),
    )
    n, validation, moments = len(task.train), len(task.validation), len(evaluator.times_s)
    trial_s = timed.seconds(short, n, validation, evaluator.chips, moments)
    full_s = timed.seconds(full, n, validation + len(task.test), final.chips, moments)
    again = (final.seeds - 1) * (min(final.shortlist, final.finalists) + len(config.references))
    trainings = final.finalists + len(config.references) + again
    workers = composition.site.workers
    expected_s = scale * (
        trial_s * trials / min(workers, trials) + full_s * trainings / min(workers, trainings)
    )
    return FirstBudget(Lengths(epochs, updates, full_epochs, full_updates, trials), expected_s)


def said(budget: FirstBudget) -> str:
    """Return what the search is expected to take, in words."""
    return f"about {duration(float(f'{budget.expected_s:.2g}'))}"
