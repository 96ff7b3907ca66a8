"""What a search achieved next to its reference networks, in one honest sentence each.

A difference has its 95 % interval over chips and test images (`analognas.paired_bootstrap`). Where that holds zero the
word is "level". Another training of the same two networks is in it where there were several (`final.seeds`); the
sentence then is about the mean of the trainings. Another search is not: that takes `analognas compare`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np

from analognas.metrics import TABLE
from analognas.paired_bootstrap import Correct, difference
from analognas.record.trial import Trial
from analognas.record.validation import RUNNER_UP, FinalResult, RunnerUp, ValidatedNetwork
from analognas.report.wording import amount, broken_bound, label
from analognas.specs.durations import DAY_S, MONTH_S, SECOND_S
from analognas.strategies.problem import Objective

FAR_BELOW: Final = 0.75
"""Share of the accuracy of a trial below which its network at full budget is flagged."""

_TIMES: Final = {"accuracy_1d": DAY_S, "accuracy_1s": SECOND_S, "accuracy_1mo": MONTH_S}


def comparisons(
    result: FinalResult, objectives: Sequence[Objective], upper_bounds: Mapping[str, float]
) -> list[str]:
    """Return a sentence for each reference but one that was chosen: who is ahead in the first objective, if either is.

    Where a reference was chosen, a first sentence compares the best trial with it. Of a reference that is ahead it also
    says which constraints it breaks or in which other objectives it is worse: a search under a bound is not beaten by
    what the bound excludes.

    Args:
        result: the end of a run.
        objectives: of the search; the first one is an accuracy: a search for bits has no references.
        upper_bounds: largest allowed value by metric name.
    """
    raced = {finalist.reference for finalist in result.finalists if not finalist.failure}
    own = [] if result.runner_up is None else [_runner_up(result, result.runner_up, objectives[0].metric)]
    return own + [
        _compared(
            result.pairs(reference.name) or [(result.network, reference)],
            objectives,
            upper_bounds,
            raced=reference.name in raced,
        )
        for reference in result.others
    ]


def _runner_up(result: FinalResult, own: RunnerUp, objective: str) -> str:
    """Return how far the best trial is from the reference that won."""
    winner = result.network
    pairs = result.pairs(winner.name, RUNNER_UP) or [(own.trainings[0], winner)]
    lead = _lead(pairs, objective)
    ratio = pairs[0][0].metrics["parameters"] / winner.metrics["parameters"]
    where = "level with" if lead.level else "ahead of" if lead.points > 0 else "behind"
    if where == "behind":
        lead = _lead(pairs, objective, turned=True)
    return (
        f"trial {own.trial}, the best of the search, is {where} {winner.name} on the test split: {lead.text}, with "
        f"{ratio:.2g} times its parameters"
    )


def shortfall(network: ValidatedNetwork, trial: Trial) -> str:
    """Return a sentence on a network that is far below its own trial, an empty text for any other."""
    before, after = trial.metrics["accuracy_1d"], network.metrics["accuracy_1d"]
    if after >= FAR_BELOW * before:
        return ""
    return (
        f"trial {trial.number} had {amount('accuracy_1d', before)} on validation, its network at full budget has "
        f"{amount('accuracy_1d', after)} on the test split: the long training failed, or the trial was luck; raise "
        "`final.digital_updates` and `final.finalists`, or lower `training.digital.learning_rate`"
    )


def _compared(
    pairs: Sequence[tuple[ValidatedNetwork, ValidatedNetwork]],
    objectives: Sequence[Objective],
    upper_bounds: Mapping[str, float],
    *,
    raced: bool,
) -> str:
    found, reference = pairs[0]
    lead = _lead(pairs, objectives[0].metric)
    ratio = found.metrics["parameters"] / reference.metrics["parameters"]
    if lead.level:
        return (
            f"{found.name} is level with {reference.name}: {lead.text}, with {ratio:.2g} times its parameters"
        )
    if lead.points > 0:
        return (
            f"{found.name} is ahead of {reference.name} by {lead.text}, with {ratio:.2g} times its parameters"
        )
    return (
        f"{reference.name} is ahead by {_lead(pairs, objectives[0].metric, turned=True).text}, "
        f"has {1 / ratio:.2g} times the parameters; "
        f"it {_why_not(found, reference, objectives, upper_bounds, raced=raced)}"
    )


def _why_not(
    found: ValidatedNetwork,
    reference: ValidatedNetwork,
    objectives: Sequence[Objective],
    upper_bounds: Mapping[str, float],
    *,
    raced: bool,
) -> str:
    """Return why a reference that is ahead was not the answer."""
    broken = [
        broken_bound(name, bound, reference.metrics[name])
        for name, bound in upper_bounds.items()
        if not TABLE[name].keeps(reference.metrics[name], bound)
    ]
    worse = [
        label(further.metric)
        for further in objectives[1:]
        if further.sign * reference.metrics[further.metric] < further.sign * found.metrics[further.metric]
    ]
    if broken:
        return f"breaks {', '.join(broken)}"
    if worse:
        return f"meets every constraint, and is worse in {', '.join(worse)}"
    if raced:
        return "meets every constraint, and was behind on the validation split, which decides"
    return "meets every constraint: this search found nothing better; give it more trials or a wider `space`"


@dataclass(frozen=True)
class _Lead:
    """How far one network is ahead of another: in points, in words, and whether neither is."""

    points: float
    text: str
    level: bool


def _lead(
    pairs: Sequence[tuple[ValidatedNetwork, ValidatedNetwork]], objective: str, *, turned: bool = False
) -> _Lead:
    """Return the lead of the first networks of the pairs, one pair a training, in the mean; turned, of the second."""
    sign = -1 if turned else 1
    points = (
        sign * 100 * fmean(first.metrics[objective] - second.metrics[objective] for first, second in pairs)
    )
    named = f"{points:.2f} points of {label(objective)}"
    if len(pairs) > 1:
        named += f" in the mean of {len(pairs)} trainings"
    known = _correct(pairs) if objective == "accuracy_1d" else []
    if known:
        found = difference([([first for first, _ in known], [second for _, second in known])])
        low, high = (-found.high, -found.low) if turned else (found.low, found.high)
        ends = f"{100 * low:.2f} to {100 * high:.2f}"
        return _Lead(
            points,
            f"{named} (95 % interval {ends}, {found.chips} chips, {found.images} images)",
            found.level,
        )
    first, second = pairs[0]
    error = None if len(pairs) > 1 else _error_over_chips(first, second, objective)
    if error is None:
        return _Lead(points, named, points == 0)
    return _Lead(points, f"{named} (± {100 * error:.2f} over chips alone)", points == 0)


def _correct(pairs: Sequence[tuple[ValidatedNetwork, ValidatedNetwork]]) -> list[tuple[Correct, Correct]]:
    """Return what both networks find of each test image; nothing where a record lacks that, or has other images."""
    found = []
    for first, second in pairs:
        if first.correct_1d is None or second.correct_1d is None:
            return []
        found.append((first.correct_1d.unpacked(), second.correct_1d.unpacked()))
    same = {network.shape[1] for pair in found for network in pair}
    return found if len(same) == 1 else []


def _error_over_chips(first: ValidatedNetwork, second: ValidatedNetwork, objective: str) -> float | None:
    """Return the standard error of the mean difference over chips with the same numbers, None without chips."""
    rows = []
    for network in (first, second):
        curve = network.curves["test"]
        if objective not in _TIMES or _TIMES[objective] not in curve.times_s:
            return None
        rows.append(np.asarray(curve.accuracy[list(curve.times_s).index(_TIMES[objective])]))
    chips = min(map(len, rows))
    return float((rows[1][:chips] - rows[0][:chips]).std(ddof=1)) / math.sqrt(chips) if chips > 1 else None
