"""The devices of a tile as a netlist for ngspice, and the outputs that it must give.

Each device is a resistor between its row and its bit line: ``g⁺`` on one line of a column, ``g⁻`` on the other. Rows
are driven by voltages ``u · v_read``, u from -1 to 1; bit lines end in sources of 0 V, which measure their currents:

    y_i = (I⁺_i - I⁻_i) / (v_read (g_max - g_min)),   in fully-on products, what the ADC gets

With `mvm.ir_drop`, each bit line has a resistance between neighbouring cells, the first row next to the converter:
``ir_drop · 0.35 Ω · 5 µS / (g_max - g_min)``, because the model of the IR drop is stated at 5 µS a device. Resistances
of rows, capacitances, converters, noise and currents that bend with the voltage are left out.

References:
    Vogt et al., Ngspice User's Manual, version 39, 2023 (netlists, `.op`, `.control`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from hwsim.arguments import nearest, whole
from hwsim.chips import Chips
from hwsim.disturbance import CELL_US, WIRE_OHM
from hwsim.mvm import Crossbar
from hwsim.tile_matrices import tile_matrix

READ_VOLTS: Final = 0.2
"""Voltage of a fully-on input, small enough not to disturb the devices of the measured technologies."""


@final
@dataclass(frozen=True)
class TileNetlist:
    """One tile with its inputs.

    Attributes:
        pair_us: `(2, rows, columns)` conductances, µS, g⁺ first; 0 for a device that is not connected.
        inputs: `(rows,)` from -1 to 1.
        span_us: conductance of a fully-on weight, g_max - g_min, µS.
        ir_drop: of the hardware, 0 for ideal bit lines.
        v_read: voltage of a fully-on input.
        title: first line of the netlist.
    """

    pair_us: npt.NDArray[np.float64]
    inputs: npt.NDArray[np.float64]
    span_us: float
    ir_drop: float = 0.0
    v_read: float = READ_VOLTS
    title: str = "tile"

    @property
    def wire_ohm(self) -> float:
        """Resistance of a bit line between neighbouring cells, Ω."""
        return self.ir_drop * WIRE_OHM * CELL_US / self.span_us

    @property
    def outputs(self) -> npt.NDArray[np.float64]:
        """What `hwsim` computes for the tile without converters and noise, `(columns,)`, in fully-on products."""
        rows = self.pair_us.shape[1]
        weights = torch.from_numpy((self.pair_us[0] - self.pair_us[1]).T / self.span_us)
        ones = weights.new_ones(len(weights))
        found = Crossbar(None, None, None, 0.0, 0.0, 0.0, self.ir_drop, 0.0).multiply(
            torch.from_numpy(self.inputs).unsqueeze(0),
            weights,
            product=functional.linear,
            channel_dim=-1,
            input_range=weights.new_ones(()),
            gain=ones,
            scale=ones,
            rows_in_use=ones * rows,
            row_position=torch.arange(rows, dtype=weights.dtype) / rows,
            noise=None,
        )
        return np.asarray(found[0])

    def text(self) -> str:
        """Return the netlist: `ngspice -b FILE` prints the current of each bit line, A."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        _, rows, columns = self.pair_us.shape
        yield f"* {self.title}: {rows} rows, {columns} columns, {self.v_read:g} V for a fully-on input"
        yield f"* y = (i(vpN) - i(vmN)) / {self.v_read * self.span_us * 1e-6:.9g} A, in fully-on products"
        yield "* rows"
        for row, value in enumerate(self.inputs):
            yield f"vr{row} r{row} 0 dc {value * self.v_read:.12g}"
        for column in range(columns):
            for line, which in enumerate("pm"):
                yield f"* column {column}, g{'+-'[line]}"
                yield f"v{which}{column} {which}{column} 0 dc 0"
                if self.wire_ohm > 0:
                    for row in range(rows):
                        near = f"{which}{column}" if row == 0 else f"{which}{column}_{row - 1}"
                        yield f"rw{which}{column}_{row} {which}{column}_{row} {near} {self.wire_ohm:.12g}"
                for row in np.flatnonzero(self.pair_us[line, :, column] > 0).tolist():
                    node = f"{which}{column}_{row}" if self.wire_ohm > 0 else f"{which}{column}"
                    ohm = 1e6 / self.pair_us[line, row, column]
                    yield f"r{which}{column}_{row} r{row} {node} {ohm:.12g}"
        yield ".op"
        yield ".control"
        yield "set numdgt=12"
        yield "op"
        for column in range(columns):
            yield f"print i(vp{column})"
            yield f"print i(vm{column})"
        yield "quit"
        yield ".endc"
        yield ".end"


@torch.no_grad()
def tile_netlist(
    chips: Chips,
    layer: str,
    tile: int = 0,
    *,
    chip: int = 0,
    t_s: float | str | None = None,
    inputs: Sequence[float] | None = None,
) -> TileNetlist:
    """Return one tile of one chip with its inputs.

    Args:
        chips: programmed.
        layer: name of an analog layer.
        tile: which of its tiles.
        chip: which of the chips.
        t_s: seconds since programming or a text such as `1 day`; None for what programming left.
        inputs: one for each row in use, from -1 to 1; None draws some from a seed.

    Raises:
        ValueError: for a layer, tile or chip that is not there, devices whose current is not proportional to the
            voltage, or inputs of another number.

    Example:
        >>> from hwsim import preset, program, to_analog
        >>> chips = program(to_analog(torch.nn.Linear(3, 2), preset("ideal-8bit")), n=1)
        >>> tile_netlist(chips, "", inputs=[1.0, 0.0, -0.5]).outputs.shape
        (2,)
    """
    if layer not in chips.layers:
        known = ", ".join(f"`{name}`" for name in chips.layers)
        raise ValueError(f"`layer` must be one of {known}, got {layer!r}{nearest(layer, chips.layers)}")
    mapping = chips.layers[layer].mapping
    tile = whole("tile", tile, least=0, most=len(mapping.tiles) - 1)
    chip = whole("chip", chip, least=0, most=len(chips) - 1)
    if chips.is_nonlinear:
        raise ValueError(
            f"devices must conduct in proportion to the voltage to be resistors, got {type(chips.device).__name__}"
        )
    pair_us = (
        tile_matrix(mapping, tile, chips.conductances(layer, t_s)[chip].flatten(2)).double().cpu().numpy()
    )
    rows = pair_us.shape[1]
    drawn = np.round(np.random.default_rng(0).uniform(-1, 1, rows), 3)
    driven = drawn if inputs is None else np.asarray(inputs, dtype=np.float64)
    if driven.shape != (rows,) or not bool((np.abs(driven) <= 1).all()):
        raise ValueError(f"`inputs` must be {rows} numbers from -1 to 1, got {driven.shape}")
    span_us = chips.device.g_max_us - chips.device.g_min_us
    place = f"tile {tile} of {layer or 'the layer'}, chip {chips.first + chip}"
    ir_drop = chips.layers[layer].hardware.mvm.ir_drop
    return TileNetlist(pair_us, driven, span_us, ir_drop, title=place)
