"""Digital trainings in stages: from weights of the stage before or from none, to the same network."""

import dataclasses
import itertools

import numpy as np
import pytest
from safetensors.torch import load

from analognas.compose import Composition
from analognas.evaluation.evaluator import Evaluator
from analognas.evaluation.training import EarlyStop
from analognas.evaluation.weights import weights_of
from analognas.executors.executor import Job, Measurement
from analognas.record.trial import Failure
from analognas.strategies.strategy import Proposal
from tests.analognas.evaluation.test_training_of_candidates import composition
from tests.analognas.small_search import TINY

STAGES = (1 / 3, 1.0)


@pytest.fixture(scope="module")
def parts() -> Composition:
    return composition(TINY.replace("epochs: 1, learning", "epochs: 3, learning"))


def job(parts: Composition, rung: int) -> Job:
    population = parts.problem.space.sample(64, np.random.default_rng(0))
    genotype = population[parts.problem.admissible(population)][0]
    proposal = Proposal(tuple(genotype.tolist()), "test", {})
    return Job(proposal, 0, 0, 1, rung, STAGES[rung], STAGES[: rung + 1])


def measured(evaluator: Evaluator, job: Job) -> Measurement:
    result = evaluator.evaluate(job).result
    assert isinstance(result, Measurement), result
    return result


def test_a_stage_gives_the_same_from_kept_weights_as_from_none(parts: Composition) -> None:
    first = measured(parts.evaluator, job(parts, 0))
    assert first.weights is not None
    from_none = measured(parts.evaluator, job(parts, 1))
    going_on = measured(parts.evaluator, dataclasses.replace(job(parts, 1), start=first.weights))
    assert (going_on.metrics, going_on.curve) == (from_none.metrics, from_none.curve)
    assert going_on.weights is None  # no rung is above it
    other = load(first.weights)
    for tensor in other.values():
        if tensor.is_floating_point():
            tensor.mul_(0.5)
    network = parts.evaluator.network(job(parts, 1).proposal.genotype)
    network.load_state_dict(other)
    halved = dataclasses.replace(job(parts, 1), start=weights_of(network))
    assert measured(parts.evaluator, halved).metrics != from_none.metrics


def test_a_stage_without_epochs_of_its_own_has_no_training_loss(parts: Composition) -> None:
    budget = dataclasses.replace(
        parts.evaluator.budget, digital=dataclasses.replace(parts.evaluator.budget.digital, epochs=1)
    )
    evaluator = dataclasses.replace(parts.evaluator, budget=budget)
    first = measured(evaluator, job(parts, 0))
    for start in (first.weights, None):
        second = measured(evaluator, dataclasses.replace(job(parts, 1), start=start))
        assert "training_loss" in first.metrics
        assert "training_loss" not in second.metrics


def test_an_early_stop_counts_the_epochs_of_all_stages(parts: Composition) -> None:
    budget = dataclasses.replace(parts.evaluator.budget, early_stop=EarlyStop(2, 0.999))
    evaluator = dataclasses.replace(parts.evaluator, budget=budget)
    first = measured(evaluator, job(parts, 0))
    result = evaluator.evaluate(dataclasses.replace(job(parts, 1), start=first.weights)).result
    assert isinstance(result, Failure)
    assert result.reason.endswith("after 2 of 3 digital epochs")


def test_epochs_of_the_stages_add_up(parts: Composition) -> None:
    budget = dataclasses.replace(
        parts.evaluator.budget, digital=dataclasses.replace(parts.evaluator.budget.digital, updates=100)
    )
    whole = budget.digital.n_epochs(400)
    shares = (0.0, 1 / 9, 1 / 3, 1.0)
    stages = [budget.stage(share, below, 400).digital for below, share in itertools.pairwise(shares)]
    assert sum(stage.n_epochs(400) for stage in stages) == whole > budget.digital.epochs
