"""The figure of a cost: energy of each layer by part, and which layer lies where on which tile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from hwsim.chip_cost.energy import PARTS
from hwsim.chip_cost.layout import Piece
from hwsim.chip_cost.rows import Row
from hwsim.figure_theme import BEST, INK, QUIET, REFERENCES, plain, style_figure
from hwsim.hardware import TileSpec

_COLOURS: Final = dict(
    zip(
        (*PARTS, "static"),
        (BEST, "#56B4E9", REFERENCES[0], REFERENCES[1], REFERENCES[2], "#8C6D00", QUIET),
        strict=True,
    )
)
_ROWS_SHOWN: Final = 40
_TILES_SHOWN: Final = 64
_ACROSS: Final = 8
_LABELLED: Final = 0.18
"""Share of a tile's side that a piece must have for its number to be written on it."""
_FILLS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D00", "#6B7280")


def cost_figure(title: str, every: Sequence[Row], pieces: Sequence[Piece], tile: TileSpec) -> Any:
    """Return a plotly figure: bars of energy on top, the tiles below.

    Tiles beyond the first 64 are left out, which the title says, and layers beyond the 40 that take most.

    Args:
        title: of the figure.
        every: the rows of the cost, nodes first.
        pieces: what lies on tiles.
        tile: their size.
    """
    from plotly.subplots import make_subplots

    rows = _shown_rows(every)
    in_use = max((piece.tile for piece in pieces), default=-1) + 1
    n_tiles = min(_TILES_SHOWN, in_use)
    down = max(1, math.ceil(n_tiles / _ACROSS))
    bars, map_height = 90 + 20 * len(rows), 110 * down + 40
    figure = make_subplots(
        rows=2, cols=1, row_heights=[bars, map_height], vertical_spacing=90 / (bars + map_height + 180)
    )
    style_figure(figure, bars + map_height + 180)
    _add_bars(figure, rows)
    _add_tiles(figure, [row.name for row in every], pieces, tile, n_tiles)
    more = f" ({in_use - n_tiles:,} of them not shown)" if in_use > n_tiles else ""
    figure.update_layout(
        barmode="stack",
        legend_traceorder="normal",
        margin={"t": 76, "l": 56, "r": 16, "b": 32},
        title={
            "text": plain(title + more, 200),
            "x": 0,
            "y": 0.99,
            "yanchor": "top",
            "font": {"size": 15},
        },
    )
    return figure


def _shown_rows(every: Sequence[Row]) -> list[tuple[int, Row]]:
    """Return rows with their places."""
    taking = [(place, row) for place, row in enumerate(every) if row.total_fj]
    if len(taking) > _ROWS_SHOWN:
        least = sorted((row.total_fj for _, row in taking), reverse=True)[_ROWS_SHOWN - 1]
        taking = [(place, row) for place, row in taking if row.total_fj >= least]
    return taking[::-1]  # plotly draws the first at the bottom


def _add_bars(figure: Any, rows: list[tuple[int, Row]]) -> None:
    labels = [plain(f"{place + 1}  {row.name}", 44) for place, row in rows]
    places = list(range(len(rows)))
    for part, colour in _COLOURS.items():
        values = [row.energy_fj.get(part, 0) / 1e9 for _, row in rows]
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


def _add_tiles(
    figure: Any, names: Sequence[str], pieces: Sequence[Piece], tile: TileSpec, n_tiles: int
) -> None:
    """Draw tiles in rows of eight; a piece has the number and the colour of its layer."""
    gap_x, gap_y = 0.12 * tile.columns, 0.3 * tile.rows
    shapes, notes, hover = [], [], []

    def corner(number: int) -> tuple[float, float]:
        return number % _ACROSS * (tile.columns + gap_x), -(number // _ACROSS) * (tile.rows + gap_y)

    for number in range(n_tiles):
        left, top = corner(number)
        shapes.append(_box(left, top - tile.rows, left + tile.columns, top, "#F3F4F6", "#9CA3AF"))
        notes.append(_note(left + tile.columns / 2, top + 0.12 * tile.rows, f"tile {number + 1}", QUIET, 9))
    for piece in pieces:
        if piece.tile >= n_tiles:
            continue
        left, top = corner(piece.tile)
        x, y = left + piece.column, top - piece.row
        fill = _FILLS[piece.node % len(_FILLS)]
        shapes.append(_box(x, y - piece.rows, x + piece.columns, y, fill, "#FFFFFF"))
        middle = x + piece.columns / 2, y - piece.rows / 2
        if piece.rows > _LABELLED * tile.rows and piece.columns > _LABELLED * tile.columns / 2:
            notes.append(_note(*middle, str(piece.node + 1), "#FFFFFF", 11))
        hover.append((*middle, _described(names, piece)))
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
    width, height = corner(min(n_tiles, _ACROSS) - 1)[0] + tile.columns, -corner(n_tiles - 1)[1] + tile.rows
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-gap_x, max(width, 4 * tile.columns) + gap_x], **hidden, row=2, col=1)
    figure.update_yaxes(range=[-height - gap_y / 2, gap_y], **hidden, row=2, col=1)


def _described(names: Sequence[str], piece: Piece) -> str:
    part = piece.part
    return plain(
        f"{piece.node + 1}  {names[piece.node]}: rows {part.row0} to {part.row1 - 1}, columns {part.col0} to "
        f"{part.col1 - 1}, on tile {piece.tile + 1} from row {piece.row}, column {piece.column}",
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
