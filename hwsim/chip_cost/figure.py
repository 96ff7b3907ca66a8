"""The figure of a cost: energy of each layer by part, and which layer lies where on which tile."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hwsim.chip_cost.energy import PARTS
from hwsim.figure_theme import BEST, INK, QUIET, REFERENCES, plain, style_figure
from hwsim.optional_library import needs

_COLOURS: Final = dict(
    zip(
        (*PARTS, "static"),
        (BEST, "#56B4E9", REFERENCES[0], REFERENCES[1], REFERENCES[2], "#8C6D00", QUIET),
        strict=True,
    )
)
_ROWS_SHOWN: Final = 40
_TILES_SHOWN: Final = 64
_WIDE: Final = 980.0
"""Pixels of a figure that nobody said the width of."""
_NARROW: Final = 600.0
"""Pixels below which four tiles lie side by side, and not eight."""
_ROW_HEIGHT: Final = 110.0
"""Most pixels from a row of tiles to the next one."""
_GAP_X: Final = 0.12
_GAP_Y: Final = 0.3
"""Between tiles, in sides of a tile."""
_LABELLED: Final = 0.18
"""Share of a tile's side that a piece must have for its number to be written on it."""
_FILLS: Final = ("#334155", "#64748B", "#475569", "#7C8797")
"""Greys, which no part of the energy has; neighbours differ."""


def cost_figure(
    found: Mapping[str, Any], numbers: Mapping[str, int] | None = None, width: float = _WIDE
) -> Any:
    """Return a plotly figure of what `ChipCost.to_json` returned: bars of energy on top, the tiles below.

    Tiles beyond the first 64 are left out, which the title says, and layers beyond the 40 that take most. Tiles are
    drawn as squares, whatever their rows and columns.

    Args:
        found: the cost.
        numbers: of the layers by name; None counts those that lie on tiles, from 1.
        width: pixels that the figure will have.
    """
    needs("plotly", "a figure")
    from plotly.subplots import make_subplots

    rows, pieces = _shown_rows(found["layers"]), found["placement"]
    in_use = max((piece["tile"] for piece in pieces), default=-1) + 1
    n_tiles = min(_TILES_SHOWN, in_use)
    across = 8 if width >= _NARROW else 4
    down = max(1, math.ceil(n_tiles / across))
    row_height = min(_ROW_HEIGHT, (width - 24) / (across * (1 + _GAP_X) + _GAP_X) * (1 + _GAP_Y))
    bars, map_height = 90 + 20 * len(rows), round(row_height * down) + 40
    if numbers is None:
        numbers = _numbers(found)
    figure = make_subplots(
        rows=2, cols=1, row_heights=[bars, map_height], vertical_spacing=90 / (bars + map_height + 180)
    )
    style_figure(figure, bars + map_height + 180)
    _add_bars(figure, rows, numbers)
    layers = [_Layer(row["layer"], numbers.get(row["layer"])) for row in found["layers"]]
    _add_tiles(figure, layers, pieces, found["tile"], n_tiles, across)
    more = f" ({in_use - n_tiles:,} of them not shown)" if in_use > n_tiles else ""
    energy, latency = found["energy_uj"]["total"], found["latency_us"]
    sums = f"{energy:.4g} µJ, {latency:.4g} µs, {found['tiles']['used']:,} tiles{more}"
    figure.update_layout(
        barmode="stack",
        legend_traceorder="normal",
        margin={"t": 76, "l": 56, "r": 16, "b": 32},
        title={
            "text": plain(f"{found['chip']}, {found['mode']}: {sums}", 200),
            "x": 0,
            "y": 0.99,
            "yanchor": "top",
            "font": {"size": 15},
        },
    )
    return figure


def _numbers(found: Mapping[str, Any]) -> dict[str, int]:
    """Return the numbers of the layers that lie on tiles, from 1 in the order of the layers."""
    places = sorted({piece["layer"] for piece in found["placement"]})
    return {found["layers"][place]["layer"]: number for number, place in enumerate(places, start=1)}


def _shown_rows(every: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    taking = [row for row in every if row["energy_uj"]]
    if len(taking) > _ROWS_SHOWN:
        least = sorted((row["energy_uj"] for row in taking), reverse=True)[_ROWS_SHOWN - 1]
        taking = [row for row in taking if row["energy_uj"] >= least]
    return taking[::-1]  # plotly draws the first at the bottom


def _add_bars(figure: Any, rows: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]) -> None:
    labels = [plain(_Layer(row["layer"], numbers.get(row["layer"])).text, 44) for row in rows]
    places = list(range(len(rows)))
    for part, colour in _COLOURS.items():
        values = [row[f"{part}_uj"] for row in rows]
        if any(values):
            figure.add_bar(
                x=values,
                y=places,
                name=part.upper() if part in ("dac", "adc") else part,
                orientation="h",
                marker={"color": colour},
                customdata=labels,
                hovertemplate=f"%{{customdata}}: %{{x:.4g}} µJ {part}<extra></extra>",
                row=1,
                col=1,
            )
    figure.update_xaxes(title_text="Energy of an inference (µJ)", row=1, col=1)
    figure.update_yaxes(tickvals=places, ticktext=labels, row=1, col=1)


@dataclass(frozen=True)
class _Layer:
    """A layer by its name, and its number where it lies on tiles."""

    name: str
    number: int | None

    @property
    def text(self) -> str:
        """Number and name; a name that is a number alone is quoted."""
        named = f"layer “{self.name}”" if self.name.isdecimal() else self.name
        return named if self.number is None else f"{self.number}  {named}"


def _add_tiles(
    figure: Any,
    layers: Sequence[_Layer],
    pieces: Sequence[Mapping[str, int]],
    tile: Mapping[str, int],
    n_tiles: int,
    across: int,
) -> None:
    """Draw tiles in rows of `across`; a piece has the number of its layer."""
    tile_rows, tile_columns = tile["rows"], tile["columns"]
    gap_x, gap_y = _GAP_X * tile_columns, _GAP_Y * tile_rows
    shapes, notes, hover = [], [], []

    def corner(number: int) -> tuple[float, float]:
        return number % across * (tile_columns + gap_x), -(number // across) * (tile_rows + gap_y)

    for number in range(n_tiles):
        left, top = corner(number)
        shapes.append(_box(left, top - tile_rows, left + tile_columns, top, "#F3F4F6", "#9CA3AF"))
        notes.append(_note(left + tile_columns / 2, top + 0.12 * tile_rows, f"tile {number + 1}", QUIET, 9))
    alone = Counter(piece["tile"] for piece in pieces)
    for piece in pieces:
        if piece["tile"] >= n_tiles:
            continue
        left, top = corner(piece["tile"])
        x, y, rows, columns = left + piece["column"], top - piece["row"], piece["rows"], piece["columns"]
        shapes.append(_box(x, y - rows, x + columns, y, _FILLS[piece["layer"] % len(_FILLS)], "#FFFFFF"))
        middle = x + columns / 2, y - rows / 2
        of_layer = layers[piece["layer"]].number
        label = "" if of_layer is None else str(of_layer)
        if rows > _LABELLED * tile_rows and columns > _LABELLED * tile_columns / 2:
            notes.append(_note(*middle, label, "#FFFFFF", 11))
        elif alone[piece["tile"]] == 1:  # beside it, where nothing else is
            beside = x + columns + 0.08 * tile_columns if columns < tile_columns / 2 else middle[0]
            below = middle[1] if columns < tile_columns / 2 else y - rows - 0.1 * tile_rows
            below = min(below, top - 0.1 * tile_rows)  # within the tile
            notes.append(_note(beside, below, label, INK, 11))
        hover.append((*middle, _described(layers, piece)))
    figure.update_layout(shapes=shapes, annotations=notes)
    figure.add_scatter(
        x=[x for x, _, _ in hover],
        y=[y for _, y, _ in hover],
        text=[text for _, _, text in hover],
        mode="markers",
        marker={"size": 14, "opacity": 0, "color": INK},
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
    width = corner(min(max(n_tiles, 1), across) - 1)[0] + tile_columns
    height = (math.ceil(max(n_tiles, 1) / across) - 1) * (tile_rows + gap_y) + tile_rows
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(
        range=[-gap_x, max(width, 4 * (tile_columns + gap_x)) + gap_x], **hidden, row=2, col=1
    )
    square = {"scaleanchor": "x2", "scaleratio": tile_columns / tile_rows, "constrain": "domain"}
    figure.update_yaxes(range=[-height - gap_y / 2, gap_y], **hidden, **square, row=2, col=1)


def _described(layers: Sequence[_Layer], piece: Mapping[str, int]) -> str:
    return plain(
        f"{layers[piece['layer']].text}: {piece['rows']} × {piece['columns']}, its rows from "
        f"{piece['first_row']}, its columns from {piece['first_column']}, on tile {piece['tile'] + 1} at row "
        f"{piece['row']}, column {piece['column']}",
        200,
    )


def _box(x0: float, y0: float, x1: float, y1: float, fill: str, line: str) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x2",
        "yref": "y2",
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "fillcolor": fill,
        "line": {"color": line, "width": 1},
    }


def _note(x: float, y: float, text: str, colour: str, size: int) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "xref": "x2",
        "yref": "y2",
        "text": text,
        "showarrow": False,
        "font": {"color": colour, "size": size},
    }
