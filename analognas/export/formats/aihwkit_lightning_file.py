"""`aihwkit-lightning`: the network as source for aihwkit-lightning, to train it further there."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

from analognas.export.artefact import Artefact, Format, Requirement
from analognas.export.formats.aihwkit_file import require_like_hwsim
from analognas.export.formats.model_py import MODEL_PY

_FILE: Final = "model_aihwkit_lightning.py"


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.peer_source import peer_source
    from hwsim.conversion import require_analog
    from hwsim.interop.lightning_settings import lightning_settings

    net = artefact.on_tiles
    written = MODEL_PY.write(artefact, folder)
    settings, lost = lightning_settings(next(iter(require_analog(net).values())).hardware)
    path = folder / _FILE
    path.write_text(peer_source(artefact.model, net, "aihwkit_lightning", settings, lost), encoding="utf-8")
    return (path, *written)


def _check(artefact: Artefact, folder: Path) -> str:
    import torch

    from analognas.export.formats.model_py import imported
    from analognas.export.peer_source import no_bytecode

    with warnings.catch_warnings(), torch.no_grad(), no_bytecode():
        warnings.simplefilter("ignore")
        found = imported(folder / _FILE).load()(artefact.example[0])
    return require_like_hwsim(_FILE, artefact, found, "aihwkit_lightning")


AIHWKIT_LIGHTNING: Final = Format(
    "model_aihwkit_lightning.py and model.py: the network on the tiles of aihwkit-lightning",
    _write,
    by_default=False,
    files=(_FILE, *MODEL_PY.files),
    keeps="weights, converters, output noise, input ranges, as source",
    loses="devices and drift, and what else the file lists",
    check=_check,
    needs=Requirement("aihwkit_lightning", "pip install --no-deps aihwkit-lightning==2.1.0"),
)
