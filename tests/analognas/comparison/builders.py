"""Outcomes of searches that nobody ran."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from analognas.comparison.outcome import RunOutcome, outcome
from analognas.comparison.plan import ComparisonPlan, PlannedRun, plan_comparison
from analognas.comparison.result import Comparison
from analognas.config.document import parse_document
from analognas.record.correct_images import CorrectImages
from analognas.record.trial import DriftRecord, Trial
from analognas.record.validation import FinalResult, ValidatedNetwork
from analognas.specs.durations import DAY_S
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import SMALL

IMAGES = 200


def a_plan(
    out: Path,
    strategies: Sequence[str] | Mapping[str, str] = ("surrogate-guided", "random"),
    seeds: int | Sequence[int] = 2,
) -> ComparisonPlan:
    return plan_comparison(parse_document(SMALL, "small.yaml"), Path(), strategies, seeds, out)


def a_network(accuracy: float, seed: int, name: str = "best", chips: int = 3) -> ValidatedNetwork:
    """A network that finds the first images on every chip, and each chip one more than the chip before."""
    right = round(accuracy * IMAGES)
    rng = np.random.default_rng([seed, right])
    hard = np.argsort(np.arange(IMAGES) + rng.normal(0, 10, IMAGES))
    correct = np.zeros((chips, IMAGES), dtype=bool)
    for chip in range(chips):
        correct[chip, hard[: right + chip - 1]] = True
    metrics = {**a_trial().metrics, "accuracy_1d": float(correct.mean())}
    curve = DriftRecord((1.0, DAY_S), (tuple(correct.mean(1).tolist()),) * 2)
    return ValidatedNetwork(
        name, {"name": name}, metrics, {"test": 0.9}, {"test": curve}, {}, CorrectImages.packed(correct)
    )


def some_trials(accuracies: Sequence[float | None]) -> list[Trial]:
    """One trial for each accuracy, failed where there is none."""
    return [
        a_trial(number, failed=accuracy is None, accuracy=accuracy or 0.0)
        for number, accuracy in enumerate(accuracies, start=1)
    ]


def an_outcome(
    planned: PlannedRun, found: float, reference: float = 0.9, trials: Sequence[float | None] = (0.5,) * 8
) -> RunOutcome:
    result = FinalResult(
        trial=1,
        network=a_network(found, planned.seed),
        references=(a_network(reference, 99 + planned.seed, "resnet8"),),
        surrogate={},
    )
    return outcome(planned, some_trials(trials), result, 5)


def a_comparison(plan: ComparisonPlan, outcomes: Sequence[RunOutcome]) -> Comparison:
    return Comparison(
        plan.name, plan.path, plan.strategies, plan.seeds, ("resnet8",), plan.design, tuple(outcomes)
    )


def with_exported_reference(run: RunOutcome) -> RunOutcome:
    """The same search at whose end the reference was better and was exported."""
    own = () if run.network is None else (replace(run.network, name="runner-up"),)
    return replace(run, network=run.references[0], runner_up=own)
