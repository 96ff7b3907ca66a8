"""Matrices of a network as a list, for networks that are no torch modules.

    [{"name": "conv1", "rows": 27, "columns": 16, "groups": 1, "positions": 1024}, ...]

Each layer follows the one before. How many of its outputs a layer needs before its own first one is `fill`; without it,
a square map and a square kernel with padding are taken where the numbers allow it, otherwise all outputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hwsim.arguments import nearest, require, whole
from hwsim.chip_cost.workload import Node

_REQUIRED: Final = ("rows", "columns", "positions")
_KEYS: Final = ("name", "rows", "columns", "groups", "positions", "fill")
_LARGEST: Final = 10**9


def nodes_of(
    matrices: Sequence[Mapping[str, Any]],
) -> tuple[tuple[str, ...], tuple[Node, ...], tuple[str, ...]]:
    """Return names and nodes of a chain of matrices, and what was assumed.

    Raises:
        ValueError: for no matrix, a key that is missing or unknown, a number out of range, and names that are there
            twice.
        TypeError: for anything but a list of mappings.
    """
    require(matrices, Sequence, "`matrices` must be a list of mappings")
    if isinstance(matrices, str) or not matrices:
        raise ValueError(f"`matrices` must have at least one matrix, got {matrices!r}")
    names: list[str] = []
    nodes: list[Node] = []
    assumed = []
    for index, given in enumerate(matrices):
        place = f"matrices[{index}]"
        require(given, Mapping, f"`{place}` must be a mapping with {', '.join(_KEYS)}")
        for key in given:
            if key not in _KEYS:
                raise ValueError(f"`{place}.{key}` is no key of a matrix{nearest(key, _KEYS)}")
        missing = [key for key in _REQUIRED if key not in given]
        if missing:
            raise ValueError(f"`{place}.{missing[0]}` must be given")
        rows, columns, positions = (
            whole(f"{place}.{key}", given[key], least=1, most=_LARGEST) for key in _REQUIRED
        )
        groups = whole(f"{place}.groups", given.get("groups", 1), least=1, most=_LARGEST)
        if rows % groups or columns % groups:
            raise ValueError(f"`{place}.groups` must divide rows {rows} and columns {columns}, got {groups}")
        name = given.get("name", f"layer {index + 1}")
        require(name, str, f"`{place}.name` must be a text")
        if name in names:
            raise ValueError(f"`{place}.name` must be different from all others, got {name!r} twice")
        node = Node(rows, columns, groups, positions)
        if not nodes and "fill" in given:
            raise ValueError(f"`{place}.fill` must be left out: the first layer reads the input")
        if nodes:
            fill = _fill(node, nodes[-1])
            if "fill" in given:
                fill = whole(f"{place}.fill", given["fill"], least=1, most=nodes[-1].positions)
            else:
                assumed.append(name)
            node = node._replace(sources=(index - 1,), needs=(fill,))
        names.append(name)
        nodes.append(node)
    note = "latency: `fill` of the layers is taken from square maps and kernels" if assumed else ""
    return tuple(names), tuple(nodes), (note,) if note else ()


def _fill(node: Node, before: Node) -> int:
    """Return how many outputs of the layer before the first output needs, all of them where nothing else is known."""
    area, rest = divmod(node.rows, before.columns)
    side, width = math.isqrt(max(area, 0)), math.isqrt(before.positions)
    is_square = area >= 1 and rest == 0 and side * side == area and width * width == before.positions
    if not is_square or node.positions == 1 < before.positions:
        return before.positions
    reach = min(
        (side - 1) // 2, width - 1
    )  # rows and columns below and right of the first place, with padding
    return reach * width + reach + 1
