"""The best network as a block diagram: its blocks from input to classes, the matrix of each analog layer inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analognas.report.data import ReportData
from analognas.report.picture.marks import Area, Label, Line, Mark, Paint, Picture, Point, width_of

_INK: Final = Paint("#1F2937")
_QUIET: Final = Paint("#6B7280")
_EDGE: Final = Paint("#9CA3AF")
_BLUE: Final = Paint("#0072B2")
_WASH: Final = Paint("#0072B2", 0.16)
_BOX: Final = Paint("#F3F4F6")
_LAYER_HEIGHT: Final = 24.0
_LAYER_GAP: Final = 5.0
_LAYER_WIDTH: Final = 84.0
_HEAD: Final = 38.0
"""Pixels of the two lines above the layers of a block."""
_ARROW: Final = 22.0
_BETWEEN_ROWS: Final = 44.0
_MOST_LAYERS: Final = 200
_PAD: Final = 8.0
_ROLES: Final = ("input", "hidden", "projection", "query", "key", "value", "mix", "inner", "outer")
"""Names of matrices of recurrent and attention blocks, which say what each of them is for."""
_LONGEST: Final = 28
"""Characters of a title or a note."""


@dataclass(frozen=True)
class Block:
    """One box of the diagram.

    Attributes:
        title: its name.
        note: a second line, such as the symbols it was built from.
        branches: of each branch, its layers as name and row of the tile map.
        skips: whether a connection leads past it.
    """

    title: str
    note: str
    branches: Sequence[Sequence[tuple[str, Mapping[str, Any]]]]
    skips: bool = False

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        texts = max(width_of(self.title, 14), width_of(self.note, 12.5))  # bold and wide fonts take more
        return 2 * _PAD + max(texts, len(self.branches) * (self.layer_width + _PAD) - _PAD)

    @property
    def layer_width(self) -> float:
        """Pixels of a layer from left to right: the same for all, wide enough for their captions."""
        captions = [_caption(name, layer) for branch in self.branches for name, layer in branch]
        return max([_LAYER_WIDTH, *(width_of(caption, 12) + _PAD for caption in captions)])

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return _HEAD + max(map(len, self.branches), default=0) * (_LAYER_HEIGHT + _LAYER_GAP) + _PAD


def blocks_of(data: ReportData) -> list[Block]:
    """Return the blocks of the best network, input and classes included; none where its layers are not known."""
    layers = dict(list((data.tile_map or {}).get("layers", {}).items())[:_MOST_LAYERS])
    if not layers:
        return []
    groups: dict[str, dict[str, list[tuple[str, Mapping[str, Any]]]]] = {}
    for name, layer in layers.items():
        branches = groups.setdefault(_group(name, layers), {})
        branches.setdefault(_branch(name), []).append((name, layer))
    symbols = _symbols(data, [group for group in groups if group.startswith("blocks.")])
    found = []
    for group, branches in groups.items():
        note, skips = symbols.get(group, ("", False))
        found.append(Block(_called(group), note, list(branches.values()), skips))
    shape = "×".join(map(str, data.input_shape))
    ends = (
        Block("input", shape, ()),
        Block("output", f"{data.n_classes} classes" if data.n_classes else "", ()),
    )
    return [ends[0], *found, ends[1]]


def block_diagram(data: ReportData, width: float) -> Picture:
    """Draw the blocks in rows that keep to `width` pixels, with arrows between them."""
    rows = _rows(blocks_of(data), width)
    marks: list[Mark] = []
    top, before = 22.0, None
    for row in rows:
        height = max(block.height for block in row)
        x, middle = 2.0, top + height / 2
        if before is not None:
            marks += _turn(before, (x + 10, middle), top)
        for place, block in enumerate(row):
            if place or before is not None:
                start = x if place else x + 10
                marks += _arrow((start, middle), (x + _ARROW, middle))
                x += _ARROW
            marks += _drawn(block, x, middle)
            x += block.width
        before = (x, middle)
        top += height + _BETWEEN_ROWS
    return Picture(width, top - _BETWEEN_ROWS + 8, marks)


def _group(name: str, names: Mapping[str, Any]) -> str:
    """Return the block that a layer belongs to: `blocks.3` of `blocks.3.branches.0.1`, `stem` of `stem.0`."""
    parts = name.split(".")
    alike = {other.split(".")[1] for other in names if other.startswith(f"{parts[0]}.")}
    return ".".join(parts[:2]) if len(parts) > 1 and parts[1].isdigit() and len(alike) > 1 else parts[0]


def _branch(name: str) -> str:
    parts = name.split(".")
    return parts[parts.index("branches") + 1] if "branches" in parts[:-1] else ""


def _called(group: str) -> str:
    name, _, number = group.partition(".")
    return f"block {int(number) + 1}" if name == "blocks" and number.isdecimal() else _cut(group)


def _symbols(data: ReportData, groups: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Return the symbols that each block was built from, where an architecture of repeated blocks says so."""
    architecture = data.best_architecture or {}
    described = architecture.get("blocks")
    if not isinstance(described, list | tuple) or not all(isinstance(entry, Mapping) for entry in described):
        return {}
    repeated = [entry for entry in described for _ in range(int(entry.get("R", 1)))]
    if len(repeated) != len(groups):
        return {}
    return {
        group: (_said(entry), bool(entry.get("skip"))) for group, entry in zip(groups, repeated, strict=True)
    }


def _said(entry: Mapping[str, Any]) -> str:
    return _cut(" ".join(f"{name}={value}" for name, value in entry.items() if name not in ("R", "skip")))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _rows(blocks: Sequence[Block], width: float) -> list[list[Block]]:
    rows: list[list[Block]] = [[]]
    used = 0.0
    for block in blocks:
        if rows[-1] and used + _ARROW + block.width > width - 4:
            rows.append([])
            used = _ARROW
        rows[-1].append(block)
        used += block.width + (_ARROW if len(rows[-1]) > 1 else 0)
    return [row for row in rows if row]


def _drawn(block: Block, x: float, middle: float) -> list[Mark]:
    top = middle - block.height / 2
    right, bottom = x + block.width, top + block.height
    box = Area([(x, top), (right, top), (right, bottom), (x, bottom)], _BOX, _EDGE)
    centre = (x + right) / 2
    marks: list[Mark] = [box, Label((centre, top + 17), block.title, 13, _INK, "middle", bold=True)]
    if block.note:
        marks.append(Label((centre, top + 31), block.note, 11, _QUIET, "middle"))
    if block.skips:
        past = [(x - 8, middle), (x - 8, top - 9), (right + 8, top - 9), (right + 8, middle)]
        marks += [Line(past, _EDGE, 1.4), Label((centre, top - 11), "skip", 10, _QUIET, "middle")]
    own = block.layer_width
    taken = len(block.branches) * (own + _PAD) - _PAD
    for column, branch in enumerate(block.branches):
        left = centre - taken / 2 + column * (own + _PAD)
        for row, (name, layer) in enumerate(branch):
            marks += _layer(name, layer, (left, top + _HEAD + row * (_LAYER_HEIGHT + _LAYER_GAP)), own)
    return marks


def _caption(name: str, layer: Mapping[str, Any]) -> str:
    """Return the size of a matrix, and what it is for where the module says so, such as the gates of an LSTM."""
    size = f"{layer['rows']} × {layer['columns']}"
    role = name.rpartition(".")[2]
    return f"{role} {size}" if role in _ROLES else size


def _layer(name: str, layer: Mapping[str, Any], corner: Point, width: float) -> list[Mark]:
    left, top = corner
    right, bottom = left + width, top + _LAYER_HEIGHT
    n_tiles = len(layer["tiles"])
    text = (
        f"{name}: {layer['rows']} rows × {layer['columns']} columns, {n_tiles} {'tile' if n_tiles == 1 else 'tiles'}, "
        f"{100 * layer['utilisation']:.1f} % in use"
    )
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return [
        Area(corners, _WASH, _BLUE, 1.2, text),
        Label(((left + right) / 2, top + 16), _caption(name, layer), 12, _INK, "middle"),
    ]


def _arrow(start: Point, end: Point) -> list[Mark]:
    (x, y), head = end, 7.0
    tip = [(x, y), (x - head, y - 4), (x - head, y + 4)]
    return [Line([start, (x - head, y)], _EDGE, 1.6), Area(tip, _EDGE)]


def _turn(start: Point, end: Point, top: float) -> list[Mark]:
    """Return the line from the end of a row to the beginning of the next one."""
    between = top - _BETWEEN_ROWS / 2 - 6
    return [
        Line(
            [
                start,
                (start[0] + 10, start[1]),
                (start[0] + 10, between),
                (end[0] - 8, between),
                (end[0] - 8, end[1]),
                end,
            ],
            _EDGE,
            1.6,
        )
    ]
