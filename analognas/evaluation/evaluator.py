"""The evaluation of a candidate or a reference: a pure function of network, task, hardware, budget and seed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

import hwsim
from analognas.driver.successive_halving import reduced_chips
from analognas.errors import EvaluationError, UserError
from analognas.evaluation.full_training import (
    FullTraining,
    FullyTrained,
    Measured,
    SplitName,
)
from analognas.evaluation.in_memory import LearnedChip, learned_curve
from analognas.evaluation.measure import (
    Curves,
    cost_metrics,
    curves_on_chips,
    digital_metrics,
    drift_metrics,
    drift_record,
)
from analognas.evaluation.memory_need import MemoryNeed, NetworkSize, network_that_fits
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.stages import StagedTraining
from analognas.evaluation.training import TrainingBudget, on_tiles, train_network
from analognas.evaluation.weights import weights_of, with_weights
from analognas.executors.device import described, resolve_device
from analognas.executors.executor import (
    Job,
    Measurement,
    Outcome,
    ResultT,
    TrialOutcome,
    WorkT,
    node_name,
    now_utc,
)
from analognas.record.correct_images import CorrectImages
from analognas.record.environment import package_versions
from analognas.record.trial import DriftRecord, Failure
from analognas.seeds import derive_seed
from analognas.specs.durations import DAY_S
from analognas.tasks import Split
from hwsim.chip_cost.network_costs import ChipUse
from search_spaces import ArchitectureSpace, Genotype, SearchSpace, network_cost, published


@dataclass(frozen=True)
class Evaluator:
    """Trains candidates and measures them on chips.

    Attributes:
        task: the data.
        space: builds candidates.
        hardware: the chip.
        budget: of the training.
        chips: programmed for each candidate.
        times_s: since programming.
        chip_seed: of the chips: the same for all candidates, so that they are compared on paired chips.
        threads: torch threads.
        device: where it runs, by its name in a configuration; it is looked up on the worker.
        use: a described chip, and how networks use it; None without one.
        goes_on_from: share of the digital training that trials at full budget have from lower rungs.
    """

    task: PreparedTask
    space: ArchitectureSpace
    hardware: hwsim.Hardware
    budget: TrainingBudget
    chips: int
    times_s: tuple[float, ...]
    chip_seed: int
    threads: int
    device: str = "cpu"
    use: ChipUse | None = None
    goes_on_from: float = 0.0

    @property
    def trained_in_full(self) -> TrainingBudget:
        """What the evaluation of a trial at full budget trains."""
        return self.budget.stage(1.0, self.goes_on_from, len(self.task.train))

    @cached_property
    def data(self) -> PreparedTask:
        """The task on the device, moved there once for all evaluations of this process.

        Raises:
            UserError: when there is no such device.
        """
        return self.task.to(resolve_device(self.device))

    @cached_property
    def task_with_validation(self) -> PreparedTask:
        """The task with the validation images among the training images."""
        return self.task.with_validation()

    @cached_property
    def data_with_validation(self) -> PreparedTask:
        """The same on the device, moved there once."""
        return self.task_with_validation.to(resolve_device(self.device))

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was derived: another process has other devices."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def evaluate(self, job: Job) -> TrialOutcome:
        """Evaluate a trial; whatever goes wrong with the candidate ends as a failure, not as an exception."""
        return self._outcome(job, self.measure)

    def evaluate_in_full(self, training: FullTraining) -> Outcome[FullTraining, FullyTrained]:
        """Train and measure a network at full budget, in the same way."""
        return self._outcome(training, self.train_in_full)

    def _outcome(self, work: WorkT, measure: Callable[[WorkT], ResultT]) -> Outcome[WorkT, ResultT]:
        start = time.perf_counter()
        torch.set_num_threads(self.threads)
        result: ResultT | Failure
        device = ""
        try:
            device = described(self.data.device)
            result = measure(work)
        except (EvaluationError, UserError) as error:
            result = Failure(reason=str(error), traceback="")
        except Exception as error:
            result = Failure(reason=f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
        return Outcome(
            job=work,
            result=result,
            threads=self.threads,
            wall_time_s=time.perf_counter() - start,
            finished_at=now_utc(),
            versions=package_versions(),
            node=node_name(),
            device=device,
        )

    def measure(self, job: Job) -> Measurement:
        """Train the candidate of `job` and measure it on the validation split.

        Raises:
            EvaluationError: when it cannot fit into memory, the training diverges or outputs are not finite.
        """
        budget = self.budget if job.budget == 1 else self.budget.reduced(job.budget)
        network = self.network(job.proposal.genotype, job.budget)
        chips = reduced_chips(self.chips, job.budget)
        trained = train_network(
            network,
            self.data,
            self.hardware,
            budget,
            job.seed,
            digitally=StagedTraining(self.budget, job.stages, job.start) if job.stages else None,
            chips=chips,
            chip_seed=self.chip_seed,
        )
        split = self.data.validation
        found = self._curves(budget, trained.network, trained.analog, trained.learned, split, chips)
        curve = drift_record(*found)
        metrics = self._metrics(
            curve, digital_metrics(trained.network, split, trained.digital_accuracy), trained.network
        )
        goes_on = bool(job.stages) and job.budget < 1
        return Measurement(
            metrics if trained.training_loss is None else {**metrics, "training_loss": trained.training_loss},
            curve,
            weights=weights_of(network) if goes_on else None,
        )

    def _curves(
        self,
        budget: TrainingBudget,
        network: nn.Module,
        analog: nn.Module,
        learned: Sequence[LearnedChip],
        split: Split,
        chips: int,
    ) -> Curves:
        """Return what chips make of a network: those that learned it, or others that it is programmed on."""
        if budget.in_memory is not None:
            return Curves(learned_curve(network, budget.in_memory, learned, split, self.times_s))
        return curves_on_chips(analog, split, chips=chips, times_s=self.times_s, seed=self.chip_seed)

    def _metrics(
        self, curve: DriftRecord, digitally: Mapping[str, float], network: nn.Module
    ) -> dict[str, float]:
        costs = cost_metrics(network, self.task, self.hardware, self.use)
        return {**drift_metrics(curve), **digitally, **costs}

    def network(self, genotype: Genotype, share: float = 1.0) -> nn.Module:
        """Return the untrained network of a candidate.

        Args:
            genotype: the candidate.
            share: of the epochs and chips that it is to be evaluated with.

        Raises:
            EvaluationError: when it cannot fit into memory; nothing is built then.
        """
        need = MemoryNeed(self.budget, reduced_chips(self.chips, share), len(self.task.train))
        return self._that_fits(genotype, {}, need)

    def _that_fits(
        self, genotype: Genotype | None, architecture: Mapping[str, Any], need: MemoryNeed
    ) -> nn.Module:
        source = self.task.source
        shape = source.input_shape

        def build() -> nn.Module:
            return build_network(self.space, genotype, architecture, shape, source.n_classes)

        if genotype is None:
            cost = network_cost(build(), shape)
            size = NetworkSize(cost.parameters, cost.macs)
        else:
            row = np.array([genotype], dtype=np.int64)
            size = NetworkSize(int(self.space.parameters(row)[0]), int(self.space.macs(row)[0]))
        return network_that_fits(build, size, need, shape, self.data.device)

    def train_in_full(self, training: FullTraining) -> FullyTrained:
        """Train a network at full budget, unless that was done before, and measure it on its splits.

        Raises:
            EvaluationError: when it cannot fit into memory, the training diverges or outputs are not finite.
        """
        task = self.data_with_validation if training.trains_on_validation else self.data
        need = MemoryNeed(training.budget, training.chips, len(task.train), section="final")
        network = self._that_fits(training.genotype, training.architecture, need)
        before = training.trained
        if before is None:
            trained = train_network(
                network,
                task,
                self.hardware,
                training.budget,
                training.seed,
                chips=training.chips,
                chip_seed=self.chip_seed,
            )
            network, analog = trained.network, trained.analog
            done: dict[str, Any] = {
                "seed": training.seed,
                "budget": asdict(training.budget),
                "inputs": len(task.train),
            }
            if not task.trains_on_validation:
                done["validation_accuracy_before_hardware_aware"] = trained.digital_accuracy_before
            before = FullyTrained(weights_of(network), done, {}, trained.ranges, trained.learned)
        else:
            network = with_weights(network, before.weights).to(task.device)
            analog = on_tiles(network, task, self.hardware, ranges=before.ranges)
        measured: dict[SplitName, Measured] = {}
        for name in training.splits:
            split = task.test if name == "test" else task.validation
            curves = self._curves(training.budget, network, analog, before.learned, split, training.chips)
            measured[name] = self._measured(split, curves, network)
        return replace(before, measured={**before.measured, **measured})

    def _measured(self, split: Split, curves: Curves, network: nn.Module) -> Measured:
        record = drift_record(*curves)
        metrics = self._metrics(record, digital_metrics(network, split), network)
        return Measured(metrics, record, CorrectImages.of(curves.accuracy, DAY_S))


def build_network(
    space: SearchSpace,
    genotype: Genotype | None,
    architecture: Mapping[str, Any],
    input_shape: tuple[int, int, int],
    n_classes: int,
) -> nn.Module:
    """Return the untrained network of a candidate, or of a reference.

    Args:
        space: builds candidates.
        genotype: the candidate; None for a reference.
        architecture: of a reference `{"name": ...}`.
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.

    Raises:
        ValueError: when there is no such reference.
    """
    if genotype is not None:
        return space.build(genotype)
    return published(str(architecture.get("name")), input_shape, n_classes)


def chip_seed(run_seed: int) -> int:
    """Return the seed of the chips of a run."""
    return derive_seed(run_seed, "chips")
