"""The best trials and the references at full budget: what the choice among them was made on."""

from __future__ import annotations

from analognas.record.validation import FinalResult
from analognas.report.html import Html, table
from analognas.report.page import caption
from analognas.report.wording import accuracy_with_spread, amount, label

_COLUMNS = ("digital_accuracy", "accuracy_1d", "avm")


def finalists_section(result: FinalResult) -> Html:
    """Return one row a finalist, trials in the order of their rank, then references; the chosen one is named."""
    rows = [
        [
            finalist.reference or f"trial {finalist.trial}",
            *(
                accuracy_with_spread(finalist.metrics.get(metric), finalist.metrics.get("std_1d"))
                if metric == "accuracy_1d"
                else amount(metric, finalist.metrics.get(metric))
                for metric in _COLUMNS
            ),
            finalist.failure or ("chosen" if finalist == result.winner else ""),
        ]
        for finalist in result.finalists
    ]
    head = ["finalist", *(label(metric) for metric in _COLUMNS), ""]
    return Html(
        table(head, rows, range(1, 1 + len(_COLUMNS)))
        + caption(
            "Each trained again at full budget and measured on the validation split. The chosen one was then trained "
            "once more, with a seed of its own, for the figures above."
        )
    )
