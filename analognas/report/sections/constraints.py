"""What the search was bound to, how many trials kept to it, and why trials failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from analognas.metrics import TABLE
from analognas.record.environment import NAMED_BOUNDS, SIZE_BOUNDS
from analognas.report.compromise import compromise
from analognas.report.data import ReportData, meets
from analognas.report.html import Html, element, joined, table, with_code
from analognas.report.sections.key_figures import no_trials
from analognas.report.wording import amount, capitalised, label

_REASONS_SHOWN = 20
_NUMBERS_SHOWN = 12


def constraint_summary(data: ReportData) -> Html:
    """Return the limits with the number of trials that met them."""
    if not data.upper_bounds:
        return element("p", {"class": "empty"}, "The search had no constraints.")
    chosen, metrics = _chosen(data)
    rows = []
    for metric, bound in data.upper_bounds.items():
        met = sum(meets(trial.metrics, metric, bound) for trial in data.completed)
        rows.append(
            [
                label(metric),
                f"at {'most' if TABLE[metric].sign < 0 else 'least'} {amount(metric, bound)}",
                f"{met} of {len(data.completed)}",
                amount(metric, metrics.get(metric)),
            ]
        )
    head = [
        "constraint",
        "limit",
        "completed trials that met it",
        chosen,
    ]
    limits = Html(table(head, rows, (1, 2, 3)) + _taken(data))
    if not data.completed:
        return limits
    n_full = sum(trial.at_full_budget for trial in data.completed)
    at = "completed trials" if n_full == len(data.completed) else "trials at full budget"
    whole = f"{data.n_feasible} of {n_full} {at} met all of them."
    best = None if data.reference is not None else data.best_trial
    sentence = ""
    if best is not None:
        sentence = compromise(
            best,
            data.trials,
            data.objectives[0],
            data.upper_bounds,
            trained_in_full=data.result is not None,
        )
    warning = element("p", {"class": "warning"}, with_code(f"{capitalised(sentence)}.")) if sentence else ""
    return Html(limits + element("p", {}, whole) + warning)


def _taken(data: ReportData) -> Html:
    """Return where bounds come from that nobody wrote as a number."""
    size, named = data.environment.get(SIZE_BOUNDS), data.environment.get(NAMED_BOUNDS)
    sources = [size, *(named.values() if isinstance(named, Mapping) else ())]
    return joined(element("p", {}, with_code(f"{source}.")) for source in sources if isinstance(source, str))


def _chosen(data: ReportData) -> tuple[str, Mapping[str, float]]:
    """Return what was chosen, by name, and its figures on the validation split."""
    if data.reference is not None and data.result is not None and data.result.winner is not None:
        return f"reference {data.reference}", data.result.winner.metrics
    best = data.best_trial
    return ("best trial", {}) if best is None else (f"trial {best.number}", best.metrics)


def failures(data: ReportData) -> Html:
    """Return the reasons of the failed trials, the most frequent first."""
    if not data.failed:
        return element("p", {}, "No trial failed." if data.trials else no_trials(data))
    by_reason: defaultdict[str, list[int]] = defaultdict(list)
    for trial in data.failed:
        by_reason[trial.failure.reason if trial.failure else ""].append(trial.number)
    ordered = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    rows = [[str(len(numbers)), _numbers(numbers), reason] for reason, numbers in ordered[:_REASONS_SHOWN]]
    parts = [table(["failed", "trials", "reason"], rows, (0,))]
    if len(ordered) > _REASONS_SHOWN:
        left = len(ordered) - _REASONS_SHOWN
        parts.append(element("p", {}, f"{left} more reasons are in trials.jsonl, with their tracebacks."))
    return joined(parts)


def _numbers(numbers: list[int]) -> str:
    text = ", ".join(map(str, numbers[:_NUMBERS_SHOWN]))
    return text if len(numbers) <= _NUMBERS_SHOWN else f"{text}, …"
