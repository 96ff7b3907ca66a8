"""`aihwkit`: the network as source for aihwkit, with its configuration and input ranges."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from analognas.export.artefact import Artefact, Format, Requirement
from analognas.export.error import ExportError
from analognas.export.formats.model_py import MODEL_PY

if TYPE_CHECKING:
    from torch import Tensor

_FILE: Final = "model_aihwkit.py"
TOLERANCE: Final = 0.1
"""Largest difference of logits without noise, as a share of the largest: sums in another order move some by steps of
the ADC."""


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.peer_source import peer_source
    from hwsim.conversion import require_analog
    from hwsim.interop.aihwkit_settings import aihwkit_settings

    net = artefact.on_tiles
    written = MODEL_PY.write(artefact, folder)
    settings, lost = aihwkit_settings(next(iter(require_analog(net).values())).hardware)
    path = folder / _FILE
    path.write_text(peer_source(artefact.model, net, "aihwkit", settings, lost), encoding="utf-8")
    return (path, *written)


def _check(artefact: Artefact, folder: Path) -> str:
    import torch

    from analognas.export.formats.model_py import imported
    from analognas.export.peer_source import no_bytecode

    with warnings.catch_warnings(), torch.no_grad(), no_bytecode():
        warnings.simplefilter("ignore")
        peer = imported(folder / _FILE).load()
        for module in peer.modules():
            tiles = getattr(module, "rpu_config", None)
            if tiles is not None:
                tiles.forward.out_noise = tiles.forward.inp_noise = 0.0
        found = peer(artefact.example[0])
    return require_like_hwsim(_FILE, artefact, found, "aihwkit")


def require_like_hwsim(file: str, artefact: Artefact, found: Tensor, package: str) -> str:
    """Return in words how closely logits without noise agree with those of `hwsim`.

    Raises:
        ExportError: when they differ by more than steps of the ADC explain.
    """
    expected = noise_free(artefact, package)
    if found.shape != expected.shape:
        raise ExportError(f"{file} must give logits {tuple(expected.shape)}, gave {tuple(found.shape)}")
    largest = float((found - expected).abs().max()) / max(1.0, float(expected.abs().max()))
    if not largest <= TOLERANCE:
        raise ExportError(
            f"{file} must give the logits of hwsim without noise, differed by {100 * largest:.2g} % of the largest"
        )
    return (
        f"logits of {len(expected)} inputs without noise differ from hwsim by at most {100 * largest:.1g} %"
    )


def noise_free(artefact: Artefact, package: str) -> Tensor:
    """Return what `hwsim` makes of the example inputs with converters and without noise, the parts that peers share."""
    import torch

    from analognas.export.peer_source import tiled_by
    from hwsim.conversion import analog_layers, copied
    from hwsim.interop.aihwkit import shared_layers
    from hwsim.modules.execution import Execution

    net = copied("net", artefact.on_tiles).eval()
    kept, _, _ = shared_layers(net, tiled_by(package))
    for name, layer in analog_layers(net):
        if name not in kept:
            layer.execution = Execution(digital=True)
    x, _ = artefact.example
    model = artefact.model
    with torch.no_grad():
        logits: Tensor = net((x - model.mean.cpu()) / model.std.cpu())
    return logits


AIHWKIT: Final = Format(
    "model_aihwkit.py and model.py: the network on the tiles of aihwkit",
    _write,
    by_default=False,
    files=(_FILE, *MODEL_PY.files),
    keeps="weights, converters, noise, device, input ranges, as source",
    loses="what aihwkit has no counterpart for, listed in the file",
    check=_check,
    needs=Requirement("aihwkit", 'pip install "analognas[peers]"'),
)
