"""Layers that share tiles: where each part of each matrix lies, as `hwsim.packing` places them.

Parts are placed in the order of their size. The tiles of one size are shared among all layers whose hardware has them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from hwsim.mapping import LayerMapping, Place
from hwsim.packing import pack

Key = TypeVar("Key", bound=Hashable)


def shared(mappings: Mapping[Key, LayerMapping]) -> dict[Key, LayerMapping]:
    """Return the mappings of layers, by any key, on tiles that they share with others of the same tile size."""
    found = dict(mappings)
    for size in sorted({(mapping.tile_rows, mapping.tile_columns) for mapping in mappings.values()}):
        members = [
            key for key, mapping in mappings.items() if (mapping.tile_rows, mapping.tile_columns) == size
        ]
        parts = [(key, part) for key in members for part in mappings[key].tiles]
        sizes = [(part.row1 - part.row0, part.col1 - part.col0) for _, part in parts]
        order = sorted(range(len(parts)), key=lambda one: (-sizes[one][0] * sizes[one][1], sizes[one][0]))
        placed: list[Place] = [Place(0, 0, 0)] * len(parts)
        for one, place in zip(order, pack([sizes[one] for one in order], *size), strict=True):
            placed[one] = place
        filled: dict[int, int] = {}
        for place, (rows, _) in zip(placed, sizes, strict=True):
            filled[place.tile] = max(filled.get(place.tile, 0), place.row + rows)
        for key in members:
            own = tuple(place for place, (owner, _) in zip(placed, parts, strict=True) if owner == key)
            found[key] = replace(mappings[key], places=own, filled=tuple(filled[place.tile] for place in own))
    return found


def tiles_in_use(mappings: Iterable[LayerMapping]) -> int:
    """Return how many tiles layers take together."""
    alone, together = 0, set()
    for mapping in mappings:
        if mapping.places is None:
            alone += len(mapping.tiles)
        else:
            size = mapping.tile_rows, mapping.tile_columns
            together |= {(*size, place.tile) for place in mapping.places}
    return alone + len(together)


def capacity(mappings: Iterable[LayerMapping]) -> int:
    """Return the weights that the tiles of layers could hold, each shared tile once."""
    alone, together = 0, set()
    for mapping in mappings:
        if mapping.places is None:
            alone += mapping.capacity
        else:
            together |= {(mapping.tile_rows, mapping.tile_columns, place.tile) for place in mapping.places}
    return alone + sum(rows * columns for rows, columns, _ in together)
