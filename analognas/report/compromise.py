"""What is said of a network that breaks a soft bound: by how much, why it was chosen, what would allow it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from analognas.metrics import SOFT_METRICS
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult
from analognas.report.wording import amount, label
from analognas.strategies.problem import Objective
from analognas.strategies.worth import broken_bounds


def compromise(
    best: Trial,
    trials: Sequence[Trial],
    objective: Objective,
    upper_bounds: Mapping[str, float],
    *,
    trained_in_full: bool,
) -> str:
    """Return a sentence on a chosen trial that breaks soft bounds, an empty text for one that keeps them.

    Args:
        best: the choice.
        trials: that it was chosen of.
        objective: the first one.
        upper_bounds: largest allowed value by metric name.
        trained_in_full: whether networks are trained at full budget, which alone shows what keeps the bounds.
    """
    soft = _soft(upper_bounds)
    broken = broken_bounds(best.metrics, soft)
    if not broken:
        return ""
    keeping = [
        trial
        for trial in trials
        if trial.status == "completed" and trial.at_full_budget and not broken_bounds(trial.metrics, soft)
    ]
    metric = objective.metric
    if keeping:
        first = max(keeping, key=lambda trial: objective.sign * trial.metrics[metric])
        why = (
            f"the best trial that keeps every bound has {amount(metric, first.metrics[metric])} {label(metric)} "
            f"against {amount(metric, best.metrics[metric])} (trial {first.number})"
        )
    else:
        why = f"none of the {len(trials)} trials keeps every bound"
    remedy = (
        "the trainings at full budget decide what is exported"
        if trained_in_full
        else f"raise {_higher(best.metrics, soft)} to allow it, or train longer (`training.hardware_aware`)"
    )
    return (
        f"trial {best.number} is the best compromise and broke a bound ({_excess(best.metrics, soft)}): {why}; "
        f"{remedy}"
    )


def broken_at_full_budget(result: FinalResult, upper_bounds: Mapping[str, float]) -> str:
    """Return a sentence on the soft bounds that the exported network breaks, an empty text for one that keeps them.

    Args:
        result: the end of a run.
        upper_bounds: largest allowed value by metric name.
    """
    soft, metrics = _soft(upper_bounds), result.network.metrics
    if not broken_bounds(metrics, soft):
        return ""
    return (
        f"the exported network breaks a bound on the test split ({_excess(metrics, soft)}); "
        f"raise {_higher(metrics, soft)} to allow it, or train longer (`final`)"
    )


def _soft(upper_bounds: Mapping[str, float]) -> dict[str, float]:
    return {name: bound for name, bound in upper_bounds.items() if name in SOFT_METRICS}


def _excess(metrics: Mapping[str, float], soft: Mapping[str, float]) -> str:
    """Return each bound that is broken, with the value that breaks it."""
    return ", ".join(
        f"{label(name)} {amount(name, metrics[name])} where {amount(name, soft[name])} are allowed"
        for name in broken_bounds(metrics, soft)
    )


def _higher(metrics: Mapping[str, float], soft: Mapping[str, float]) -> str:
    """Return each bound that is broken, with a value that would allow the network."""
    return ", ".join(
        f"`constraints.{name}` to {_raised(metrics[name]):g}" for name in broken_bounds(metrics, soft)
    )


def _raised(value: float) -> float:
    """Return a value rounded up to two digits: a bound that it keeps.

    >>> _raised(0.0731), _raised(0.5)
    (0.074, 0.5)
    """
    scale = 10.0 ** (1 - math.floor(math.log10(value)))
    return math.ceil(round(value * scale, 6)) / scale
