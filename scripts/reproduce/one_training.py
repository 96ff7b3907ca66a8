"""One training of a network of a search, judged on chips on the validation split: what scripts share."""

from __future__ import annotations

from typing import Final

import numpy as np
from torch import nn

from analognas.compose import Composition
from analognas.evaluation.measure import curve_on_chips, drift_metrics, drift_record
from analognas.evaluation.training import TrainingBudget, train_network
from search_spaces import published

CHIPS: Final = 8
TIMES_S: Final = (1.0, 86_400.0, 2_592_000.0)


def reference_of(composition: Composition) -> nn.Module:
    """Return the first reference of a search, untrained."""
    task = composition.prepared.source
    return published(composition.config.references[0], task.input_shape, task.n_classes)


def large_candidate(composition: Composition, which: int) -> nn.Module:
    """Return one of the admissible random candidates with over nine tenths of the parameters allowed, untrained."""
    problem = composition.problem
    population = problem.space.sample(20_000, np.random.default_rng(0))
    population = population[problem.admissible(population)]
    large = problem.space.parameters(population) > 0.9 * problem.upper_bounds["parameters"]
    return problem.space.build(tuple(population[large][which].tolist()))


def validated(
    module: nn.Module, composition: Composition, budget: TrainingBudget, seed: int
) -> dict[str, float]:
    """Return drift metrics of a training, and the accuracy in floating point at its end and before the hardware."""
    task = composition.prepared
    trained = train_network(module, task, composition.evaluator.hardware, budget, seed)
    chips = curve_on_chips(trained.analog, task.validation, chips=CHIPS, times_s=TIMES_S, seed=seed)
    return {
        **drift_metrics(drift_record(chips)),
        "digital": trained.digital_accuracy,
        "digital_before": trained.digital_accuracy_before,
    }
