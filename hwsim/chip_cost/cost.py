"""What a network costs on a chip, from the network itself or from a list of its matrices.

Validated against published silicon by `scripts/reproduce/chip_cost.py`, which prints the error of each figure.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from hwsim.arguments import one_of, seconds, whole
from hwsim.chip_cost.chip_files import chip_of
from hwsim.chip_cost.description import Chip
from hwsim.chip_cost.energy import FEMTO, tile_energy_fj
from hwsim.chip_cost.matrix_list import nodes_of
from hwsim.chip_cost.network_costs import ChipUse, NetworkCosts
from hwsim.chip_cost.result import ChipCost
from hwsim.chip_cost.workload import Workload
from hwsim.durations import Time

if TYPE_CHECKING:
    from torch import nn

    from hwsim.chip_cost.digital_layers import DigitalLayer

MOST_TILES: Final = 1_000_000
"""More are listed nowhere, and no chip has them."""

MOST_FJ: Final = 1e18
"""Whole femtojoules end at some 9,000 J."""


def cost(
    network: nn.Module | Sequence[Mapping[str, Any]],
    chip: Chip | str | Mapping[str, Any],
    example: object = None,
    *,
    input_shape: Sequence[int] | None = None,
    mode: str | None = None,
    mapping: Literal["one-layer", "packed"] | None = None,
    schedule: Literal["pipelined", "layer-serial"] | None = None,
    tile_budget: int | None = None,
    age: Time | None = None,
    digital_layers: Collection[str | type[nn.Module]] | str | type[nn.Module] = (),
) -> ChipCost:
    """Return energy, latency, area and tiles of one inference.

    Args:
        network: a torch network, analog or digital; or matrices, mappings with `name`, `rows`, `columns`, `groups`,
            `positions` and, if it is known, `fill`: outputs of the layer before that the first output needs.
        chip: the name of a described chip, a path to a YAML file, its values, or a `Chip`.
        example: one input or several, of which the first counts; a tuple or mapping for a network of several inputs.
        input_shape: in place of an example, the shape of one input.
        mode: how the chip reads; None for the mode that its accuracies belong to.
        mapping: `one-layer` or `packed`; None for what the chip has.
        schedule: `pipelined` or `layer-serial`; None for what the chip has.
        tile_budget: tiles that copies of busy layers may fill, so that throughput rises; None for what the chip has.
        age: time since programming, in seconds or a text such as `1 month`, as conductances drift; None for the time
            that the constants belong to. It needs `hardware` in the description.
        digital_layers: as in `to_analog`, for a digital network.

    Raises:
        ValueError: for a network that does not fit on the chip, an unknown chip, mode, mapping or schedule, or inputs
            that the network cannot run on.
        TypeError: for an argument of another type.

    Example:
        >>> layer = {"name": "layer", "rows": 2016, "columns": 224, "groups": 1, "positions": 1}
        >>> found = cost([layer], "hermes-64core", mode="one-phase")
        >>> found.tiles_used, round(found.energy_uj, 2), round(found.latency_us, 2)
        (8, 0.97, 1.13)
    """
    described = chip_of(chip)
    if tile_budget is not None:
        tile_budget = whole("tile_budget", tile_budget, least=1)
    mode = described.mode if mode is None else one_of("mode", mode, described.modes)
    use = ChipUse(
        described,
        mode,
        described.mapping if mapping is None else one_of("mapping", mapping, ("one-layer", "packed")),
        described.schedule
        if schedule is None
        else one_of("schedule", schedule, ("pipelined", "layer-serial")),
        described.tile_budget if tile_budget is None else tile_budget,
        1.0 if age is None else _conductance(described, seconds("age", age), mode),
    )
    if use.tile_budget is not None and use.mapping == "packed":
        raise ValueError(
            "`tile_budget` must be left out where layers share tiles: `mapping` packed makes no copies"
        )
    most = described.tiles
    if use.tile_budget is not None and most is not None and use.tile_budget > most:
        raise ValueError(
            f"`tile_budget` must be at most the {most} tiles of {described.name}, got {use.tile_budget}"
        )
    digital: tuple[DigitalLayer, ...] = ()
    notes: tuple[str, ...] = ()
    if isinstance(network, Sequence):
        if example is not None or input_shape is not None:
            raise ValueError("`example` must be left out for matrices, which have their positions")
        names, nodes, notes = nodes_of(network)
        activations = 0
    else:
        from hwsim.chip_cost.network_nodes import network_nodes

        traced = network_nodes(network, example, input_shape, described.tile, digital_layers)
        names, nodes, digital = traced.names, traced.nodes, traced.digital
        activations = traced.largest_activations
        notes = traced.notes
    costs = NetworkCosts(Workload.of([nodes]), use)
    _require_countable(costs)
    found = ChipCost(names, costs, digital, _excluded(costs, digital), notes)
    _require_fit(found, activations)
    return found


def _conductance(chip: Chip, age_s: float, mode: str) -> float:
    from hwsim.chip_cost.conductance import conductance_ratio  # which needs torch

    return conductance_ratio(chip, age_s, mode)


def _excluded(costs: NetworkCosts, digital: Sequence[DigitalLayer]) -> tuple[str, ...]:
    """Return what the chip's description leaves out, of what this network does."""
    chip, work = costs.use.chip, costs.work
    operations, macs = int(work.operations.sum()), sum(layer.macs for layer in digital)
    split = bool((costs.counts.row_blocks > 1).any())
    missing = {
        "scale and offset of outputs": chip.digital.output is None,
        "additions of partial sums": split and chip.digital.addition is None and chip.digital.output is None,
        f"{operations:,} digital operations between layers": operations > 0
        and chip.digital.operation is None,
        f"{macs:,} MACs of digital layers": macs > 0 and chip.digital.mac is None,
        "buffers": chip.buffer.read is None and chip.buffer.write is None,
        "links": chip.link.hop is None,
        "idle and static power": chip.static is None and chip.digital.idle is None,
        f"time of {macs:,} MACs of digital layers": macs > 0,
        "time of digital units and links": chip.digital.clock is None,
    }
    said = (*chip.excluded, *(what for what, is_missing in missing.items() if is_missing))
    return (
        *said,
        "norms, activation functions, softmax and look-ups that no output unit computes",
        "time of digital steps between layers",
        "input and output of the chip, calibration",
    )


def _require_countable(costs: NetworkCosts) -> None:
    """Raise ValueError for a network whose tiles cannot be listed, or whose energy leaves whole femtojoules."""
    layers, tiles = costs.layers, costs.counts.tiles.astype(np.float64)
    n_tiles = float((tiles * layers.copies).sum())
    if n_tiles > MOST_TILES:
        raise ValueError(f"the network must take at most {MOST_TILES:,} tiles, got {n_tiles:,.0f}")
    femtojoules = float((tiles * layers.copies * layers.positions).sum()) * tile_energy_fj(
        costs.use.chip, costs.use.mode
    )
    if femtojoules > MOST_FJ:
        raise ValueError(
            f"an inference must take less than {MOST_FJ / FEMTO:,.0f} J, got about {femtojoules / FEMTO:.3g} J: are "
            "`positions` those of one inference?"
        )


def _require_fit(cost: ChipCost, activations: int) -> None:
    chip, use = cost.costs.use.chip, cost.costs.use
    available, used = chip.tiles, cost.tiles_used
    if use.tile_budget is not None and use.tile_budget < used:
        raise ValueError(
            f"`tile_budget` must be at least the {used} tiles of one copy, got {use.tile_budget}"
        )
    if available is not None and used > available:
        largest = sorted((row for row in cost.rows if row.tiles), key=lambda row: -row.tiles)[:3]
        most = ", ".join(f"`{row.name}` {row.tiles}" for row in largest)
        remedy = "take a smaller network or a larger chip"
        may_fit = use.mapping == "one-layer" and cost.tiles_lower_bound <= available
        if may_fit and cost.tiles_packed <= available:
            remedy = f"packed, it takes {cost.tiles_packed} (`mapping: packed`)"
        raise ValueError(
            f"`tiles` of {chip.name} must hold the network, which needs {used} of {chip.tile.rows} × "
            f"{chip.tile.columns}: {used - available} of {available} are missing; most need {most}; {remedy}"
        )
    capacity = chip.buffer.capacity
    if capacity is not None and activations * chip.modes[use.mode].input_bits > capacity.si:
        need = math.ceil(activations * chip.modes[use.mode].input_bits / 8)
        raise ValueError(
            f"`buffer.capacity` must hold the activations of every layer, {need:,} B, got {capacity.value}"
        )
