"""Energy of one inference, layer by layer, in whole femtojoules: parts sum to the whole exactly, in any order.

With `P` positions, `T` tiles, and rows, columns and cells that are powered (`gating`) summed over the tiles::

    crossbar      P cells e_cell          DAC  P rows e_row          ADC  P columns e_column
    digital       P (columns_in_use e_output + columns (blocks - 1) e_add) + operations e_op
    buffers       P (rows b_in e_read + columns b_out e_write)
    interconnect  P columns b_out (hops + blocks - 1) e_hop

where columns_in_use counts a column once for each tile that adds to it. The energy of the array follows the mean
conductance, which drifts: `conductance` is its ratio to the conductance that `e_cell` belongs to.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hwsim.chip_cost.counts import TileCounts
from hwsim.chip_cost.description import Chip
from hwsim.chip_cost.layers import Layers
from hwsim.chip_cost.quantity import Constant
from hwsim.chip_cost.workload import Workload

Integers = npt.NDArray[np.int64]

PARTS: Final = ("crossbar", "dac", "adc", "digital", "buffers", "interconnect")
"""What the energy of a node is split into; the static part belongs to the whole chip."""

FEMTO: Final = 1e15


def layer_energies(
    layers: Layers, counts: TileCounts, chip: Chip, mode: str, conductance: float = 1.0
) -> dict[str, Integers]:
    """Return the energy of each part and layer for one inference, all copies, `(layers,)` fJ."""
    energy, bits_in = chip.modes[mode].energy, chip.modes[mode].input_bits
    bits_out = chip.modes[mode].output_bits
    rows, columns, cells = powered(counts, chip)
    digital, buffer, link = chip.digital, chip.buffer, chip.link
    more = counts.row_blocks - 1
    read, write, hop = (_si(one) for one in (buffer.read, buffer.write, link.hop))
    each_time: dict[str, npt.NDArray[Any]] = {
        "crossbar": cells * (energy.cell.si * conductance),
        "dac": rows * energy.row.si,
        "adc": columns * energy.column.si,
        "digital": np.add(
            counts.columns * _si(digital.output), layers.columns * more * _si(digital.addition)
        ),
        "buffers": np.add(layers.rows * (bits_in * read), layers.columns * (bits_out * write)),
        "interconnect": layers.columns * (bits_out * hop) * (link.hops + more),
    }
    times = layers.positions * layers.copies
    return {part: times * _femto(joules) for part, joules in each_time.items()}


def step_energies(work: Workload, chip: Chip) -> Integers:
    """Return the energy of the digital operations of each node, `(networks, nodes)` fJ."""
    return np.asarray(work.copies * _femto(work.operations * _si(chip.digital.operation)), dtype=np.int64)


def powered(counts: TileCounts, chip: Chip) -> tuple[Integers, Integers, Integers]:
    """Return rows, columns and cells that a multiplication powers, summed over the tiles of each layer."""
    tile, all_rows = chip.tile, chip.gating in ("none", "columns")
    all_columns = chip.gating in ("none", "rows")
    rows = counts.tiles * tile.rows if all_rows else counts.rows
    columns = counts.tiles * tile.columns if all_columns else counts.columns
    if all_rows and all_columns:
        cells = counts.tiles * tile.rows * tile.columns
    elif all_columns:
        cells = counts.rows * tile.columns
    elif all_rows:
        cells = counts.columns * tile.rows
    else:
        cells = counts.cells
    return rows, columns, cells


def tile_energy_fj(chip: Chip, mode: str) -> int:
    """Return the energy of one multiplication of a tile that is fully used, fJ."""
    energy, tile = chip.modes[mode].energy, chip.tile
    joules = (
        tile.rows * energy.row.si
        + tile.columns * energy.column.si
        + tile.rows * tile.columns * energy.cell.si
    )
    return round(joules * FEMTO)


def static_energy(watts: npt.ArrayLike, picoseconds: npt.ArrayLike) -> Integers:
    """Return power times time, fJ."""
    return np.asarray(np.rint(np.asarray(watts) * np.asarray(picoseconds) * 1e3), dtype=np.int64)


def _si(constant: Constant | None) -> float:
    return 0.0 if constant is None else constant.si


def _femto(joules: npt.NDArray[Any]) -> Integers:
    return np.asarray(np.rint(joules * FEMTO), dtype=np.int64)
