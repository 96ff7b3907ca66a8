"""What the best network costs on the described chip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analognas.report.data import ReportData
from analognas.report.figures.tile_map import layer_numbers
from analognas.report.html import Html, element, joined, table
from analognas.report.page import caption, drawing
from analognas.report.picture import picture
from hwsim.chip_cost.energy import PARTS
from hwsim.chip_cost.figure import cost_figure
from hwsim.text_table import significant


def chip_cost_section(data: ReportData) -> Html | None:
    """Return sums, a figure and what is left out; None without a described chip."""
    found = data.chip_cost
    if found is None:
        return None
    try:
        sums = table(["", "", ""], _sums(found), (1,))
        figure = drawing(
            lambda width: picture(cost_figure(found, layer_numbers(data.tile_map), width), width),
            "Energy of each layer by part, and which layer lies where on which tile",
        )
        left_out = f"Not counted: {'; '.join(map(str, found['excluded']))}."
    except (KeyError, TypeError, ValueError, IndexError):  # a file that somebody else has written
        return element("p", {"class": "empty"}, "The cost in best/analog.json cannot be read.")
    return joined(
        [
            sums,
            figure,
            caption("Numbers are those of the layers on tiles, here and under “Layers and tiles”."),
            element("p", {}, left_out),
        ]
    )


def _sums(found: Mapping[str, Any]) -> list[list[str]]:
    tiles, tops = found["tiles"], found["tops_per_w"]
    available = "" if tiles["available"] is None else f" of {tiles['available']:,}"
    energy = found["energy_uj"]
    parts = ", ".join(f"{part} {significant(energy[part])} µJ" for part in (*PARTS, "static") if energy[part])
    rows = [
        ["chip", f"{found['chip']}", f"{found['mode']}, {found['schedule']}, {found['mapping']}"],
        [
            "tiles",
            f"{tiles['used']:,}{available}",
            f"packed {tiles['packed']:,}, at least {tiles['lower_bound']:,}",
        ],
        ["utilisation", f"{100 * found['utilisation']:.1f} %", "of the tiles in use"],
        ["energy", f"{significant(energy['total'])} µJ", parts],
        [
            "latency",
            f"{significant(found['latency_us'])} µs",
            f"{significant(found['throughput_per_s'])} inferences/s",
        ],
        [
            "efficiency",
            f"{significant(tops['sustained'])} TOPS/W",
            f"everything counted; multiplication alone {significant(tops['macro'])}, peak {significant(tops['peak'])}",
        ],
    ]
    areas = {name: value for name, value in found["area_mm2"].items() if value is not None}
    if areas:
        rows.append(
            ["area", "", ", ".join(f"{name} {significant(value)} mm²" for name, value in areas.items())]
        )
    return rows
