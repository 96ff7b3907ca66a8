"""Networks to take away: that of a run, of one of its trials, or of an architecture.json, in any format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

import hwsim
from analognas.compose import final_task
from analognas.config.chip_section import other_tiles
from analognas.config.loader import load_run_config
from analognas.errors import Argument, UserError
from analognas.evaluation.prepared import prepare
from analognas.export import Artefact, ChipRequest, known_formats, require_free, write_formats
from analognas.export.python_source import Description
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, open_run, read_result
from analognas.runs.any_trial import artefact_of_trial
from analognas.runs.architecture_file import Architecture, read_architecture
from analognas.runs.best_network import artefact_of, best_artefact, fit_on, measured
from analognas.runs.stored_ranges import on_tiles_as_stored
from analognas.runs.validate import trained_network
from hwsim.chip_cost.chip_files import chip_of

MOST_CHIPS: Final = 1000


def export(
    place: RunDirectory,
    out: str | Path,
    formats: Sequence[str] | None,
    *,
    trial: int | None,
    chips: int,
    chip_seed: int | None,
    tile: str,
    chip: hwsim.Chip | str | None,
    force: bool,
    observer: Observer,
) -> list[Path]:
    """Write a network in the formats asked for, load each again, and return the files.

    Args:
        place: a run directory, or the path of an architecture.json; a network without weights beside that is trained.
        out: the folder.
        formats: names or aliases of formats; None: those that are written by default.
        trial: whose network of a run; None: the best one.
        chips: how many chips the formats of programmed chips write.
        chip_seed: what they are drawn with; None: that of the run, with which chip k is the k-th of its figures.
        tile: the tile of a netlist, `LAYER` or `LAYER:NUMBER`; empty for the smallest one.
        chip: a described chip that must hold the network, on tiles like those of its hardware, its name or a YAML file;
            None: that of the run, if any.
        force: replace files that are there.
        observer: hears of a training, and what each format keeps, loses and how it compares.

    Raises:
        UserError: for an unknown format, one whose package is missing, a file that is there already, a run that has not
            ended, or a value that does not fit.
    """
    if isinstance(formats, str) or (formats is not None and not formats):
        raise UserError(f"`formats` must be a list of names of formats, got {formats!r}")
    names = known_formats(formats)
    request = _checked(chips, chip_seed, tile)
    described = _described(chip)
    if trial is not None and place.path.is_file():
        raise UserError(Argument("trial"), f" is for a run directory, {place.path} is a file; leave it out")
    require_free(names, Path(out), force=force)  # before a network is trained
    if place.path.is_file():
        architecture = read_architecture(place.path, place.objects)
        _require_tiles(described, architecture.content.hardware)
        artefact = artefact_of_file(architecture, observer)
    else:
        run = open_run(place.path, place.objects)
        if described is not None:
            _require_tiles(described, load_run_config(run)[0].hardware)
        artefact = best_artefact(run) if trial is None else artefact_of_trial(run, trial, observer)
    if described is not None:
        artefact = fit_on(artefact, described)
    seed = artefact.chips.seed if chip_seed is None else request.seed
    artefact = replace(artefact, chips=replace(request, seed=seed))
    return write_formats(artefact, names, Path(out), force=force, tell=observer.stage)


def artefact_of_file(architecture: Architecture, observer: Observer) -> Artefact:
    """Return the network of an architecture.json as exporters want it.

    Raises:
        UserError: when its data are missing, or the weights beside it do not fit.
    """
    content, path = architecture.content, architecture.path
    torch.set_num_threads(content.threads)
    task = content.task.build()
    if task.fingerprint != content.data_sha256:
        observer.stage("note: the data are not those the network was trained on")
    prepared = final_task(prepare(task, content.training.augmentation.augmentation()), content.final)
    network, learned = trained_network(architecture, prepared, observer)
    try:
        analog = on_tiles_as_stored(network, prepared, content.hardware, content.hardware, learned)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    notes = [f"from {path.name}, task {task.name}, hardware {hwsim.label(content.hardware)}"]
    with suppress(OSError, ValueError):  # the file alone is enough
        notes.append(measured(read_result(path.parent).network))
    return artefact_of(
        network,
        analog,
        task,
        prepared,
        Description(name=architecture.name, class_names=task.class_names, notes=notes),
        architecture=json.loads(path.read_text(encoding="utf-8")),
        hardware=content.hardware,
        chip=content.chip,
        seed=content.seed,
    )


def _checked(chips: int, chip_seed: int | None, tile: str) -> ChipRequest:
    if type(chips) is not int or not 1 <= chips <= MOST_CHIPS:
        raise UserError(Argument("chips"), f" must be a whole number from 1 to {MOST_CHIPS}, got {chips!r}")
    if chip_seed is not None and (type(chip_seed) is not int or chip_seed < 0):
        raise UserError(
            Argument("chip_seed", "chip-seed"), f" must be a whole number from 0 on, got {chip_seed!r}"
        )
    if not isinstance(tile, str):
        raise UserError(Argument("tile"), f" must be a text such as conv1:0, got {tile!r}")
    return ChipRequest(chips, chip_seed or 0, tile)


def _require_tiles(chip: hwsim.Chip | None, hardware: hwsim.Hardware) -> None:
    """Raise UserError where a chip is described and has other tiles than the network was found for."""
    other = "" if chip is None else other_tiles(chip, hardware)
    if other:
        raise UserError(
            Argument("chip"),
            f": {other}: name a chip with such tiles, or search again with this one as `chip`",
        )


def _described(chip: hwsim.Chip | str | None) -> hwsim.Chip | None:
    try:
        return None if chip is None else chip_of(chip)
    except (TypeError, ValueError) as error:
        raise UserError(Argument("chip"), f": {error}") from None
