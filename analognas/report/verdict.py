"""What a search achieved next to its reference networks, in one honest sentence each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from analognas.record.validation import FinalResult, ValidatedNetwork
from analognas.report.wording import broken_bound, label
from analognas.specs.durations import DAY_S, SECOND_S
from analognas.strategies.problem import Objective

_TIMES = {"accuracy_1d": DAY_S, "accuracy_1s": SECOND_S}


def comparisons(
    result: FinalResult, objectives: Sequence[Objective], upper_bounds: Mapping[str, float]
) -> list[str]:
    """Return a sentence for each reference but one that was chosen: who is ahead in the first objective, if either is.

    It says by how much, with the standard error over chips where both met the same ones, and at how many times the
    parameters. Of a reference that is ahead it also says which constraints it breaks or in which other objectives it
    is worse: a search under a bound is not beaten by what the bound excludes.

    Args:
        result: the end of a run.
        objectives: of the search; the first one is an accuracy.
        upper_bounds: largest allowed value by metric name.
    """
    found, first = result.network, objectives[0].metric
    raced = {finalist.reference for finalist in result.finalists if not finalist.failure}
    return [
        _lost(found, reference, objectives, upper_bounds, raced=reference.name in raced)
        if reference.metrics[first] > found.metrics[first]
        else _won(found, reference, first)
        for reference in result.others
    ]


def _won(found: ValidatedNetwork, reference: ValidatedNetwork, objective: str) -> str:
    ratio = found.metrics["parameters"] / reference.metrics["parameters"]
    lead = _lead(found, reference, objective)
    if found.metrics[objective] == reference.metrics[objective]:
        verdict = f"is level with {reference.name}: {lead} apart"
    else:
        verdict = f"is ahead of {reference.name} by {lead}"
    return f"{found.name} {verdict}, with {ratio:.2g} times its parameters"


def _lost(
    found: ValidatedNetwork,
    reference: ValidatedNetwork,
    objectives: Sequence[Objective],
    upper_bounds: Mapping[str, float],
    *,
    raced: bool,
) -> str:
    ratio = reference.metrics["parameters"] / found.metrics["parameters"]
    broken = [
        broken_bound(name, bound, reference.metrics[name])
        for name, bound in upper_bounds.items()
        if reference.metrics[name] > bound
    ]
    worse = [
        label(further.metric)
        for further in objectives[1:]
        if further.sign * reference.metrics[further.metric] < further.sign * found.metrics[further.metric]
    ]
    if broken:
        verdict = f"breaks {', '.join(broken)}"
    elif worse:
        verdict = f"meets every constraint, and is worse in {', '.join(worse)}"
    elif raced:
        verdict = "meets every constraint, and was behind on the validation split, which decides"
    else:
        verdict = (
            "meets every constraint: this search found nothing better; give it more trials or a wider `space`"
        )
    return (
        f"{reference.name} is ahead by {_lead(reference, found, objectives[0].metric)}, "
        f"has {ratio:.2g} times the parameters; it {verdict}"
    )


def _lead(ahead: ValidatedNetwork, behind: ValidatedNetwork, objective: str) -> str:
    difference = 100 * (ahead.metrics[objective] - behind.metrics[objective])
    error = _standard_error(ahead, behind, objective)
    uncertain = "" if error is None else f" ± {100 * error:.2f}"
    return f"{difference:.2f}{uncertain} points of {label(objective)}"


def _standard_error(first: ValidatedNetwork, second: ValidatedNetwork, objective: str) -> float | None:
    """Return that of the mean difference over chips with the same numbers, None without chips."""
    rows = []
    for network in (first, second):
        curve = network.curves["test"]
        if objective not in _TIMES or _TIMES[objective] not in curve.times_s:
            return None
        rows.append(np.asarray(curve.accuracy[list(curve.times_s).index(_TIMES[objective])]))
    chips = min(map(len, rows))
    return float((rows[1][:chips] - rows[0][:chips]).std(ddof=1)) / math.sqrt(chips) if chips > 1 else None
