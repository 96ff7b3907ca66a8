"""Circuit simulators on one tile: a program in place of ngspice, and a circuit that can be computed by hand."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.circuit_check import simulate, solve
from hwsim.netlist import TileNetlist

NETLIST = TileNetlist(np.array([[[10.0], [5.0]], [[0.0], [20.0]]]), np.array([1.0, -0.5]), span_us=25.0)


def test_a_column_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "tile.cir"
    path.write_text(NETLIST.text())
    by_hand = (10 * 1.0 + 5 * -0.5 - 20 * -0.5) / 25
    np.testing.assert_allclose(solve(path, NETLIST), [by_hand], rtol=1e-6)
    np.testing.assert_allclose(NETLIST.outputs, [by_hand], rtol=1e-6)


def test_currents_are_read_from_what_ngspice_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _in_place_of_ngspice(tmp_path, "echo 'i(vp0) = 1.5e-6'; echo 'i(vm0) = -2.0e-6'", monkeypatch)
    np.testing.assert_allclose(simulate(tmp_path / "tile.cir", NETLIST), [3.5 / (0.2 * 25.0)])


def _in_place_of_ngspice(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "ngspice"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_simulator_that_does_not_end_or_says_nothing_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tile.cir"
    path.write_text(NETLIST.text())
    monkeypatch.setattr("hwsim.circuit_check.ANALYSIS_S", 0.2)
    _in_place_of_ngspice(tmp_path, "exec sleep 20", monkeypatch)
    with pytest.raises(ValueError, match=r"^ngspice must end within 0\.2 s, and still computed tile\.cir"):
        simulate(path, NETLIST)
    monkeypatch.setattr("hwsim.circuit_check.ANALYSIS_S", 20)
    _in_place_of_ngspice(tmp_path, "echo no convergence >&2", monkeypatch)
    with pytest.raises(ValueError, match=r"^ngspice gave no current for tile\.cir: no convergence$"):
        simulate(path, NETLIST)
