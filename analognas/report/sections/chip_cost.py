"""What the best network costs on the described chip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analognas.report.data import ReportData
from analognas.report.html import Html, element, joined, table
from analognas.report.page import caption, drawing
from hwsim.chip_cost.energy import PARTS
from hwsim.chip_cost.figure import cost_figure


def chip_cost_section(data: ReportData) -> Html | None:
    """Return sums, a figure and what is left out; None without a described chip."""
    found = data.chip_cost
    if found is None:
        return None
    try:
        sums = table(["", "", ""], _sums(found), (1,))
        figure = drawing(
            cost_figure(found), "Energy of each layer by part, and which layer lies where on which tile"
        )
        left_out = f"Not counted: {'; '.join(map(str, found['excluded']))}."
    except (KeyError, TypeError, ValueError):  # a file that somebody else has written
        return element("p", {"class": "empty"}, "The cost in best/analog.json cannot be read.")
    return joined(
        [
            sums,
            figure,
            caption("Numbers on tiles are those of the layers in the bars."),
            element("p", {}, left_out),
        ]
    )


def _sums(found: Mapping[str, Any]) -> list[list[str]]:
    tiles, tops = found["tiles"], found["tops_per_w"]
    available = "" if tiles["available"] is None else f" of {tiles['available']:,}"
    energy = found["energy_uj"]
    parts = ", ".join(f"{part} {energy[part]:.4g}" for part in (*PARTS, "static") if energy[part])
    rows = [
        ["chip", f"{found['chip']}", f"{found['mode']}, {found['schedule']}, {found['mapping']}"],
        [
            "tiles",
            f"{tiles['used']:,}{available}",
            f"packed {tiles['packed']:,}, at least {tiles['lower_bound']:,}",
        ],
        ["utilisation", f"{100 * found['utilisation']:.1f} %", "of the tiles in use"],
        ["energy", f"{energy['total']:.4g} µJ", parts],
        ["latency", f"{found['latency_us']:.4g} µs", f"{found['throughput_per_s']:,.4g} inferences/s"],
        [
            "efficiency",
            f"{tops['sustained']:.4g} TOPS/W",
            f"everything counted; multiplication alone {tops['macro']:.4g}, peak {tops['peak']:.4g}",
        ],
    ]
    areas = {name: value for name, value in found["area_mm2"].items() if value is not None}
    if areas:
        rows.append(["area", "", ", ".join(f"{name} {value:.4g} mm²" for name, value in areas.items())])
    return rows
