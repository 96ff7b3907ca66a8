"""What other hardware, other times or more chips make of a found network."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

import hwsim
from analognas.compose import final_budget, final_task
from analognas.config.budgets import STANDARD_TIMES_S
from analognas.config.document import Document, read_document
from analognas.config.hardware_section import HardwareSection
from analognas.config.loader import load_run_config
from analognas.config.translate import translate
from analognas.errors import Argument, UserError
from analognas.evaluation.evaluator import chip_seed
from analognas.evaluation.measure import curve_on_chips, drift_record
from analognas.evaluation.prepared import PreparedTask, prepare
from analognas.evaluation.training import calibration_batches, on_tiles, train_network
from analognas.executors.device import NoSuchDeviceError, resolve_device
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, holds_run
from analognas.record.trial import DriftRecord
from analognas.runs.architecture_file import Architecture, load_weights, read_architecture
from analognas.runs.best_network import no_network_of_its_own
from analognas.seeds import derive_seed
from analognas.specs.base import Seconds, Spec
from analognas.specs.given import GivenObjects
from analognas.specs.problems import ConfigError, Place, Problem, nearest
from analognas.training.loop import accuracy

MOST_CHIPS: Final = 1000


@dataclass(frozen=True)
class Validation:
    """A network on chips.

    Attributes:
        hardware: name of the hardware, with what differs from the preset of that name.
        digital_accuracy: floating-point accuracy on the test split.
        curve: accuracy of every chip at every time, on the test split.
        tiles: crossbar tiles in use.
    """

    hardware: str
    digital_accuracy: float
    curve: DriftRecord
    tiles: int

    @property
    def mean(self) -> list[float]:
        """Mean accuracy over the chips at each time."""
        return [statistics.fmean(row) for row in self.curve.accuracy]

    @property
    def std(self) -> list[float]:
        """Sample standard deviation over the chips at each time."""
        return [statistics.stdev(row) for row in self.curve.accuracy]


class _HardwareFile(Spec):
    """The content of a hardware file, as the section `hardware` of a configuration."""

    hardware: HardwareSection


@dataclass(frozen=True)
class ChosenHardware:
    """Hardware to validate a network on.

    Attributes:
        hardware: None for the run's own.
        source: what the user calls it, such as the name of a file; None for its own name.
    """

    hardware: hwsim.Hardware | None = None
    source: str | None = None


OWN: Final = (ChosenHardware(),)
"""The hardware of the run, alone."""


def validate(
    path: Path,
    on: Sequence[ChosenHardware] = OWN,
    *,
    times_s: Sequence[float] | None,
    chips: int | None,
    confidence: float | None = None,
    adabs: bool = False,
    device: str = "cpu",
    observer: Observer,
    progress: bool = False,
    objects: GivenObjects | None = None,
) -> list[Validation]:
    """Validate a found network on its test split, on one hardware after the other.

    Args:
        path: a run directory, a `best/` folder or an architecture.json. Weights next to it are used; without them the
            network is trained first, at the full budget that the file states.
        on: the hardwares.
        times_s: instead of 1 s, 1 h, 1 day, 1 month, 1 year.
        chips: from 2 to 1000, instead of as many as the run used.
        confidence: stop once every mean is known within plus or minus this, in points; None for all chips.
        adabs: measure batch-norm statistics on every chip at every time.
        device: where this runs: cpu, cuda, cuda:N or auto.
        observer: is told of the stages.
        progress: show a progress bar on a terminal.
        objects: Python objects that the files name and cannot hold.

    Raises:
        UserError: when a file is missing or does not fit, or a hardware cannot be simulated at these times.
    """
    place = check_options(chips, confidence, device)
    architecture = read_architecture(_architecture_path(path), objects)
    content = architecture.content
    times = tuple(times_s or STANDARD_TIMES_S)
    named = [_named(one, content.hardware, times) for one in on]
    torch.set_num_threads(content.threads)
    task = prepare(content.task.build(), content.training.augmentation.augmentation())
    if task.source.fingerprint != content.data_sha256:
        observer.stage("note: the data are not those the network was trained on")
    task = final_task(task, content.final).to(place)
    network = _trained(architecture, task, observer).to(task.device)
    digital_accuracy = accuracy(network, task.test.x, task.test.y)
    validations = []
    for source, hardware in named:
        label = hwsim.label(hardware)
        observer.stage(f"programming {chips or content.final.chips} chips of {label}")
        try:
            analog = on_tiles(network, task, hardware)
            curve = curve_on_chips(
                analog,
                task.test,
                chips=chips or content.final.chips,
                times_s=times,
                seed=chip_seed(content.seed),
                confidence=confidence,
                adabs_inputs=torch.cat(calibration_batches(task)) if adabs else None,
                progress=progress,
            )
        except ValueError as error:
            raise UserError(f"{source}: {error}") from None
        tiles = hwsim.tile_map(analog).n_tiles
        validations.append(Validation(label, digital_accuracy, drift_record(curve), tiles))
    return validations


def _named(
    chosen: ChosenHardware, own: hwsim.Hardware, times_s: Sequence[float]
) -> tuple[str, hwsim.Hardware]:
    """Return a hardware with the name that errors have for it, once it can be simulated at every time."""
    hardware = chosen.hardware or own
    source = chosen.source or hardware.name
    try:
        hwsim.check_times(hardware, times_s)
    except ValueError as error:
        raise UserError(f"{source}: {error}; name other times with ", Argument("times_s", "times")) from None
    return source, hardware


def check_options(chips: int | None, confidence: float | None, device: str) -> torch.device:
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


def read_hardware(text: str) -> hwsim.Hardware:
    """Return hardware from a preset's name or from a YAML file: a `hardware` section or its content.

    Raises:
        UserError: when it is neither.
    """
    path = Path(text)
    if text in hwsim.preset_names():
        return hwsim.preset(text)
    if not path.suffix and not path.is_file():
        raise UserError(
            Argument("hardware"),
            f": no preset {text!r}{nearest(text, hwsim.preset_names())}; a file must end in .yaml",
        )
    document = read_document(path, "docs/hwsim.md has hardware to start from")
    if set(document.values) == {"hardware"}:
        return _checked_hardware(document)
    if {"hardware", "task"} & set(document.values):
        raise UserError(
            f"{path}: is a search, and not hardware; give a file with its `hardware:` section alone"
        )
    inner = Document(
        source=document.source,
        values={"hardware": document.values},
        keys={("hardware", *key): place for key, place in document.keys.items()},
        places={("hardware", *key): place for key, place in document.places.items()},
    )
    return _checked_hardware(inner)


def _checked_hardware(document: Document) -> hwsim.Hardware:
    try:
        return _HardwareFile.model_validate(document.values).hardware
    except ValidationError as error:
        raise translate(error, _HardwareFile, document) from None


def parse_times(texts: Sequence[str]) -> tuple[float, ...] | None:
    """Return seconds for texts like `1 day` or `1 s,1 h,1 year`; None for no texts.

    Raises:
        ConfigError: with every text that is not a time.
    """
    pieces = [piece for text in texts for piece in text.split(",")]
    adapter: TypeAdapter[float] = TypeAdapter(Seconds)
    times: list[float] = []
    problems: list[Problem] = []
    for piece in pieces:
        try:
            times.append(adapter.validate_python(piece))
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            problems.append(Problem(Place.of(Argument("times_s", "times")), "", message))
    if problems:
        raise ConfigError(problems)
    return tuple(sorted(set(times))) or None


def _architecture_path(path: Path) -> Path:
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


def _trained(architecture: Architecture, task: PreparedTask, observer: Observer) -> nn.Module:
    network = architecture.build()
    if architecture.weights.exists():
        load_weights(network, architecture.weights, architecture.content.input_shape)
        return network
    content = architecture.content
    observer.stage("no model.safetensors next to the architecture: training it at full budget")
    budget = final_budget(content.training, content.final)
    seed = content.training_seed
    if seed is None:  # a file of before it was recorded
        seed = derive_seed(content.seed, "final", architecture.name)
    return train_network(network, task, content.hardware, budget, seed).network
