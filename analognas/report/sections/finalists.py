"""The best trials and the references at full budget: what the choice among them was made on."""

from __future__ import annotations

import math
from statistics import fmean

from analognas.record.validation import FinalResult
from analognas.report.data import ReportData
from analognas.report.html import Html, table
from analognas.report.page import caption
from analognas.report.wording import accuracy_with_spread, amount, label
from analognas.specs.durations import DAY_S

_COLUMNS = ("digital_accuracy", "accuracy_1d", "avm")


def _columns(data: ReportData) -> tuple[str, ...]:
    """Return the metrics of the table: the objective first where it is none of the usual ones."""
    objective = data.objectives[0].metric
    return _COLUMNS if objective in _COLUMNS else (objective, *_COLUMNS)


def finalists_section(data: ReportData) -> Html | None:
    """Return one row a finalist, trials in the order of their rank, then references; the chosen one is named."""
    result = data.result
    if result is None or not result.finalists:
        return None
    columns = _columns(data)
    rows = [
        [
            (finalist.reference or f"trial {finalist.trial}") + _seed(finalist.repeat),
            *(
                accuracy_with_spread(finalist.metrics.get(metric), finalist.metrics.get("std_1d"))
                if metric == "accuracy_1d"
                else amount(metric, finalist.metrics.get(metric))
                for metric in columns
            ),
            finalist.failure or ("chosen" if finalist == result.winner else ""),
        ]
        for finalist in result.finalists
    ]
    head = ["finalist", *(label(metric) for metric in columns), ""]
    then = (
        "The very network that was chosen is the one above, where its figures are those of the test split."
        if _exports_the_winner(result)
        else "The chosen one was then trained once more, with another seed, for the figures above."
    )
    rounds = (
        " The best of them and the references were trained with further seeds; the mean of all their trainings decided."
        if any(finalist.repeat for finalist in result.finalists)
        else ""
    )
    return Html(
        table(head, rows, range(1, 1 + len(columns)))
        + caption(f"Each trained at full budget and measured on the validation split.{rounds} {then}")
        + _on_test(result)
    )


def _on_test(result: FinalResult) -> Html:
    """Return every training on the test split, where there are several of a network."""
    if not result.further:
        return Html("")
    rows = [
        [
            network.name + _seed(network.repeat),
            amount("digital_accuracy", network.digital_accuracy["test"]),
            accuracy_with_spread(network.metrics.get("accuracy_1d"), network.metrics.get("std_1d")),
            amount("avm", network.metrics.get("avm")),
            "exported" if network == result.network else "",
        ]
        for shown in result.networks
        for network in result.trainings(shown.name)
    ]
    head = ["training", *(label(metric) for metric in _COLUMNS), ""]
    return Html(
        table(head, rows, range(1, 1 + len(_COLUMNS)))
        + caption("Every training of the chosen network and of the references, on the test split.")
    )


def _seed(repeat: int) -> str:
    return f", seed {repeat + 1}" if repeat else ""


def _exports_the_winner(result: FinalResult) -> bool:
    """Say whether the network of the race is the exported one, and not another training of its architecture."""
    winner, curve = result.winner, result.network.curves.get("validation")
    if winner is None or curve is None or DAY_S not in curve.times_s:
        return False
    day = curve.accuracy[curve.times_s.index(DAY_S)]
    figures = fmean(day), result.network.digital_accuracy.get("validation", math.nan)
    return all(
        math.isclose(figure, winner.metrics.get(metric, math.nan), rel_tol=1e-9)
        for figure, metric in zip(figures, ("accuracy_1d", "digital_accuracy"), strict=True)
    )
