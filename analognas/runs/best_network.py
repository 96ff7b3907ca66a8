"""The best network of a run as exporters want it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import hwsim
from analognas.config.sections import SearchConfig
from analognas.errors import Argument, UserError
from analognas.export import Artefact
from analognas.export.python_source import Description
from analognas.export.standardised import Standardised
from analognas.record.directory import COST
from analognas.tasks import Task

if TYPE_CHECKING:
    from torch import nn

    from analognas.final.test_split import FinalNetwork
    from analognas.record.directory import RunDirectory
    from analognas.record.validation import FinalResult


def make_artefact(config: SearchConfig, task: Task, final: FinalNetwork) -> Artefact:
    """Return what exporters need of a trained network and its image on tiles.

    Args:
        config: of the run.
        task: the data of the search, with the splits that are recorded.
        final: the chosen network at full budget.
    """
    validated, trained_on = final.validated, final.task.source
    metrics = validated.metrics
    found = f"the published network {validated.name}, trained" if final.genotype is None else "found"
    return Artefact(
        model=Standardised(final.network, trained_on.mean, trained_on.std, task.input_shape),
        description=Description(
            name=config.name,
            class_names=task.class_names,
            notes=(
                f"{found} by analognas on the task {task.name}, hardware {hwsim.label(config.hardware)}",
                f"test accuracy: digital {100 * validated.digital_accuracy['test']:.2f} %, "
                f"one day after programming {100 * metrics['accuracy_1d']:.2f} ± {100 * metrics['std_1d']:.2f} %",
            ),
        ),
        architecture=_architecture(config, task, final),
        analog={
            "hardware": config.hardware.model_dump(mode="json"),
            "tiles": hwsim.tile_map(final.analog).to_json(),
            "layers": hwsim.analog_parameters(final.analog),
            **_cost(config, task, final.network),
        },
        split=(task.test.x, task.test.y),
    )


def _cost(config: SearchConfig, task: Task, network: nn.Module) -> dict[str, Any]:
    """Return what the network costs on the described chip; nothing without one, or where it is too small."""
    if config.chip is None:
        return {}
    try:
        found = hwsim.cost(network, config.chip, input_shape=task.input_shape).to_json()
    except ValueError:  # a reference that does not fit
        return {}
    return {COST: found}


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
        raise UserError(f"{path}: the run has not ended; continue it with `analognas resume {path}`")
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
    from analognas.runs.architecture_file import REMEDY, load_weights
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
