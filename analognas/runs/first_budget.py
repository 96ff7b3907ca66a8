"""How long the trainings of a first search may be, from one timed trial.

A search fills the time it is given: trainings of trials and of the end are as many times as long as those of the
template as fit. Where even a quarter does not fit, there are fewer trials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from analognas.compose import Composition
from analognas.config.lengths import Lengths
from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.runs.search_time import looked_at, rounded, search_time, timed_candidate

TIMES: Final = (12.0, 8.0, 6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 0.35, 0.25)
"""How many times as long as the template's trainings may be, the longest first."""

FEWER: Final = (40, 24, 16, 10)
"""Trials, the most first."""

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


def first_budget(
    composition: Composition, config_of: Callable[[Lengths], SearchConfig], minutes: float
) -> FirstBudget:
    """Return the longest trainings whose search fits into `minutes`.

    Args:
        composition: of the template's configuration for the data.
        config_of: returns that configuration with other lengths.
        minutes: for the whole search.

    Raises:
        UserError: when a candidate cannot be timed, or nothing fits.
    """
    timed = timed_candidate(composition, looked_at(composition))
    if isinstance(timed, str):
        raise UserError(
            f"the time of a trial is not known: {timed}; write the file without --path, and set epochs"
        )
    for trials in FEWER:
        for times in TIMES:
            lengths = _times(times, trials)
            expected_s = search_time(composition, config_of(lengths), timed).total_s
            if expected_s <= FILLED * 60 * minutes:
                return FirstBudget(lengths, expected_s)
    raise UserError(
        f"--minutes must be at least {round(expected_s / FILLED / 60) + 1} for {lengths.trials} trials on "
        f"these data, got {minutes:g}; give more, fewer inputs (`max_train`), or smaller ones"
    )


def _times(times: float, trials: int) -> Lengths:
    """Return so many trials, with trainings so many times as long as those of the template."""
    usual = Lengths()
    return Lengths(
        epochs=max(1, round(times * usual.epochs)),
        updates=round(times * usual.updates),
        final_epochs=max(1, round(times * usual.final_epochs)),
        final_updates=round(times * usual.final_updates),
        trials=trials,
    )


def said(budget: FirstBudget) -> str:
    """Return what the search is expected to take, in words."""
    return f"about {rounded(budget.expected_s)}"
