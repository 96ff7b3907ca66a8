"""The best network of a run as exporters want it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hwsim
from analognas.config.sections import SearchConfig
from analognas.errors import Argument, UserError
from analognas.evaluation.evaluator import chip_seed
from analognas.export import Artefact, ChipRequest
from analognas.export.python_source import Description
from analognas.export.standardised import Standardised
from analognas.metrics import headline
from analognas.record.directory import COST
from analognas.runs.architecture_file import REMEDY, SCHEMA_VERSION, load_weights
from analognas.tasks import Task
from analognas.training.inputs import spread_places

if TYPE_CHECKING:
    from torch import nn

    from analognas.evaluation.prepared import PreparedTask
    from analognas.final.test_split import FinalNetwork
    from analognas.record.directory import RunDirectory
    from analognas.record.validation import FinalResult, ValidatedNetwork


N_CALIBRATION: Final = 512
"""Training inputs that a quantiser gets."""


def make_artefact(config: SearchConfig, task: Task, final: FinalNetwork) -> Artefact:
    """Return what exporters need of a trained network and its image on tiles.

    Args:
        config: of the run.
        task: the data of the search, with the splits that are recorded.
        final: the chosen network at full budget.
    """
    found = f"the published network {final.validated.name}, trained" if final.genotype is None else "found"
    return artefact_of(
        final.network,
        final.analog,
        task,
        final.task,
        Description(
            name=config.name,
            class_names=task.class_names,
            notes=(
                f"{found} by analognas on the task {task.name}, hardware {hwsim.label(config.hardware)}",
                measured(final.validated),
            ),
        ),
        architecture=_architecture(config, task, final),
        hardware=config.hardware,
        chip=config.chip,
        seed=config.seed,
    )


def measured(network: ValidatedNetwork) -> str:
    """Return the main figures of a network for the reader of its source."""
    metrics = network.metrics
    return (
        f"test accuracy: digital {100 * network.digital_accuracy['test']:.2f} %, on chips {headline(metrics)}"
    )


def artefact_of(
    network: nn.Module,
    analog: nn.Module,
    task: Task,
    trained_on: PreparedTask,
    description: Description,
    *,
    architecture: Mapping[str, Any],
    hardware: hwsim.Hardware,
    chip: hwsim.Chip | None,
    seed: int,
) -> Artefact:
    """Return what exporters need.

    Args:
        network: trained, plain torch, of standardised inputs.
        analog: the same on tiles.
        task: the data, with the splits that are recorded.
        trained_on: the data it was trained on, whose statistics standardise its inputs.
        description: for the reader of model.py.
        architecture: the content of architecture.json.
        hardware: of the tiles.
        chip: a described chip, for which cost and fit are shown; None for none.
        seed: of the run; the first chips are those of its figures.
    """
    source = trained_on.source
    cost, misfit = _cost(network, chip, task.input_shape)
    return Artefact(
        model=Standardised(network, source.mean, source.std, task.input_shape),
        description=description,
        architecture=architecture,
        analog={
            "hardware": hardware.model_dump(mode="json"),
            "tiles": hwsim.tile_map(analog).to_json(),
            "layers": hwsim.analog_parameters(analog),
            **cost,
        },
        split=(task.test.x, task.test.y),
        net=analog,
        calibration=task.train.x[spread_places(N_CALIBRATION, len(task.train))],
        chips=ChipRequest(seed=chip_seed(seed)),
        misfit=misfit,
    )


def fit_on(artefact: Artefact, chip: hwsim.Chip) -> Artefact:
    """Return the artefact with the cost on another described chip, and whether it fits there."""
    cost, misfit = _cost(artefact.model.network, chip, artefact.model.input_shape)
    analog = {name: value for name, value in artefact.analog.items() if name != COST}
    return replace(artefact, analog={**analog, **cost}, misfit=misfit)


def _cost(
    network: nn.Module, chip: hwsim.Chip | None, input_shape: tuple[int, ...]
) -> tuple[dict[str, Any], str]:
    """Return what the network costs on the described chip, and why it does not fit, either of them empty."""
    if chip is None:
        return {}, ""
    try:
        return {COST: hwsim.cost(network, chip, input_shape=input_shape).to_json()}, ""
    except ValueError as error:  # a reference that does not fit
        return {}, str(error)


def best_artefact(run: RunDirectory) -> Artefact:
    """Return the best network of a finished run, made again from the record and the weights in its directory.

    Raises:
        UserError: when there is no finished run, its weights are missing or damaged, or its data are
            missing or have changed.
    """
    from analognas.config.loader import load_run_config

    path, result = run.path, run.final_result()
    if result is None and not load_run_config(run)[0].final.train:
        raise no_network_of_its_own(path)
    if result is None:
        finished = any(trial.failure is None for trial in run.trials())
        raise UserError(
            f"{path}: the run has not ended; continue it with `analognas resume {path}`",
            *((", or take a trial of it with ", Argument("trial")) if finished else ()),
        )
    return artefact_in(run, run.best, result)


def no_network_of_its_own(path: Path) -> UserError:
    """Return what to say to somebody who wants the best network of a run that trains none."""
    return UserError(
        f"{path}: trains no network at its end (`final: none`); take a trial further with ",
        Argument("trial"),
        f", or train the best one with `analognas resume {path} --set final.train=true`",
    )


def artefact_in(run: RunDirectory, folder: Path, result: FinalResult) -> Artefact:
    """Return the network of a folder with weights, `best/` or that of a trial, as exporters want it.

    Raises:
        UserError: when the weights are missing or damaged, or the data are missing or have changed.
    """
    from analognas.compose import final_task
    from analognas.config.loader import load_run_config
    from analognas.evaluation.evaluator import build_network
    from analognas.evaluation.prepared import prepare
    from analognas.final.test_split import FinalNetwork
    from analognas.runs.resume_checks import check_same_data
    from analognas.runs.stored_ranges import on_tiles_as_stored, ranges_are_learned

    config = load_run_config(run)[0]
    task = config.task.build()
    check_same_data(run, task)
    trial = run.trial_of(result)
    genotype = None if trial is None else trial.genotype
    space = config.space.build(task.input_shape, task.n_classes)
    network = build_network(space, genotype, result.network.architecture, task.input_shape, task.n_classes)
    load_weights(network, folder / run.weights.name, task.input_shape)
    prepared = final_task(prepare(task), config.final)
    try:
        learned = ranges_are_learned(config.training, config.final)
        stored = folder / "analog.json" if learned else None
        analog = on_tiles_as_stored(network, prepared, config.hardware, config.hardware, stored)
    except ValueError as error:  # weights that are finite and far too large
        raise UserError(f"{folder / run.weights.name}: {error}; {REMEDY}") from None
    final = FinalNetwork(genotype, network, analog, prepared, result.network)
    return make_artefact(config, task, final)


def _architecture(config: SearchConfig, task: Task, final: FinalNetwork) -> dict[str, Any]:
    """Return the content of architecture.json: all that is needed to train and judge the network again."""
    return {
        "schema_version": SCHEMA_VERSION,
        "architecture": dict(final.validated.architecture),
        "genotype": None if final.genotype is None else list(final.genotype),
        "space": config.space.model_dump(mode="json"),
        "input_shape": list(task.input_shape),
        "classes": list(task.class_names),
        "task": config.task.model_dump(mode="json"),
        "data_sha256": task.fingerprint,
        "training": config.training.model_dump(mode="json"),
        "final": config.final.model_dump(mode="json"),
        "hardware": config.hardware.model_dump(mode="json"),
        "chip": None if config.chip is None else config.chip.model_dump(mode="json"),
        "seed": config.seed,
        "training_seed": final.validated.training.get("seed"),
        "threads": config.executor.threads,
    }
