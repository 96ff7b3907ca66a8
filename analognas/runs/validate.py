"""What other hardware, other times or more chips make of a found network."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

import hwsim
from analognas.compose import final_budget, final_task
from analognas.config.budgets import STANDARD_TIMES_S
from analognas.config.hardware_file import read_hardware
from analognas.config.loader import load_run_config
from analognas.errors import Argument, UserError, Wording
from analognas.evaluation.evaluator import chip_seed
from analognas.evaluation.measure import cross_entropy_of, curve_of, digital_metrics, drift_record
from analognas.evaluation.prepared import PreparedTask, prepare
from analognas.evaluation.training import calibration_batches, train_network
from analognas.executors.device import NoSuchDeviceError, resolve_device
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, holds_run, open_run
from analognas.record.trial import DriftRecord
from analognas.runs.any_trial import folder_of_trial
from analognas.runs.architecture_file import Architecture, load_weights, read_architecture
from analognas.runs.best_network import no_network_of_its_own
from analognas.runs.stored_ranges import on_tiles_as_stored, ranges_are_learned
from analognas.seeds import derive_seed
from analognas.specs.base import Seconds
from analognas.specs.problems import ConfigError, Place, Problem
from hwsim.chip_cost.chip_files import chip_of
from hwsim.conductances import ConductancesFileError, require_conductances
from hwsim.other_network import OtherNetworkError

MOST_CHIPS: Final = 1000


@dataclass(frozen=True)
class Validation:
    """A network on chips.

    Attributes:
        hardware: name of the hardware, with what differs from the preset of that name.
        digital_accuracy: floating-point accuracy on the test split.
        curve: accuracy of every chip at every time, on the test split.
        tiles: crossbar tiles in use.
        cost: what the network takes of a described chip; None without one.
        digital_bits: floating-point bits per character on the test split, of a text; None otherwise.
    """

    hardware: str
    digital_accuracy: float
    curve: DriftRecord
    tiles: int
    cost: hwsim.ChipCost | None = None
    digital_bits: float | None = None

    @property
    def mean(self) -> list[float]:
        """Mean accuracy over the chips at each time."""
        return [statistics.fmean(row) for row in self.curve.accuracy]

    @property
    def std(self) -> list[float]:
        """Sample standard deviation over the chips at each time; 0 for one chip."""
        return [statistics.stdev(row) if len(row) > 1 else 0.0 for row in self.curve.accuracy]


def validate(
    place: RunDirectory,
    hardware: Sequence[hwsim.Hardware | str] | hwsim.Hardware | str = (),
    *,
    trial: int | None = None,
    times_s: Sequence[float | str] | None = None,
    chips: int | None = None,
    confidence: float | None = None,
    adabs: bool = False,
    device: str = "cpu",
    observer: Observer,
    progress: bool = False,
    chip: hwsim.Chip | str | None = None,
    conductances: str | Path | None = None,
) -> list[Validation]:
    """Validate a found network on its test split, on one hardware after the other.

    Args:
        place: a run directory; without a trial also the path of a `best/` folder or an architecture.json. Weights next
            to it are used; without them the network is trained first, at the full budget that the file states.
        hardware: chips, names of presets or YAML files, one or several; none: the run's own.
        trial: whose network; None: the best one.
        times_s: seconds, or texts such as `1 day`; None: 1 s, 1 h, 1 day, 1 month, 1 year.
        chips: from 2 to 1000; None: as many as the run used.
        confidence: stop once every mean is known within plus or minus this, in points; None for all chips.
        adabs: measure batch-norm statistics on every chip at every time.
        device: where this runs: cpu, cuda, cuda:N or auto.
        observer: hears of the stages.
        progress: report on the error stream where it takes more than a few seconds.
        chip: a described chip, its name or a YAML file, whose cost is shown; None: that of the run, if it has one.
        conductances: the chips that this file of the export format `conductances` holds, instead of new ones.

    Raises:
        UserError: when a file is missing or does not fit, a value is not possible, or a hardware cannot be simulated
            at these times.
    """
    chosen = [_chosen(one) for one in dict.fromkeys(_several(hardware))]
    described = None if chip is None else _described(chip)
    if conductances is not None and (chosen or chips is not None):
        raise UserError(
            Argument("conductances"),
            " are chips of their own hardware and number; leave out the hardware and ",
            Argument("chips"),
        )
    times = _seconds(times_s)
    torch_device = _checked_options(chips, confidence, device)
    if conductances is not None:
        _require_conductances(Path(conductances))
    path = place.path
    if trial is not None:
        path = folder_of_trial(open_run(path, place.objects), trial, observer)
    architecture = read_architecture(path_of_architecture(path), place.objects)
    content = architecture.content
    chosen = chosen or [(content.hardware, content.hardware.name)]
    for one, source in chosen:
        _check_times(one, source, times)
    torch.set_num_threads(content.threads)
    task = prepare(content.task.build(), content.training.augmentation.augmentation())
    if task.source.fingerprint != content.data_sha256:
        observer.stage("note: the data are not those the network was trained on")
    task = final_task(task, content.final).to(torch_device)
    network, learned = trained_network(architecture, task, observer)
    network.to(task.device)
    given = None if conductances is None else chips_of_conductances(network, architecture, Path(conductances))
    digitally = digital_metrics(network, task.test)
    digital_accuracy, digital_bits = digitally["digital_accuracy"], digitally.get("digital_bits")
    cost = _cost(network, described or content.chip, content.input_shape)
    adabs_inputs = torch.cat(calibration_batches(task)) if adabs else None
    validations = []
    for one, source in chosen:
        label = hwsim.label(one)
        try:
            if given is None:
                n = chips or content.final.chips
                observer.stage(f"programming {n} chips of {label}")
                analog = on_tiles_as_stored(network, task, one, content.hardware, learned)
                programmed = hwsim.program(analog, n=n, seed=chip_seed(content.seed))
            else:
                observer.stage(f"measuring the chips of {conductances}, {label}")
                programmed = given
            curve = curve_of(
                programmed,
                task.test,
                times_s=times,
                confidence=confidence,
                adabs_inputs=adabs_inputs,
                progress=progress,
            )
            cross_entropy = None
            if digital_bits is not None:
                cross_entropy = cross_entropy_of(programmed, task.test, curve, adabs_inputs)
        except ValueError as error:
            raise UserError(f"{source}: {error}") from None
        tiles = hwsim.tile_map(programmed.net).n_tiles
        record = drift_record(curve, cross_entropy)
        validations.append(Validation(label, digital_accuracy, record, tiles, cost, digital_bits))
    return validations


def chips_of_conductances(network: nn.Module, architecture: Architecture, conductances: Path) -> hwsim.Chips:
    """Return the chips of a trained network that a file of conductances holds.

    Args:
        network: of the architecture, trained.
        architecture: whose hardware the chips have.
        conductances: the file.

    Raises:
        UserError: when the file is missing or damaged, or belongs to another network.
    """
    try:
        return hwsim.load_conductances(hwsim.to_analog(network, architecture.content.hardware), conductances)
    except OtherNetworkError as error:
        told = (
            f"--conductances {conductances}: holds chips of another network than {architecture.path}: "
            f"{error.difference}; name the run that they were exported from, or export those of this network with "
            f"`analognas export {architecture.path} --format conductances`"
        )
        raise UserError(Wording(str(error), told)) from None
    except ValueError as error:
        raise _unusable(error) from None


def _require_conductances(path: Path) -> None:
    """Raise UserError unless a path names a whole file of conductances."""
    try:
        require_conductances(path)
    except ValueError as error:
        raise _unusable(error) from None


def _unusable(error: ValueError) -> UserError:
    fact = error.fact if isinstance(error, ConductancesFileError) else str(error)
    told = f"--conductances: {fact}; give a file that `analognas export DIR --format conductances` wrote"
    return UserError(Wording(str(error), told))


def _described(chip: hwsim.Chip | str) -> hwsim.Chip:
    try:
        return chip_of(chip)
    except (TypeError, ValueError) as error:
        raise UserError(Argument("chip"), f": {error}") from None


def _cost(network: nn.Module, chip: hwsim.Chip | None, input_shape: tuple[int, ...]) -> hwsim.ChipCost | None:
    if chip is None:
        return None
    try:
        return hwsim.cost(network, chip, input_shape=input_shape)
    except ValueError as error:
        raise UserError(Argument("chip"), f": {error}") from None


def _several(
    hardware: Sequence[hwsim.Hardware | str] | hwsim.Hardware | str,
) -> Sequence[hwsim.Hardware | str]:
    several = [hardware] if isinstance(hardware, hwsim.Hardware | str) else hardware
    if not isinstance(several, Sequence) or not all(isinstance(one, hwsim.Hardware | str) for one in several):
        raise UserError(
            "`hardware` must be hwsim.Hardware, the name of a preset, a YAML file, or a list of these, got "
            f"{hardware!r:.80}"
        )
    return several


def _chosen(hardware: hwsim.Hardware | str) -> tuple[hwsim.Hardware, str]:
    """Return hardware, and what the user calls it."""
    return (read_hardware(hardware), hardware) if isinstance(hardware, str) else (hardware, hardware.name)


def _check_times(hardware: hwsim.Hardware, source: str, times_s: Sequence[float]) -> None:
    """Check that hardware, which the user calls `source`, can be simulated at every time."""
    try:
        hwsim.check_times(hardware, times_s)
    except ValueError as error:
        raise UserError(f"{source}: {error}; name other times with ", Argument("times_s", "times")) from None


def _checked_options(chips: int | None, confidence: float | None, device: str) -> torch.device:
    """Check what can be checked before a network is there, and return the device.

    Raises:
        UserError: when a value is not possible, or the machine has no such device.
    """
    _check_numbers(chips, confidence)
    try:
        return resolve_device(device)
    except NoSuchDeviceError as error:
        raise UserError(Argument("device"), f": {error}") from None


def _check_numbers(chips: int | None, confidence: float | None) -> None:
    if chips is not None and (type(chips) is not int or not 2 <= chips <= MOST_CHIPS):
        raise UserError(
            Argument("chips"),
            f" must be a whole number from 2 to {MOST_CHIPS}, got {chips!r}; the spread needs 2",
        )
    if confidence is not None and not (
        isinstance(confidence, int | float) and confidence > 0 and math.isfinite(confidence)
    ):
        raise UserError(
            Argument("confidence"),
            f" must be above 0, in points such as 0.2, got {confidence!r}; leave it out to program every chip",
        )


def _seconds(times_s: Sequence[float | str] | None) -> tuple[float, ...]:
    """Return seconds, ascending, for numbers and texts like `1 day` or `1 s,1 h,1 year`; the standard times for None.

    Raises:
        UserError: for no times.
        ConfigError: with every text that is not a time.
    """
    if times_s is None:
        return STANDARD_TIMES_S
    if isinstance(times_s, str | int | float) or len(times_s) == 0:
        raise UserError(f"`times_s` must be a list of at least one time, got {times_s!r}")
    adapter: TypeAdapter[float] = TypeAdapter(Seconds)
    times: set[float] = set()
    problems: list[Problem] = []
    for piece in (piece for time_s in times_s for piece in str(time_s).split(",")):
        try:
            times.add(adapter.validate_python(piece))
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            problems.append(Problem(Place.of(Argument("times_s", "times")), "", message))
    if problems:
        raise ConfigError(problems)
    return tuple(sorted(times))


def path_of_architecture(path: Path) -> Path:
    """Return the architecture.json of a run directory, a `best/` folder, or of itself.

    Raises:
        UserError: when there is none.
    """
    for candidate in (path / "best" / "architecture.json", path / "architecture.json", path):
        if candidate.is_file():
            return candidate
    if path.is_dir():
        if holds_run(path) and not load_run_config(RunDirectory(path))[0].final.train:
            raise no_network_of_its_own(path)
        raise UserError(
            f"{path}: no best/architecture.json in it; `analognas resume {path}` ends a run that has not ended, "
            "and exports again what is missing"
        )
    raise UserError(f"{path}: no such file or directory; give a run directory or an architecture.json")


def trained_network(
    architecture: Architecture, task: PreparedTask, observer: Observer
) -> tuple[nn.Module, Mapping[str, Any] | Path | None]:
    """Return the trained network, and the ranges that were learned with it, None where they are calibrated."""
    network, content = architecture.build(), architecture.content
    if architecture.weights.exists():
        load_weights(network, architecture.weights, content.input_shape)
        learned = ranges_are_learned(content.training, content.final)
        return network, architecture.weights.with_name("analog.json") if learned else None
    observer.stage("no model.safetensors next to the architecture: training it at full budget")
    budget = final_budget(content.training, content.final)
    seed = content.training_seed
    if seed is None:  # a file of before it was recorded
        seed = derive_seed(content.seed, "final", architecture.name)
    trained = train_network(network, task, content.hardware, budget, seed)
    return trained.network, trained.ranges
