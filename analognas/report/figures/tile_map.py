"""Which part of each crossbar tile holds weights: a square a tile, drawn to scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from analognas.report.picture.marks import Area, Label, Mark, Paint, Picture

_INK: Final = Paint("#1F2937")
_QUIET: Final = Paint("#6B7280")
_EDGE: Final = Paint("#9CA3AF")
_EMPTY: Final = Paint("#F3F4F6")
_FILLS: Final = tuple(
    Paint(c, 0.75) for c in ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C6D00", "#56B4E9")
)
_SIDE: Final = 78.0
_GAP: Final = 14.0
_HEAD: Final = 16.0
TILES_SHOWN: Final = 96


def layer_numbers(tile_map: Mapping[str, Any] | None) -> dict[str, int] | None:
    """Return the number that a page calls each layer on tiles by, from 1; None where the tiles are not known."""
    if tile_map is None:
        return None
    return {name: number for number, name in enumerate(tile_map["layers"], start=1)}


def tile_map_picture(tile_map: Mapping[str, Any], width: float) -> Picture:
    """Draw the first `TILES_SHOWN` tiles in the order of the layers; the number is that of the layer in the table.

    Args:
        tile_map: as `hwsim.TileMap` writes it.
        width: pixels.
    """
    pieces = [
        (number, name, layer, piece)
        for number, (name, layer) in enumerate(tile_map["layers"].items(), start=1)
        for piece in layer["tiles"]
    ]
    shown = pieces[:TILES_SHOWN]
    across = max(1, int((width + _GAP) // (_SIDE + _GAP)))
    marks: list[Mark] = []
    for place, (number, name, layer, (row, last_row, column, last_column)) in enumerate(shown):
        left = place % across * (_SIDE + _GAP) + 1
        top = place // across * (_SIDE + _GAP + _HEAD) + _HEAD
        rows, columns = last_row - row, last_column - column
        tile = {**tile_map, **layer}  # layers of their own hardware have tiles of their own
        right = left + _SIDE * min(1.0, columns / tile["tile_columns"])
        bottom = top + _SIDE * min(1.0, rows / tile["tile_rows"])
        text = f"{number}  {name}: rows {row} to {last_row - 1}, columns {column} to {last_column - 1}"
        marks += [
            Label((left, top - 4), f"layer {number}", 11, _QUIET),
            _box(left, top, left + _SIDE, top + _SIDE, _EMPTY, _EDGE),
            _box(left, top, right, bottom, _FILLS[(number - 1) % len(_FILLS)], None, text),
        ]
    height = math.ceil(len(shown) / across) * (_SIDE + _GAP + _HEAD)
    if len(pieces) > len(shown):
        height += 16
        marks.append(
            Label((0, height - 4), f"{len(pieces) - len(shown):,} more tiles are not shown", 12, _INK)
        )
    return Picture(width, max(height, 20.0), marks)


def _box(
    left: float, top: float, right: float, bottom: float, fill: Paint, edge: Paint | None, text: str = ""
) -> Area:
    return Area([(left, top), (right, top), (right, bottom), (left, bottom)], fill, edge, 1.0, text)
