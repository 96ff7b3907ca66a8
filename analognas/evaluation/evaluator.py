"""The evaluation of a candidate: a pure function of candidate, task, hardware, budget and seed."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

import hwsim
from analognas.driver.successive_halving import reduced_chips
from analognas.errors import EvaluationError, UserError
from analognas.evaluation.measure import cost_metrics, curve_on_chips, drift_metrics, drift_record
from analognas.evaluation.memory_need import MemoryNeed, network_that_fits
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import TrainingBudget, train_network
from analognas.executors.device import described, resolve_device
from analognas.executors.executor import Job, Measurement, Outcome, node_name, now_utc
from analognas.record.environment import package_versions
from analognas.record.trial import Failure
from analognas.seeds import derive_seed
from search_spaces import ArchitectureSpace, Genotype


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

    @cached_property
    def data(self) -> PreparedTask:
        """The task on the device, moved there once for all evaluations of this process.

        Raises:
            UserError: when there is no such device.
        """
        return self.task.to(resolve_device(self.device))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the moved task out: another process has other devices."""
        return {name: value for name, value in vars(self).items() if name != "data"}

    def evaluate(self, job: Job) -> Outcome:
        """Evaluate a job; whatever goes wrong with the candidate ends as a failure, not as an exception."""
        start = time.perf_counter()
        torch.set_num_threads(self.threads)
        result: Measurement | Failure
        device = ""
        try:
            device = described(self.data.device)
            result = self.measure(job)
        except (EvaluationError, UserError) as error:
            result = Failure(reason=str(error), traceback="")
        except Exception as error:
            result = Failure(reason=f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
        return Outcome(
            job=job,
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
        trained = train_network(network, self.data, self.hardware, budget, job.seed)
        curve = drift_record(
            curve_on_chips(
                trained.analog,
                self.data.validation,
                chips=reduced_chips(self.chips, job.budget),
                times_s=self.times_s,
                seed=self.chip_seed,
            )
        )
        return Measurement(
            metrics={
                **drift_metrics(curve),
                "digital_accuracy": trained.digital_accuracy,
                **cost_metrics(trained.network, trained.analog, self.task),
            },
            curve=curve,
        )

    def network(self, genotype: Genotype, share: float = 1.0) -> nn.Module:
        """Return the untrained network of a candidate.

        Args:
            genotype: the candidate.
            share: of the epochs and chips that it is to be evaluated with.

        Raises:
            EvaluationError: when it cannot fit into memory; nothing is built then.
        """
        need = MemoryNeed(self.budget, reduced_chips(self.chips, share), len(self.task.train))
        shape = self.task.source.input_shape
        return network_that_fits(self.space, genotype, need, shape, self.data.device)


def chip_seed(run_seed: int) -> int:
    """Return the seed of the chips of a run."""
    return derive_seed(run_seed, "chips")
