"""Layer by layer: matrix, tiles, utilisation, accuracy lost and energy; and the tile map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from analognas.report.data import ReportData
from analognas.report.figures.sensitivity import sensitivity_figure
from analognas.report.figures.tile_map import tile_map_picture
from analognas.report.html import Html, element, joined, table, with_code
from analognas.report.page import caption, drawing
from analognas.specs.durations import time_label

_MOST: Final = 100
"""Layers that are shown."""


def layers_section(data: ReportData) -> Html | None:
    """Return table, tile map and sensitivity of the best network; None where its tiles are not known."""
    found = data.tile_map
    if found is None:
        return None
    try:
        drawn = drawing(
            lambda width: tile_map_picture(found, width), "The part of each tile that holds weights"
        )
        return joined([_table(data, found), drawn, _tile_caption(found), *_sensitivity(data)])
    except (KeyError, TypeError, ValueError, AttributeError):  # a file that somebody else has written
        return element("p", {"class": "empty"}, "The tile map in best/analog.json cannot be read.")


def _table(data: ReportData, found: Mapping[str, Any]) -> Html:
    costs = {} if data.sensitivity is None else {layer.layer: layer for layer in data.sensitivity.layers}
    energy = {row["layer"]: row["energy_uj"] for row in (data.chip_cost or {}).get("layers", ())}
    rows = []
    for number, (name, layer) in enumerate(list(found["layers"].items())[:_MOST], start=1):
        row = [
            str(number),
            element("code", {}, name),
            f"{layer['rows']:,} × {layer['columns']:,}"
            + (f" × {layer['groups']}" if layer["groups"] > 1 else ""),
            f"{len(layer['tiles']):,}",
            f"{100 * layer['utilisation']:.1f} %",
        ]
        if costs:
            cost = costs.get(name)
            level = " (level)" if cost is not None and cost.is_level else ""
            row.append("–" if cost is None else f"{_points(cost.cost)}{level}")
        if energy:
            row.append(f"{energy[name]:.3g}" if name in energy else "–")
        rows.append(row)
    head = ["", "layer", "rows × columns", "tiles", "utilisation"]
    head += ["points lost"] * bool(costs) + ["energy, µJ"] * bool(energy)
    return table(head, rows, (0, 2, 3, 4, 5, 6))


def _points(cost: float) -> str:
    """Return a share in points, without a minus before a zero."""
    return f"{round(100 * cost, 2) + 0.0:.2f}"


def _tile_caption(found: Mapping[str, Any]) -> Html:
    more = len(found["layers"]) - _MOST
    left_out = f" {more:,} more layers are in best/analog.json." if more > 0 else ""
    return caption(
        f"{found['n_tiles']:,} tiles of {found['tile_rows']} × {found['tile_columns']}, "
        f"{100 * found['utilisation']:.1f} % of their cells hold one of {found['n_weights']:,} weights. Tiles are "
        f"drawn to scale; numbers are those of the table.{left_out}"
    )


def _sensitivity(data: ReportData) -> list[Html]:
    found = data.sensitivity
    heading = element("h3", {}, "Sensitivity of the layers")
    if found is None:
        how = "Not measured; `analognas report DIR --sensitivity` measures it and writes this page again."
        return [heading, element("p", {}, with_code(how))]
    return [
        heading,
        drawing(sensitivity_figure(found), "Accuracy lost through each layer"),
        caption(
            f"One layer at a time with programming error and drift, the others with ideal weights: {found.chips} "
            f"chips, {time_label(found.t_s)} after programming, {found.split} split; lines are 95 % intervals "
            f"over chips alone, not over images; in grey bars they hold no loss. All layers "
            f"together cost {_points(found.whole.cost)} points of {100 * found.ideal:.2f} %."
        ),
    ]
