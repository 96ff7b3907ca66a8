"""A training at full budget and what chips make of it: the jobs of the race and of the trainings after every choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from analognas.compose import final_budget
from analognas.config.sections import SearchConfig
from analognas.errors import EvaluationError
from analognas.evaluation.evaluator import Evaluator
from analognas.evaluation.measure import cost_metrics, curve_on_chips, drift_metrics, drift_record
from analognas.evaluation.training import TrainingBudget, on_tiles, train_network
from analognas.final.references import BEST, build_network
from analognas.record.correct_images import CorrectImages
from analognas.record.trial import DriftRecord, Trial
from analognas.record.validation import ValidatedNetwork
from analognas.specs.durations import DAY_S
from analognas.training.loop import accuracy
from search_spaces import Genotype

Entrant: TypeAlias = Trial | str
"""Who takes part in the race, and who wins it: a trial's candidate, or a reference by its name."""


@dataclass(frozen=True)
class Measured:
    """What chips make of a network on one split.

    Attributes:
        metrics: the figures of `analognas.record.trial`.
        curve: accuracy of every chip at every time.
        correct_1d: whether each chip finds the class of each image after a day; None where that is not known.
    """

    metrics: Mapping[str, float]
    curve: DriftRecord
    correct_1d: CorrectImages | None


@dataclass(frozen=True)
class FullyTrained:
    """A network at full budget.

    Attributes:
        weights: a safetensors file of the state dict.
        training: what was done, for the record.
        measured: by split.
    """

    weights: bytes
    training: Mapping[str, Any]
    measured: Mapping[str, Measured]


@dataclass(frozen=True)
class FullTraining:
    """A network to be trained at full budget and measured.

    Attributes:
        name: `best` for a trial's candidate, or that of a published network.
        genotype: of the candidate; None for a published network.
        architecture: for the record.
        budget: of the training.
        chips: programmed for each split.
        seed: of the training.
        splits: that it is measured on.
        trained: what was trained and measured already, which is not done again.
    """

    name: str
    genotype: Genotype | None
    architecture: Mapping[str, Any]
    budget: TrainingBudget
    chips: int
    seed: int
    splits: tuple[Literal["validation", "test"], ...]
    trained: FullyTrained | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        config: SearchConfig,
        entrant: Entrant,
        seed: int,
        splits: tuple[Literal["validation", "test"], ...],
        trained: FullyTrained | None = None,
    ) -> FullTraining:
        """Return the training of a trial's candidate or of a reference at the full budget of a run."""
        trial = None if isinstance(entrant, str) else entrant
        name = entrant if isinstance(entrant, str) else BEST
        return cls(
            name=name,
            genotype=None if trial is None else trial.genotype,
            architecture={"name": name} if trial is None else trial.architecture,
            budget=final_budget(config.training, config.final),
            chips=config.final.chips,
            seed=seed,
            splits=splits,
            trained=trained,
        )

    def untrained(self, evaluator: Evaluator) -> nn.Module:
        """Return the network with weights that are still to be trained or loaded."""
        source = evaluator.task.source
        return build_network(
            evaluator.space, self.genotype, self.architecture, source.input_shape, source.n_classes
        )

    def validated(self, result: FullyTrained) -> ValidatedNetwork:
        """Return the record of a result that was measured on the test split."""
        test = result.measured["test"]
        return ValidatedNetwork(
            name=self.name,
            architecture=self.architecture,
            metrics=test.metrics,
            digital_accuracy={
                name: split.metrics["digital_accuracy"] for name, split in result.measured.items()
            },
            curves={name: split.curve for name, split in result.measured.items()},
            training=result.training,
            correct_1d=test.correct_1d,
        )


def train_in_full(evaluator: Evaluator, training: FullTraining) -> FullyTrained | str:
    """Train a network at full budget and measure it; a text tells why that was not possible."""
    torch.set_num_threads(evaluator.threads)
    task = evaluator.data
    before = training.trained
    try:
        if before is None:
            trained = train_network(
                training.untrained(evaluator), task, evaluator.hardware, training.budget, training.seed
            )
            done: dict[str, Any] = {
                "seed": training.seed,
                "budget": asdict(training.budget),
                "inputs": len(task.train),
            }
            if not task.trains_on_validation:
                done["validation_accuracy_before_hardware_aware"] = trained.digital_accuracy_before
            before = FullyTrained(save(_state(trained.network)), done, {})
            network, analog = trained.network, trained.analog
        else:
            network = with_weights(training.untrained(evaluator), before.weights).to(task.device)
            analog = on_tiles(network, task, evaluator.hardware)
        measured: dict[str, Measured] = {
            name: _measured(evaluator, training.chips, network, analog, name) for name in training.splits
        }
    except EvaluationError as error:
        return str(error)
    return FullyTrained(before.weights, before.training, {**before.measured, **measured})


def with_weights(network: nn.Module, weights: bytes) -> nn.Module:
    """Return `network` with the weights of a safetensors file, channels last, in evaluation mode."""
    network.load_state_dict(load(weights))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this overload
    return network.eval()


def _measured(evaluator: Evaluator, chips: int, network: nn.Module, analog: nn.Module, name: str) -> Measured:
    task = evaluator.data
    split = task.test if name == "test" else task.validation
    curve = curve_on_chips(analog, split, chips=chips, times_s=evaluator.times_s, seed=evaluator.chip_seed)
    record = drift_record(curve)
    metrics = {
        **drift_metrics(record),
        "digital_accuracy": accuracy(network, split.x, split.y),
        **cost_metrics(network, analog, task),
    }
    return Measured(metrics, record, CorrectImages.of(curve, DAY_S))


def _state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
