"""How long a training at full budget will take, judged by the trial of the same candidate."""

from __future__ import annotations

from typing import Final

from analognas.evaluation.evaluator import Evaluator
from analognas.evaluation.training import TrainingBudget
from analognas.record.trial import Trial

HARDWARE_AWARE_EPOCH: Final = 1.3
"""What a hardware-aware epoch costs, in digital ones; docs/results.md has the measurements."""

SHORTEST_S: Final = 20.0
"""Shorter ones are over before they are announced."""


def expected_time(trial: Trial | None, evaluator: Evaluator, budget: TrainingBudget, inputs: int) -> str:
    """Return `, about 4 min`, or nothing for what is over at once.

    Args:
        trial: how long the candidate took at the budget of a trial; None where nothing is known.
        evaluator: of the trial.
        budget: of the training to come.
        inputs: that it trains on.
    """
    if trial is None:
        return ""
    of_trial = evaluator.trained_in_full if trial.at_full_budget else evaluator.budget.reduced(trial.budget)
    work = shown(budget, inputs) / shown(of_trial, len(evaluator.task.train))
    expected_s = trial.wall_time_s * work
    return f", about {max(1, round(expected_s / 60))} min" if expected_s >= SHORTEST_S else ""


def shown(budget: TrainingBudget, inputs: int) -> float:
    """Return how many inputs a training is shown, in digital ones."""
    first, second = (
        schedule.n_epochs(inputs) * schedule.inputs_an_epoch(inputs)
        for schedule in (budget.digital, budget.hardware_aware)
    )
    return first + HARDWARE_AWARE_EPOCH * second
