"""`conductances`: g⁺ and g⁻ of every tile for each chip asked for, and all else that programs a chip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from analognas.export.artefact import Artefact, Format
from analognas.export.error import ExportError
from analognas.export.formats.json_file import write_json

if TYPE_CHECKING:
    import hwsim

_MATRICES: Final = "conductances.safetensors"
_DESCRIPTION: Final = "conductances.json"


def programmed(artefact: Artefact) -> hwsim.Chips:
    """Return the chips that an export asks for.

    Raises:
        ExportError: when the network is not on tiles, or a described chip cannot hold it.
    """
    import hwsim

    return hwsim.program(artefact.fits, artefact.chips.n, artefact.chips.seed)


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    import hwsim

    description = hwsim.save_conductances(programmed(artefact), folder / _MATRICES)
    write_json(description, folder / _DESCRIPTION)
    return (folder / _MATRICES, folder / _DESCRIPTION)


def _check(artefact: Artefact, folder: Path) -> str:
    import torch

    import hwsim

    chips = programmed(artefact)
    assert artefact.net is not None
    try:
        loaded = hwsim.load_conductances(artefact.net, folder / _MATRICES)
    except ValueError as error:
        raise ExportError(f"{_MATRICES} must read back: {error}") from None
    for layer in chips.layers:
        if not torch.equal(loaded.conductances(layer), chips.conductances(layer)):
            raise ExportError(f"{_MATRICES} held other conductances of `{layer}` when it was loaded again")
    tiles = sum(len(layer.mapping.tiles) for layer in chips.layers.values())
    return f"g⁺ and g⁻ of {len(chips)} chips on {tiles} matrices are the same, bit for bit"


CONDUCTANCES: Final = Format(
    "conductances.safetensors and .json: g⁺ and g⁻ in µS of every tile, for --chips chips",
    _write,
    by_default=False,
    files=(_MATRICES, _DESCRIPTION),
    keeps="targets and programmed conductances, input ranges, column scales, biases, tile geometry",
    loses="digital layers, which model.safetensors has; drift, which the device model draws again",
    check=_check,
)
