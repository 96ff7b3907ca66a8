"""Trains a network for analog hardware: digitally first, then with the hardware in the forward pass.

Reference: M. J. Rasch et al., "Hardware-aware training for large-scale and diverse deep learning inference workloads
using in-memory computing-based accelerators", Nat. Commun. 14:5282, 2023.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Any, Final, Literal, TypeAlias

import torch
from torch import Tensor, nn

import hwsim
from analognas.driver.successive_halving import reduced_epochs
from analognas.errors import EvaluationError
from analognas.evaluation.in_memory import InMemory, LearnedChip, learn, weights_into
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.stopped_early import STOPPED_EARLY
from analognas.seeds import derive_seed
from analognas.training.channels_last import to_channels_last
from analognas.training.loop import Schedule, Step, accuracy, plain_step, train
from search_spaces import initialise

CALIBRATION_INPUTS: Final = 512
CALIBRATION_BATCH: Final = 128


@dataclass(frozen=True)
class EarlyStop:
    """When a training is hopeless.

    Attributes:
        epoch: digital epochs after which the network is looked at.
        accuracy: on the validation split, that it must have by then.
    """

    epoch: int
    accuracy: float


@dataclass(frozen=True)
class Distillation:
    """How hardware-aware training learns from the digitally trained network (hwsim.distillation_loss).

    Attributes:
        temperature: softens the outputs of both.
        teacher_share: weight of the digital network's outputs against the labels, 0 to 1.
    """

    temperature: float
    teacher_share: float


@dataclass(frozen=True)
class TrainingBudget:
    """What one training may cost, and how it prepares for the hardware.

    Attributes:
        digital: training in floating point.
        hardware_aware: training on the simulated hardware; no epochs skip it.
        weight_noise: strength of the weight noise.
        noise_ramp: fraction of the steps that ramps the noise up.
        clip_sigma: weights are clipped at this many standard deviations of their layer; None: never.
        modifier: kind of weight noise, as hwsim.HwaTraining has them.
        clip_value: weights are clipped at this fixed magnitude; None: never.
        learn_scales: a factor on the digital scale of each column is trained with the weights.
        learn_ranges: input ranges and ADC gains that are not fixed are trained with the weights.
        range_decay: relative decay of a learned range after an update where more than 95 % of inputs fit.
        freeze_scales: the scale of each layer stays that of the digital training.
        digital_clip_sigma: the same as `clip_sigma`, in digital training.
        distillation: None learns from the labels alone.
        early_stop: when to give up; None: never.
        mixed_precision: digital training with bfloat16 convolutions and matrix products.
        in_memory: training in the array, for as long as `digital` says, in place of both others; None for these.
    """

    digital: Schedule
    hardware_aware: Schedule
    weight_noise: float
    noise_ramp: float
    clip_sigma: float | None
    modifier: Literal["gaussian", "device"] = "gaussian"
    clip_value: float | None = None
    learn_scales: bool = False
    learn_ranges: bool = False
    range_decay: float = 1e-3
    freeze_scales: bool = False
    digital_clip_sigma: float | None = None
    distillation: Distillation | None = None
    early_stop: EarlyStop | None = None
    mixed_precision: bool = False
    in_memory: InMemory | None = None

    def reduced(self, share: float) -> TrainingBudget:
        """Return the budget with this share of epochs and updates, at least one epoch where there were any."""
        return replace(
            self, digital=_reduced(self.digital, share), hardware_aware=_reduced(self.hardware_aware, share)
        )

    def stage(self, share: float, below: float, inputs: int) -> TrainingBudget:
        """Return the budget with this share whose digital training goes on from that with another one.

        Args:
            share: of epochs and updates, at the end.
            below: the same of the training that it goes on from; 0 for the first stage.
            inputs: of the training split.
        """
        reduced = self.reduced(share)
        done = self.reduced(below).digital.n_epochs(inputs) if below else 0
        epochs = reduced.digital.n_epochs(inputs) - done
        return replace(reduced, digital=replace(reduced.digital, epochs=epochs, updates=0))


def _reduced(schedule: Schedule, share: float) -> Schedule:
    return replace(
        schedule,
        epochs=reduced_epochs(schedule.epochs, share),
        updates=math.ceil(share * schedule.updates),
    )


@dataclass(frozen=True)
class TrainedNetwork:
    """A network ready for its chips.

    Attributes:
        network: plain torch, the trained weights, in evaluation mode.
        analog: the same on crossbar tiles, input ranges calibrated.
        digital_accuracy: validation accuracy of `network` in floating point.
        digital_accuracy_before: the same before hardware-aware training.
        training_loss: mean loss of all epochs of the digital training; None where there was none.
        ranges: what hwsim.analog_parameters tells of `analog`, where ranges were learned; None where they are those
            of a calibration.
        learned: chips that learned, the first one with the weights of `network`; none where no chip did.
    """

    network: nn.Module
    analog: nn.Module
    digital_accuracy: float
    digital_accuracy_before: float
    training_loss: float | None
    ranges: Mapping[str, Any] | None = None
    learned: tuple[LearnedChip, ...] = ()


DigitalTraining: TypeAlias = Callable[[nn.Module, PreparedTask, TrainingBudget, int], list[float]]
"""Initialises a network and trains it in floating point, in place; returns the mean loss of each epoch."""


def train_network(
    network: nn.Module,
    task: PreparedTask,
    hardware: hwsim.Hardware,
    budget: TrainingBudget,
    seed: int,
    *,
    digitally: DigitalTraining | None = None,
    chips: int = 1,
    chip_seed: int = 0,
) -> TrainedNetwork:
    """Initialise `network` and train it on the training split, on the device of `task`.

    Args:
        network: plain torch; keeps the weights of the digital training, or those that its first chip learned.
        task: the data.
        hardware: of inference, and of the hardware-aware training.
        budget: of the training.
        seed: of initial weights, batches and noise.
        digitally: the digital training; None for `train_digitally`.
        chips: that learn, where the budget is of training in the array.
        chip_seed: of these chips.

    Raises:
        EvaluationError: when the training diverges, or is stopped early.
    """
    if budget.in_memory is not None:
        initialise(network, _generator(seed, "initialisation"))
        to_channels_last(network, task.device)
        return _learned_in_memory(network, task, hardware, budget, budget.in_memory, seed, chips, chip_seed)
    losses = (digitally or train_digitally)(network, task, budget, seed)
    before = accuracy(network, task.validation.x, task.validation.y)
    ranges = None
    if budget.hardware_aware.epochs:
        trained = train_hardware_aware(network, task, hardware, budget, seed)
        network = hwsim.to_digital(trained)
        ranges = hwsim.analog_parameters(trained) if budget.learn_ranges else None
    return TrainedNetwork(
        network=network,
        analog=on_tiles(network, task, hardware, ranges=ranges),
        ranges=ranges,
        digital_accuracy=accuracy(network, task.validation.x, task.validation.y),
        digital_accuracy_before=before,
        training_loss=fmean(losses) if losses else None,
    )


def train_digitally(network: nn.Module, task: PreparedTask, budget: TrainingBudget, seed: int) -> list[float]:
    """Initialise `network` and train it in floating point, in place.

    Returns:
        The mean loss of each epoch.

    Raises:
        EvaluationError: when the training diverges, or is stopped early.
    """
    initialise(network, _generator(seed, "initialisation"))
    return go_on_digitally(network, task, budget, _generator(seed, "digital"))


def go_on_digitally(
    network: nn.Module,
    task: PreparedTask,
    budget: TrainingBudget,
    generator: torch.Generator,
    epochs_before: int = 0,
) -> list[float]:
    """Train `network` in floating point from the weights that it has, in place.

    Args:
        network: is moved to the device of `task`.
        task: the data.
        budget: of the training; its hardware-aware part is left alone.
        generator: of the order of the inputs and of what is changed in them.
        epochs_before: epochs that it was trained for before, which an early stop counts.

    Returns:
        The mean loss of each epoch.

    Raises:
        EvaluationError: when the training diverges, or is stopped early.
    """
    to_channels_last(network, task.device)
    return train(
        network,
        task.train,
        budget.digital,
        generator,
        plain_step(
            network,
            mixed_precision=budget.mixed_precision,
            label_smoothing=budget.digital.label_smoothing,
        ),
        after_update=_clipping(network, budget.digital_clip_sigma),
        after_epoch=None if budget.early_stop is None else _judge(network, task, budget, epochs_before),
    )


def _learned_in_memory(
    network: nn.Module,
    task: PreparedTask,
    hardware: hwsim.Hardware,
    budget: TrainingBudget,
    how: InMemory,
    seed: int,
    chips: int,
    chip_seed: int,
) -> TrainedNetwork:
    judge = None if budget.early_stop is None else partial(_judged, task=task, budget=budget)
    learned = tuple(
        learn(network, task, how, budget.digital, seed, derive_seed(chip_seed, "learning", chip), judge)
        for chip in range(chips)
    )
    weights_into(network, learned[0])
    reached = accuracy(network, task.validation.x, task.validation.y)
    return TrainedNetwork(
        network=network,
        analog=on_tiles(network, task, hardware),
        digital_accuracy=reached,
        digital_accuracy_before=reached,
        training_loss=fmean(chip.loss for chip in learned),
        learned=learned,
    )


def on_tiles(
    network: nn.Module,
    task: PreparedTask,
    hardware: hwsim.Hardware,
    fold_batch_norms: bool | None = None,
    ranges: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Return `network` on tiles, in evaluation mode.

    Args:
        network: plain torch.
        task: its training inputs are what ranges are calibrated on.
        hardware: of the tiles.
        fold_batch_norms: as `hwsim.to_analog` has it.
        ranges: learned ones, as `hwsim.analog_parameters` gives them; None calibrates.
    """
    if ranges is not None:
        return hwsim.load_analog(network, ranges, hardware).eval()
    analog = hwsim.to_analog(network, hardware, fold_batch_norms=fold_batch_norms)
    analog.eval()
    hwsim.calibrate(analog, calibration_batches(task))
    return analog


def calibration_batches(task: PreparedTask) -> tuple[Tensor, ...]:
    """Return the standardised training inputs that input ranges are calibrated on."""
    return torch.split(task.train.spread(CALIBRATION_INPUTS), CALIBRATION_BATCH)


def _judge(
    network: nn.Module, task: PreparedTask, budget: TrainingBudget, epochs_before: int
) -> Callable[[int], None]:
    """Return what looks at the network after each epoch and gives up when it is hopeless."""
    return partial(_judged, network, task=task, budget=budget, epochs_before=epochs_before)


def _judged(
    network: nn.Module, epoch: int, task: PreparedTask, budget: TrainingBudget, epochs_before: int = 0
) -> None:
    """Raise EvaluationError for a network that is hopeless after the epoch of the rule."""
    rule = budget.early_stop
    assert rule is not None
    if epochs_before + epoch != rule.epoch:
        return
    network.eval()
    reached = accuracy(network, task.validation.x, task.validation.y)
    network.train()
    if reached < rule.accuracy:
        raise EvaluationError(
            f"{STOPPED_EARLY}: validation accuracy below {rule.accuracy:g} "
            f"after {rule.epoch} of {epochs_before + budget.digital.n_epochs(len(task.train))} digital epochs"
        )


def train_hardware_aware(
    network: nn.Module, task: PreparedTask, hardware: hwsim.Hardware, budget: TrainingBudget, seed: int
) -> nn.Module:
    """Return `network` trained on the tiles of `hardware`, still on them."""
    # as they were trained: the weights of the network must fit its architecture again
    analog = on_tiles(network, task, hardware, fold_batch_norms=False)
    hwa = hwsim.HwaTraining(
        analog,
        generator=_generator(seed, "hardware-aware noise"),
        weight_noise=budget.weight_noise,
        modifier=budget.modifier,
        clip_sigma=budget.clip_sigma,
        clip_value=budget.clip_value,
        learn_scales=budget.learn_scales,
        learn_ranges=budget.learn_ranges,
        range_decay=budget.range_decay,
        freeze_scales=budget.freeze_scales,
        ramp_steps=round(budget.noise_ramp * budget.hardware_aware.n_steps(len(task.train))),
    )
    forward_backward = (
        plain_step(analog, label_smoothing=budget.hardware_aware.label_smoothing)
        if budget.distillation is None
        else _distilling_step(analog, network, budget.distillation)
    )

    def step(x: Tensor, y: Tensor) -> Tensor:
        with hwa.step():
            return forward_backward(x, y)

    generator = _generator(seed, "hardware-aware")
    schedule = budget.hardware_aware
    train(analog, task.train, schedule, generator, step, after_update=hwa.after_update, ranges=hwa.ranges)
    return analog


def _clipping(network: nn.Module, sigma: float | None) -> Callable[[], None] | None:
    """Return what clips the weights of `network` after each update; None for no clipping."""
    if sigma is None:
        return None
    return partial(hwsim.clip_weights, network, sigma)


def _distilling_step(network: nn.Module, teacher: nn.Module, how: Distillation) -> Step:
    """Return a step in which `network` learns from `teacher`, which is in evaluation mode, and the labels."""

    def step(x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            taught = teacher(x)
        loss = hwsim.distillation_loss(
            network(x), taught, y, temperature=how.temperature, teacher_share=how.teacher_share
        )
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return loss.detach()

    return step


def _generator(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, purpose))
