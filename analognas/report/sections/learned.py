"""What the search learned: which choices of an architecture go with its figures."""

from __future__ import annotations

from analognas.report.data import ReportData
from analognas.report.figures.learned import FEWEST, associations, learned_figure
from analognas.report.html import Html, element, joined
from analognas.report.page import caption, drawing, empty
from analognas.report.wording import capitalised, label


def learned_section(data: ReportData) -> Html:
    """Return one figure for the objective and one for the loss over a month."""
    metrics = list(dict.fromkeys((data.objective, "avm")))
    drawn = [(metric, found) for metric in metrics if (found := associations(data, metric))]
    if not drawn:
        return empty(f"Drawn from {FEWEST} trials at full budget on.")
    figures = [
        element(
            "div",
            {},
            element("h3", {}, capitalised(label(metric))),
            drawing(learned_figure(found), f"Kendall τ of each symbol with {label(metric)}", small=True),
        )
        for metric, found in drawn
    ]
    return joined(
        [
            element("div", {"class": "grid"}, *figures),
            caption(
                "Rank correlation of each symbol of the architecture with the figure, over the completed trials that "
                "have it; yes counts above no, and letters in their order. Grey bars may be chance (5 % for all "
                "symbols together, Holm). A search does not draw at random, so a correlation is no cause."
            ),
        ]
    )
