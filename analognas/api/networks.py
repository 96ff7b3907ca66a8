"""Found networks to take away, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hwsim
from analognas.config.from_python import given_objects
from analognas.progress.observer import Observer, Silent
from analognas.record.directory import RunDirectory
from analognas.runs.export import export
from analognas.runs.taken_up import chips_of_files, network_of_files

if TYPE_CHECKING:
    from analognas.export.standardised import Standardised


def export_network(
    path: str | Path,
    out: str | Path,
    formats: Sequence[str] | None = None,
    *,
    trial: int | None = None,
    chips: int = 1,
    chip_seed: int | None = None,
    tile: str = "",
    chip: hwsim.Chip | str | None = None,
    force: bool = False,
    observer: Observer | None = None,
    **objects: Any,
) -> list[Path]:
    """Write the network of a run or an architecture.json, load each file again and compare it, and return the files.

    Args:
        path: a run directory, or an architecture.json; a network without weights beside that is trained first.
        out: the folder.
        formats: `analognas export DIR --format help` lists them; None: those that are written by default.
        trial: whose network of a run directory; None: the best one.
        chips: how many chips `conductances` writes.
        chip_seed: of the chips; None: that of the run.
        tile: the tile of `spice`, `LAYER` or `LAYER:NUMBER`; empty for the smallest one.
        chip: a described chip that must hold the network, its name or a YAML file; None: that of the run, if any.
        force: replace files that are there.
        observer: hears of a training, and what each format keeps and loses; None: nobody is.
        objects: `task` and `space` of a run that began with Python objects.

    Raises:
        UserError: for an unknown format, one whose package is not installed, a file that is there already, or a run
            that has not ended.
    """
    return export(
        RunDirectory(Path(path), given_objects(objects)),
        out,
        formats,
        trial=trial,
        chips=chips,
        chip_seed=chip_seed,
        tile=tile,
        chip=chip,
        force=force,
        observer=observer or Silent(),
    )


def load_network(path: str | Path, weights: str | Path | None = None, **objects: Any) -> Standardised:
    """Return a trained network from its files, a torch module in evaluation mode: raw inputs to logits.

    `.network` inside takes standardised inputs, as `run.network()` does. No code of the files is run.

    Args:
        path: an architecture.json, a `best/` folder or a run directory.
        weights: a model.safetensors; None: the one beside the architecture.
        objects: `task` and `space` of a run that began with Python objects.

    Raises:
        UserError: when a file is missing or of a newer version, or the weights do not fit the architecture.
    """
    return network_of_files(Path(path), _path(weights), given_objects(objects))


def load_chips(
    path: str | Path, conductances: str | Path, weights: str | Path | None = None, **objects: Any
) -> hwsim.Chips:
    """Return the chips that a file of the export format `conductances` holds: standardised inputs to logits.

    Args:
        path: an architecture.json, a `best/` folder or a run directory.
        conductances: the file; its values may have been measured since it was written.
        weights: a model.safetensors; None: the one beside the architecture.
        objects: `task` and `space` of a run that began with Python objects.

    Raises:
        UserError: when a file is missing, or the conductances belong to another network.
    """
    return chips_of_files(Path(path), _path(weights), Path(conductances), given_objects(objects))


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
