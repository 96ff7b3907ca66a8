"""The end of a run: the chosen network at full budget, next to the references, on the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from analognas.finalists import Entrant
from analognas.observer import Observer
from analognas.record.correct_images import CorrectImages
from analognas.record.trial import DAY_S, Trial
from analognas.record.validation import ValidatedNetwork
from analognas.references import BEST, build_network, trial_of_reference
from analognas.seeds import derive_seed
from analognas.training.loop import accuracy
from search_spaces import Genotype


@dataclass(frozen=True)
class FullTraining:
    """One of the trainings after the search.

    Attributes:
        name: `best` for a trial's candidate, or that of a published network.
        genotype: of the candidate; None for a published network.
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
    """The chosen network at full budget.

    Attributes:
        genotype: of a trial's candidate; None for a reference.
        network: plain torch, in evaluation mode.
        analog: the same on crossbar tiles, input ranges calibrated.
        task: the data it was trained on.
        validated: its measurements.
    """

    genotype: Genotype | None
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
    config: SearchConfig,
    composition: Composition,
    chosen: Entrant,
    trials: Sequence[Trial],
    observer: Observer,
) -> tuple[FinalNetwork, tuple[ValidatedNetwork, ...]]:
    """Train what was chosen and the references at full budget and validate them, wherever evaluations run.

    Args:
        config: of the run.
        composition: its parts.
        chosen: the trial whose candidate is exported, or the reference that is; a reference is trained once.
        trials: of the search, which tell how long a training takes.
        observer: is told of each training.

    Returns:
        The chosen network, and the measurements of the references.
    """
    budget = final_budget(config.training, config.final)

    def training(name: str, genotype: Genotype | None, architecture: Mapping[str, Any]) -> FullTraining:
        seed = derive_seed(config.seed, "final", name)
        return FullTraining(name, genotype, architecture, budget, config.final.chips, seed)

    entrants = [chosen, *(name for name in config.references if name != chosen)]
    trainings = [
        training(entrant, None, {"name": entrant})
        if isinstance(entrant, str)
        else training(BEST, entrant.genotype, entrant.architecture)
        for entrant in entrants
    ]
    task = final_task(composition.prepared, config.final)
    stages = []
    for entrant in entrants:
        known = (
            trial_of_reference(entrant, composition.problem, trials) if isinstance(entrant, str) else entrant
        )
        expected = expected_time(known, composition.evaluator, budget, len(task.train))
        stages.append(f"{_announced(config, entrant, is_chosen=entrant is chosen)}{expected}")
    evaluator = composition.evaluator  # the same one where it can be: a cluster has its data already
    if task is not composition.prepared:
        evaluator = replace(evaluator, task=task)
    results = composition.place().map(train_and_validate, evaluator, trainings)
    trained = []
    for stage in stages:
        observer.stage(stage)
        trained.append(next(results))
    torch.set_num_threads(config.executor.threads)
    network = _take_up(evaluator, trainings[0], trained[0])
    validated = {result.validated.name: result.validated for result in trained}
    return network, tuple(validated[name] for name in config.references)


def _announced(config: SearchConfig, entrant: Entrant, *, is_chosen: bool) -> str:
    if not isinstance(entrant, str):
        which = "knee of the front" if config.choice == "knee" else "best candidate"
        return f"training the {which} (trial {entrant.number}) at full budget, {config.final.chips} chips"
    if is_chosen:
        return f"training the reference {entrant}, the best on validation, at full budget, {config.final.chips} chips"
    return f"training the reference {entrant} at full budget"


def _take_up(evaluator: Evaluator, training: FullTraining, result: FullyTrained) -> FinalNetwork:
    """Return the network of a training that ran elsewhere."""
    network = _untrained(evaluator, training)
    network.load_state_dict(load(result.weights))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this overload
    network.eval()
    analog = on_tiles(network, evaluator.task, evaluator.hardware)
    return FinalNetwork(training.genotype, network, analog, evaluator.task, result.validated)


def _untrained(evaluator: Evaluator, training: FullTraining) -> nn.Module:
    source = evaluator.task.source
    return build_network(
        evaluator.space, training.genotype, training.architecture, source.input_shape, source.n_classes
    )


def train_and_validate(evaluator: Evaluator, training: FullTraining) -> FullyTrained:
    """Train a network at full budget and validate it on the test split."""
    task = evaluator.data
    torch.set_num_threads(evaluator.threads)
    trained = train_network(
        _untrained(evaluator, training), task, evaluator.hardware, training.budget, training.seed
    )
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
