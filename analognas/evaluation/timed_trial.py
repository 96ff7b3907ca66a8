"""How long evaluations take on this machine, from a few updates of one candidate.

An evaluation is taken to consist of updates, which are timed after a first one that pays for what happens once in a
process; of passes over images; and of chips, each programmed once and read at every time. Everything else is timed as
it is. Times of other candidates are taken to grow with their multiply-accumulates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import nn

import hwsim
from analognas.evaluation.evaluator import Evaluator
from analognas.evaluation.in_memory import learn
from analognas.evaluation.measure import curve_on_chips
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import (
    CALIBRATION_INPUTS,
    TrainingBudget,
    on_tiles,
    train_hardware_aware,
)
from analognas.tasks import Split
from analognas.training.channels_last import to_channels_last
from analognas.training.loop import Schedule, accuracy, plain_step, train
from search_spaces import Genotype, initialise

MOST_UPDATES: Final = 8
LONGEST_S: Final = 0.2
"""Of the updates that are timed together, but for a single one that takes longer."""

FEW_IMAGES: Final = 16
IMAGES: Final = 128
CHIPS: Final = 2
SEED: Final = 0


@dataclass(frozen=True)
class TrialTime:
    """What the parts of an evaluation take, seconds.

    Attributes:
        build_s: the network.
        digital_update_s: one update of digital training.
        hardware_aware_update_s: one update of hardware-aware training.
        mapping_s: the network on tiles, its input ranges calibrated.
        image_s: one image through the digital network.
        program_s: one chip.
        read_s: one chip at one time.
        chip_image_s: one image through one chip.
    """

    build_s: float
    digital_update_s: float
    hardware_aware_update_s: float
    mapping_s: float
    image_s: float
    program_s: float
    read_s: float
    chip_image_s: float

    def seconds(self, budget: TrainingBudget, inputs: int, images: int, chips: int, times: int) -> float:
        """Return what an evaluation takes.

        Args:
            budget: of the training.
            inputs: that it trains on.
            images: that the network is judged on.
            chips: programmed.
            times: at which each is read.
        """
        updates = budget.digital.n_steps(inputs) * self.digital_update_s
        if budget.in_memory is not None:
            updates *= chips  # each chip learns
        if budget.hardware_aware.epochs:
            updates += budget.hardware_aware.n_steps(inputs) * self.hardware_aware_update_s + self.mapping_s
        on_chips = self.program_s + times * (self.read_s + images * self.chip_image_s)
        return self.build_s + updates + self.mapping_s + 2 * images * self.image_s + chips * on_chips


def time_trial(evaluator: Evaluator, genotype: Genotype) -> TrialTime:
    """Time the parts of an evaluation of a candidate; no random draw of the process changes.

    Raises:
        EvaluationError: when the candidate cannot fit into memory.
        UserError: when the device of the evaluations is not on this machine.
    """
    with _as_evaluated(evaluator):
        task, budget, hardware = evaluator.data, evaluator.budget, evaluator.hardware
        start = time.perf_counter()
        network = evaluator.network(genotype)
        initialise(network, _generator())
        build_s = time.perf_counter() - start
        to_channels_last(network, task.device)
        digital_s = _update_s(lambda some: _train(network, some, budget), task, budget.digital)
        validation = task.validation
        images = Split(validation.x[:IMAGES], validation.y[:IMAGES])
        few_images = Split(validation.x[:FEW_IMAGES], validation.y[:FEW_IMAGES])
        image_s = _s(lambda: accuracy(network, images.x, images.y)) / len(images)
        few = replace(task, train=task.train.first(IMAGES))
        analog = on_tiles(network, few, hardware)
        mapping_s = _s(lambda: on_tiles(network, few, hardware))
        hardware_aware_s = 0.0
        if budget.hardware_aware.epochs:
            hardware_aware_s = _update_s(
                lambda some: train_hardware_aware(network, some, hardware, _short(budget), SEED),
                task,
                budget.hardware_aware,
            )
        program_s = _s(lambda: _draw(analog)) / CHIPS
        _on_chips(evaluator, analog, few_images)
        some_s = min(_s(lambda: _on_chips(evaluator, analog, few_images)) for _ in range(2)) / CHIPS
        more_s = min(_s(lambda: _on_chips(evaluator, analog, images)) for _ in range(2)) / CHIPS
    chip_image_s = max(0.0, more_s - some_s) / max(1, len(images) - len(few_images))
    return TrialTime(
        build_s=build_s,
        digital_update_s=digital_s,
        hardware_aware_update_s=hardware_aware_s,
        mapping_s=mapping_s + max(0, min(CALIBRATION_INPUTS, len(task.train)) - len(few.train)) * image_s,
        image_s=image_s,
        program_s=program_s,
        read_s=max(0.0, some_s - program_s - len(few_images) * chip_image_s),
        chip_image_s=chip_image_s,
    )


@contextmanager
def _as_evaluated(evaluator: Evaluator) -> Iterator[None]:
    """Use the threads of an evaluation, and leave those of this process and torch's generator as they are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(evaluator.threads)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)


def _update_s(run: Callable[[PreparedTask], object], task: PreparedTask, schedule: Schedule) -> float:
    """Return what an update takes: what a longer run takes more than one of a single update.

    A first run pays for what happens once in a process.

    Args:
        run: trains for an epoch.
        task: the data.
        schedule: of the training.
    """
    once = replace(task, train=task.train.first(schedule.batch_size))
    run(once)
    one_s = _s(lambda: run(once))
    updates = max(2, min(MOST_UPDATES, round(LONGEST_S / max(one_s, 1e-6))))
    some = replace(task, train=task.train.first(updates * schedule.batch_size))
    n_updates = replace(schedule, epochs=1, updates=0, epoch_size=None).n_steps(len(some.train))
    if n_updates < 2:  # all data are one batch
        return one_s
    return max(0.0, _s(lambda: run(some)) - one_s) / (n_updates - 1)


def _train(network: nn.Module, task: PreparedTask, budget: TrainingBudget) -> None:
    if budget.in_memory is not None:
        learn(network, task, budget.in_memory, _short(budget).digital, SEED, SEED)
        return
    step = plain_step(network, mixed_precision=budget.mixed_precision)
    train(network, task.train, _short(budget).digital, _generator(), step)


def _short(budget: TrainingBudget) -> TrainingBudget:
    """Return the budget with one epoch of each training."""
    return replace(
        budget,
        digital=replace(budget.digital, epochs=1, updates=0),
        hardware_aware=replace(budget.hardware_aware, epochs=1, updates=0),
    )


def _on_chips(evaluator: Evaluator, analog: nn.Module, images: Split) -> None:
    curve_on_chips(analog, images, chips=CHIPS, times_s=evaluator.times_s[:1], seed=SEED)


def _draw(analog: nn.Module) -> None:
    """Program chips, and draw each."""
    chips = hwsim.program(analog, n=CHIPS, seed=SEED)
    for chip in range(CHIPS):
        chips.state_of(chip)


def _s(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    if torch.cuda._initialized:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)
