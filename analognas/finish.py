"""The end of a run: the best candidate at full budget, next to the references, on the test split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from analognas.compose import Composition, final_budget, final_task
from analognas.config.sections import SearchConfig
from analognas.evaluation.evaluator import Evaluator
from analognas.evaluation.measure import cost_metrics, curve_on_chips, drift_metrics, drift_record
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import TrainingBudget, on_tiles, train_network
from analognas.expected_time import expected_time
from analognas.observer import Observer
from analognas.record.correct_images import CorrectImages
from analognas.record.trial import DAY_S, Trial
from analognas.record.validation import ValidatedNetwork
from analognas.seeds import derive_seed
from analognas.training.loop import accuracy
from search_spaces import Genotype, published


@dataclass(frozen=True)
class FullTraining:
    """One of the trainings after the search.

    Attributes:
        name: `best`, or that of a published network.
        genotype: of the best candidate; None for a published network.
        architecture: for the record.
        budget: of the training.
        chips: programmed for the validation.
        seed: of the training.
    """

    name: str
    genotype: Genotype | None
    architecture: Mapping[str, Any]
    budget: TrainingBudget
    chips: int
    seed: int


@dataclass(frozen=True)
class FinalNetwork:
    """The best candidate at full budget.

    Attributes:
        network: plain torch, in evaluation mode.
        analog: the same on crossbar tiles, input ranges calibrated.
        task: the data it was trained on.
        validated: its measurements.
    """

    network: nn.Module
    analog: nn.Module
    task: PreparedTask
    validated: ValidatedNetwork


@dataclass(frozen=True)
class FullyTrained:
    """What came of it.

    Attributes:
        validated: the measurements.
        weights: a safetensors file of the state dict.
    """

    validated: ValidatedNetwork
    weights: bytes


def train_best_and_references(
    config: SearchConfig, composition: Composition, best: Trial, observer: Observer
) -> tuple[FinalNetwork, tuple[ValidatedNetwork, ...]]:
    """Train the candidate of `best` and the references at full budget and validate them, wherever evaluations run.

    Returns:
        The best network, and the measurements of the references.
    """
    budget = final_budget(config.training, config.final)

    def training(name: str, genotype: Genotype | None, architecture: Mapping[str, Any]) -> FullTraining:
        seed = derive_seed(config.seed, "final", name)
        return FullTraining(name, genotype, architecture, budget, config.final.chips, seed)

    trainings = [
        training("best", best.genotype, best.architecture),
        *(training(name, None, {"name": name}) for name in config.references),
    ]
    task = final_task(composition.prepared, config.final)
    expected = expected_time(best, composition.evaluator, budget, len(task.train))
    stages = [
        f"training the {'knee of the front' if config.choice == 'knee' else 'best candidate'} (trial {best.number}) "
        f"at full budget, {config.final.chips} chips{expected}",
        *(f"training the reference {name} at full budget" for name in config.references),
    ]
    evaluator = composition.evaluator  # the same one where it can be: a cluster has its data already
    if task is not composition.prepared:
        evaluator = replace(evaluator, task=task)
    results = composition.place().map(train_and_validate, evaluator, trainings)
    trained = []
    for stage in stages:
        observer.stage(stage)
        trained.append(next(results))
    torch.set_num_threads(config.executor.threads)
    network = _take_up(evaluator, best.genotype, trained[0])
    return network, tuple(result.validated for result in trained[1:])


def _take_up(evaluator: Evaluator, genotype: Genotype, result: FullyTrained) -> FinalNetwork:
    """Return the network of a training that ran elsewhere."""
    network = evaluator.space.build(genotype)
    network.load_state_dict(load(result.weights))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this overload
    network.eval()
    analog = on_tiles(network, evaluator.task, evaluator.hardware)
    return FinalNetwork(network, analog, evaluator.task, result.validated)


def train_and_validate(evaluator: Evaluator, training: FullTraining) -> FullyTrained:
    """Train a network at full budget and validate it on the test split."""
    task = evaluator.data
    torch.set_num_threads(evaluator.threads)
    if training.genotype is None:
        network = published(training.name, task.source.input_shape, task.source.n_classes)
    else:
        network = evaluator.space.build(training.genotype)
    trained = train_network(network, task, evaluator.hardware, training.budget, training.seed)
    splits = {"test": task.test}
    done: dict[str, Any] = {
        "seed": training.seed,
        "budget": asdict(training.budget),
        "inputs": len(task.train),
    }
    if not task.trains_on_validation:
        splits = {"validation": task.validation, **splits}
        done["validation_accuracy_before_hardware_aware"] = trained.digital_accuracy_before
    on_chips = {
        name: curve_on_chips(
            trained.analog,
            split,
            chips=training.chips,
            times_s=evaluator.times_s,
            seed=evaluator.chip_seed,
        )
        for name, split in splits.items()
    }
    curves = {name: drift_record(curve) for name, curve in on_chips.items()}
    digital = {name: accuracy(trained.network, split.x, split.y) for name, split in splits.items()}
    validated = ValidatedNetwork(
        name=training.name,
        architecture=training.architecture,
        metrics={
            **drift_metrics(curves["test"]),
            "digital_accuracy": digital["test"],
            **cost_metrics(trained.network, trained.analog, task),
        },
        digital_accuracy=digital,
        curves=curves,
        training=done,
        correct_1d=CorrectImages.of(on_chips["test"], DAY_S),
    )
    weights = {name: tensor.cpu().contiguous() for name, tensor in trained.network.state_dict().items()}
    return FullyTrained(validated, save(weights))
