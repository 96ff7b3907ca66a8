"""What a circuit simulator makes of the netlist of a tile, to be compared with what `hwsim` computes for the tile.

ngspice runs the file as it is. Where it is not installed, the file's resistors and sources are solved by Kirchhoff's
laws: the potentials v of all nodes that no source holds follow from G v = i, where G are the conductances between nodes
and i the currents from nodes that a source holds.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hwsim.netlist import TileNetlist
from hwsim.optional_library import needs

ANALYSIS_S: Final = 600
"""Longest time that ngspice is given, s."""
_CURRENT: Final = re.compile(r"^i\(v([pm])(\d+)\) = (\S+)$", re.MULTILINE)


def has_ngspice() -> bool:
    """Return whether `ngspice` is installed."""
    return shutil.which("ngspice") is not None


def simulate(path: Path, netlist: TileNetlist) -> npt.NDArray[np.float64]:
    """Return what ngspice makes of a netlist in a file, `(columns,)`, in fully-on products.

    Raises:
        ValueError: when ngspice fails, takes longer than `ANALYSIS_S`, or gives no number for a column.
    """
    try:
        done = subprocess.run(
            ["ngspice", "-b", str(path)], capture_output=True, text=True, check=False, timeout=ANALYSIS_S
        )
    except subprocess.TimeoutExpired:
        raise ValueError(
            f"ngspice must end within {ANALYSIS_S} s, and still computed {path.name} then: take a smaller tile"
        ) from None
    currents = np.full((2, netlist.pair_us.shape[2]), math.nan)
    for which, column, value in _CURRENT.findall(done.stdout):
        currents["pm".index(which), int(column)] = float(value)
    if not bool(np.isfinite(currents).all()):
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ValueError(f"ngspice gave no current for {path.name}: {said[-1] if said else 'no message'}")
    return np.asarray((currents[0] - currents[1]) / (netlist.v_read * netlist.span_us * 1e-6))


def solve(path: Path, netlist: TileNetlist) -> npt.NDArray[np.float64]:
    """Return what Kirchhoff's laws make of the resistors and sources in a file, as `simulate` does, without ngspice."""
    needs("scipy", "solving a netlist")
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
    potential = dict(fixed)
    if free:
        table = np.array(entries, dtype=np.float64)
        places = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
        matrix = coo_matrix((table[:, 2], places), shape=(len(free), len(free))).tocsc()
        potential |= dict(zip(free, np.atleast_1d(spsolve(matrix, driven)).tolist(), strict=True))
    into: dict[str, float] = dict.fromkeys(fixed, 0.0)
    for one, other, siemens in resistors:
        for node, far in ((one, other), (other, one)):
            if node in into:
                into[node] += siemens * (potential[far] - potential[node])
    columns = range(netlist.pair_us.shape[2])
    found = [into[sources[f"vp{column}"]] - into[sources[f"vm{column}"]] for column in columns]
    return np.asarray(found) / (netlist.v_read * netlist.span_us * 1e-6)
