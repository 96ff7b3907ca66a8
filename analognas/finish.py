"""The end of a run: the best candidate at full budget, next to the references, on the test split."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import torch
from torch import nn

from analognas.compose import Composition, final_budget
from analognas.config.sections import SearchConfig
from analognas.evaluation.evaluator import chip_seed
from analognas.evaluation.measure import accuracy_on_chips, cost_metrics, drift_metrics
from analognas.evaluation.training import TrainedNetwork, train_network
from analognas.history import history_of
from analognas.observer import Observer
from analognas.record.directory import RunDirectory
from analognas.record.trial import Trial
from analognas.record.validation import ValidatedNetwork
from analognas.seeds import derive_seed, numpy_generator
from analognas.strategies.specs import surrogate_spec
from analognas.training.loop import accuracy
from search_spaces import published
from surrogates import held_out_tau, make_surrogate

TARGETS: Final = ("accuracy_1d", "std_1d", "avm")
FOLDS: Final = 10
FEWEST_FOR_TAU: Final = 8


def train_best(
    config: SearchConfig, composition: Composition, best: Trial, observer: Observer
) -> tuple[TrainedNetwork, ValidatedNetwork]:
    """Train the candidate of `best` at full budget and validate it."""
    observer.stage(f"training the best candidate (trial {best.number}) at full budget")
    network = composition.problem.space.build(best.genotype)
    return _train_and_validate(config, composition, "best", network, best.architecture, observer)


def train_references(
    config: SearchConfig, composition: Composition, observer: Observer
) -> list[ValidatedNetwork]:
    """Train and validate the reference networks under the same budget and hardware."""
    validated = []
    for name in config.references:
        observer.stage(f"training the reference {name} at full budget")
        network = published(name, composition.task.input_shape, composition.task.n_classes)
        validated.append(_train_and_validate(config, composition, name, network, {"name": name}, observer)[1])
    return validated


def _train_and_validate(
    config: SearchConfig,
    composition: Composition,
    name: str,
    network: nn.Module,
    architecture: Any,
    observer: Observer,
) -> tuple[TrainedNetwork, ValidatedNetwork]:
    task, budget = composition.prepared, final_budget(config.training, config.final)
    torch.set_num_threads(config.executor.threads)
    seed = derive_seed(config.seed, "final", name)
    trained = train_network(network, task, config.hardware, budget, seed)
    observer.stage(f"validating {name} on {config.final.chips} chips")
    curves = {
        split_name: accuracy_on_chips(
            trained.analog,
            split,
            chips=config.final.chips,
            times_s=config.evaluation.times,
            seed=chip_seed(config.seed),
        )
        for split_name, split in (("validation", task.validation), ("test", task.test))
    }
    digital = {
        "validation": trained.digital_accuracy,
        "test": accuracy(trained.network, task.test.x, task.test.y),
    }
    return trained, ValidatedNetwork(
        name=name,
        architecture=architecture,
        metrics={
            **drift_metrics(curves["test"]),
            "digital_accuracy": digital["test"],
            **cost_metrics(trained.network, trained.analog, task),
        },
        digital_accuracy=digital,
        curves=curves,
        training={
            "seed": seed,
            "budget": asdict(budget),
            "validation_accuracy_before_hardware_aware": trained.digital_accuracy_before,
        },
    )


def judge_surrogate(
    config: SearchConfig,
    composition: Composition,
    trials: Sequence[Trial],
    run: RunDirectory,
    observer: Observer,
) -> dict[str, Any]:
    """Cross-validate the surrogate of the strategy on all completed trials and save the one fitted on all of them.

    Returns:
        The content of `FinalResult.surrogate`; empty without a surrogate or with too few trials.
    """
    spec = surrogate_spec(config.search.strategy)
    completed = [trial for trial in trials if trial.status == "completed"]
    if spec is None or len(completed) < FEWEST_FOR_TAU:
        return {}
    observer.stage("measuring the surrogate on held-out trials")
    history = history_of(completed, (), len(completed[0].genotype))
    features = composition.problem.space.encode(history.population)
    targets = history.metrics[list(TARGETS)]
    surrogate = make_surrogate(spec)
    held_out = held_out_tau(surrogate, features, targets, FOLDS, numpy_generator(config.seed, "held-out"))
    surrogate.fit(features, targets, numpy_generator(config.seed, "surrogate")).save(run.surrogate)
    return {
        "kind": spec.kind,
        "tau": {name: None if math.isnan(tau) else tau for name, tau in held_out.tau.items()},
        "undefined": dict(held_out.undefined),
        "trials": len(completed),
        "folds": held_out.folds,
        "measured": {name: targets[name].tolist() for name in TARGETS},
        "predicted": {name: held_out.predictions[name].tolist() for name in TARGETS},
    }
