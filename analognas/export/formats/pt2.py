"""`pt2`: a torch.export program with a free batch size."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

from analognas.export.artefact import Artefact, Format

_FILE: Final = "model.pt2"


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.exported_program import write_program

    write_program(artefact.program, folder / _FILE)
    return (folder / _FILE,)


def _check(artefact: Artefact, folder: Path) -> str:
    import torch

    from analognas.export.comparison import require_same_logits

    x, logits = artefact.example
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        run = torch.export.load(folder / _FILE).module()
        found = torch.cat(
            [run(x[:1].to(artefact.model.mean.device)), run(x[1:].to(artefact.model.mean.device))]
        )
    return require_same_logits(_FILE, found.cpu(), logits)


PT2: Final = Format(
    "model.pt2: a torch.export program",
    _write,
    bundled=True,
    files=(_FILE,),
    keeps="the computation with its weights, for any batch size",
    loses="names of classes and layers as one would write them; tiles, noise and drift",
    check=_check,
)
