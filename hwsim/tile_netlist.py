"""The devices of a tile as a netlist for ngspice, and the currents that it must give.

Each device is a resistor between its row and its bit line: ``g⁺`` on one line of a column, ``g⁻`` on the other. Rows are
driven by voltages ``u · v_read``, u from -1 to 1; bit lines end in sources of 0 V, which measure their currents:

    y_i = (I⁺_i - I⁻_i) / (v_read (g_max - g_min)),   in fully-on products, what the ADC gets

With `wire_ohm`, each bit line has that resistance between neighbouring cells, the first row next to the converter.
Resistances of rows, capacitances, converters and noise are left out.

References:
    Vogt et al., Ngspice User's Manual, version 39, 2023 (netlists, `.op`, `.control`).
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

READ_VOLTS: Final = 0.2
"""Voltage of a fully-on input, small enough not to disturb the devices of the measured technologies."""
ANALYSIS_S: Final = 600
"""Longest time that ngspice is given."""
_CURRENT: Final = re.compile(r"^i\(v([pm])(\d+)\) = (\S+)$", re.MULTILINE)


@final
@dataclass(frozen=True)
class TileNetlist:
    """One tile with its inputs.

    Attributes:
        pair_us: `(2, rows, columns)` conductances, µS, g⁺ first; 0 for a device that is not connected.
        inputs: `(rows,)` from -1 to 1.
        span_us: conductance of a fully-on weight, g_max - g_min, µS.
        wire_ohm: resistance of a bit line between neighbouring cells, 0 for none.
        v_read: voltage of a fully-on input.
        title: first line of the netlist.
    """

    pair_us: npt.NDArray[np.float64]
    inputs: npt.NDArray[np.float64]
    span_us: float
    wire_ohm: float = 0.0
    v_read: float = READ_VOLTS
    title: str = "tile"

    @classmethod
    def of(
        cls,
        pair_us: torch.Tensor,
        inputs: Sequence[float],
        span_us: float,
        wire_ohm: float = 0.0,
        title: str = "tile",
    ) -> TileNetlist:
        """Return the netlist of `pair_us` `(2, rows, columns)`, µS, for `inputs` `(rows,)`.

        Raises:
            ValueError: for inputs of another number, or beyond -1 to 1.
        """
        driven = np.asarray(inputs, dtype=np.float64)
        if driven.shape != (pair_us.shape[1],) or not bool((np.abs(driven) <= 1).all()):
            raise ValueError(f"`inputs` must be {pair_us.shape[1]} numbers from -1 to 1, got {driven.shape}")
        return cls(pair_us.double().cpu().numpy(), driven, span_us, wire_ohm, title=title)

    @property
    def outputs(self) -> npt.NDArray[np.float64]:
        """What ideal wires give, `(columns,)`, in fully-on products."""
        return np.asarray(self.inputs @ (self.pair_us[0] - self.pair_us[1]) / self.span_us)

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
                for row in np.flatnonzero(self.pair_us[line, :, column] > 0):
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


def has_ngspice() -> bool:
    """Return whether `ngspice` is installed."""
    return shutil.which("ngspice") is not None


def simulate(path: Path, netlist: TileNetlist) -> npt.NDArray[np.float64]:
    """Return what ngspice makes of a netlist in a file, `(columns,)`, in fully-on products.

    Raises:
        ValueError: when ngspice fails, or gives no number for a column.
    """
    done = subprocess.run(
        ["ngspice", "-b", str(path)], capture_output=True, text=True, check=False, timeout=ANALYSIS_S
    )
    currents = np.full((2, netlist.pair_us.shape[2]), math.nan)
    for which, column, value in _CURRENT.findall(done.stdout):
        currents["pm".index(which), int(column)] = float(value)
    if not bool(np.isfinite(currents).all()):
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ValueError(f"ngspice gave no current for {path.name}: {said[-1] if said else 'no message'}")
    return np.asarray((currents[0] - currents[1]) / (netlist.v_read * netlist.span_us * 1e-6))


def solve(path: Path, netlist: TileNetlist) -> npt.NDArray[np.float64]:
    """Return what Kirchhoff's laws make of the resistors and sources in a file, as `simulate` does, without ngspice."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import spsolve

    fixed: dict[str, float] = {"0": 0.0}
    sources: dict[str, str] = {}
    resistors: list[tuple[str, str, float]] = []
    for line in path.read_text(encoding="utf-8").split(".op")[0].splitlines():
        if line.startswith("v"):
            name, node, _, _, volts = line.split()
            fixed[node], sources[name] = float(volts), node
        elif line.startswith("r"):
            _, one, other, ohm = line.split()
            resistors.append((one, other, 1.0 / float(ohm)))
    free: dict[str, int] = {}
    for one, other, _ in resistors:
        for node in (one, other):
            if node not in fixed:
                free.setdefault(node, len(free))
    entries: list[tuple[int, int, float]] = []
    driven = np.zeros(len(free))
    for pair in resistors:
        for one, other in (pair[:2], pair[1::-1]):
            if one in free:
                entries.append((free[one], free[one], pair[2]))
                if other in free:
                    entries.append((free[one], free[other], -pair[2]))
                else:
                    driven[free[one]] += pair[2] * fixed[other]
    volts = dict(fixed)
    if free:
        row, column, value = zip(*entries, strict=True)
        matrix = coo_matrix((value, (row, column)), shape=(len(free), len(free))).tocsc()
        volts |= dict(zip(free, np.atleast_1d(spsolve(matrix, driven)).tolist(), strict=True))
    into: dict[str, float] = dict.fromkeys(fixed, 0.0)
    for one, other, siemens in resistors:
        for node, far in ((one, other), (other, one)):
            if node in into:
                into[node] += siemens * (volts[far] - volts[node])
    columns = range(netlist.pair_us.shape[2])
    found = [into[sources[f"vp{column}"]] - into[sources[f"vm{column}"]] for column in columns]
    return np.asarray(found) / (netlist.v_read * netlist.span_us * 1e-6)
