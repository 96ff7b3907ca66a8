"""`spice`: one tile of the first chip as a netlist for ngspice, with the outputs that it must give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from analognas.errors import Argument
from analognas.export.artefact import Artefact, Format
from analognas.export.error import ExportError
from analognas.export.formats.conductances import programmed
from analognas.export.formats.json_file import write_json

if TYPE_CHECKING:
    from hwsim import Chips, TileNetlist

_NETLIST: Final = "tile.cir"
_OUTPUTS: Final = "tile.json"
TOLERANCE: Final = 0.01
"""Largest difference from `hwsim`, as a share of the largest output."""


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    netlist, layer, tile = _netlist(artefact)
    (folder / _NETLIST).write_text(netlist.text(), encoding="utf-8")
    content = {
        "layer": layer,
        "tile": tile,
        "chip_seed": artefact.chips.seed,
        "v_read": netlist.v_read,
        "span_us": netlist.span_us,
        "wire_ohm": netlist.wire_ohm,
        "inputs": netlist.inputs.tolist(),
        "outputs": netlist.outputs.tolist(),
    }
    write_json(content, folder / _OUTPUTS)
    return (folder / _NETLIST, folder / _OUTPUTS)


def _check(artefact: Artefact, folder: Path) -> str:
    import numpy as np

    from hwsim.circuit_check import has_ngspice, simulate, solve

    netlist = _netlist(artefact)[0]
    by_ngspice = has_ngspice()
    try:
        found = (simulate if by_ngspice else solve)(folder / _NETLIST, netlist)
    except ValueError as error:
        raise ExportError(str(error)) from None
    expected = netlist.outputs
    full = max(float(np.abs(expected).max()), 1e-9)
    largest = float(np.abs(found - expected).max()) / full
    if not largest <= TOLERANCE:
        raise ExportError(
            f"{_NETLIST} must give the outputs of hwsim within {100 * TOLERANCE:g} % of the largest, differed by "
            f"{100 * largest:.2g} %: the model of the IR drop is not good for bit lines as long as these"
        )
    by = "ngspice" if by_ngspice else "Kirchhoff's laws (ngspice is not installed)"
    return f"{len(expected)} outputs by {by} differ by at most {100 * largest:.1g} % of the largest"


def _netlist(artefact: Artefact) -> tuple[TileNetlist, str, int]:
    import hwsim

    chips = programmed(artefact)
    layer, tile = _chosen(chips, artefact.chips.tile)
    try:
        return hwsim.tile_netlist(chips, layer, tile), layer, tile
    except ValueError as error:
        raise ExportError(str(error)) from None


def _chosen(chips: Chips, wanted: str) -> tuple[str, int]:
    """Return layer and number of the tile that was asked for, else of the one with the fewest devices."""
    sizes = {
        (name, number): (tile.row1 - tile.row0) * (tile.col1 - tile.col0)
        for name, layer in chips.layers.items()
        for number, tile in enumerate(layer.mapping.tiles)
    }
    if not wanted:
        return min(sizes, key=lambda key: sizes[key])
    layer, _, number = wanted.partition(":")
    found = (layer, int(number or 0)) if (number or "0").isdecimal() else None
    if found not in sizes:
        counts = [f"{name} (tiles 0 to {len(one.mapping.tiles) - 1})" for name, one in chips.layers.items()]
        raise ExportError(
            Argument("tile"), f" must be LAYER or LAYER:NUMBER of {', '.join(counts)}; got {wanted!r}"
        )
    return found


SPICE: Final = Format(
    "tile.cir: one tile of the first chip for ngspice, named with --tile",
    _write,
    by_default=False,
    files=(_NETLIST, _OUTPUTS),
    keeps="every device of the tile as a resistor, the bit lines' resistance, inputs and expected outputs",
    loses="converters, noise, drift, the other tiles",
    check=_check,
)
