"""Candidates that learn on their chips: what a trial measures, what the end of a run keeps, and mistakes."""

import dataclasses
import inspect
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

import hwsim
from analognas.compose import Composition, compose
from analognas.config.document import parse_document
from analognas.config.loader import located_in, validate_document
from analognas.evaluation.evaluator import Evaluator
from analognas.evaluation.full_training import FullTraining
from analognas.evaluation.in_memory import (
    ALGORITHMS,
    InMemory,
    as_learned,
    learn,
    learned_curve,
    weights_into,
)
from analognas.evaluation.timed_trial import TrialTime
from analognas.evaluation.training import EarlyStop
from analognas.executors.executor import Job, Measurement
from analognas.record.trial import Failure
from analognas.runs.plan import plan_of
from analognas.specs.problems import ConfigError
from analognas.strategies.strategy import Proposal
from analognas.training.in_memory_spec import TAKES, DeviceName, InMemorySpec
from tests.analognas.small_search import TINY

SECTION = "  digital: {epochs: 1, learning_rate: 0.01}\n  hardware_aware: {epochs: 1}\n"
assert SECTION in TINY
LEARNING = TINY.replace(
    SECTION,
    "  digital: {epochs: 2, epoch_size: 320, batch_size: 32}\n"
    "  in_memory: {algorithm: mixed-precision, device: ecram}\n",
)


def composition(text: str = LEARNING) -> Composition:
    document = parse_document(text, "search.yaml")
    with located_in(document):
        return compose(validate_document(document, Path()))


@pytest.fixture(scope="module")
def parts() -> Composition:
    return composition()


def job(parts: Composition) -> Job:
    population = parts.problem.space.sample(64, np.random.default_rng(0))
    genotype = population[parts.problem.space.macs(population).argmin()]
    return Job(Proposal(tuple(genotype.tolist()), "test", {}), 0, 0, 1)


@pytest.fixture(scope="module")
def measured(parts) -> Measurement:
    result = parts.evaluator.evaluate(job(parts)).result
    assert isinstance(result, Measurement), result
    return result


def test_chips_learn_each_with_cells_of_its_own(measured) -> None:
    one_second, one_day, _ = measured.curve.accuracy
    assert len(one_day) == 2
    assert any(first != second for first, second in measured.curve.accuracy)
    assert one_second != one_day, "each reading has noise of its own"


def test_the_same_seed_gives_the_same_chips(parts, measured) -> None:
    assert parts.evaluator.evaluate(job(parts)).result == measured


def test_the_same_on_inference_chips_is_something_else(parts, measured) -> None:
    budget = dataclasses.replace(parts.evaluator.budget, in_memory=None)
    other = dataclasses.replace(parts.evaluator, budget=budget).evaluate(job(parts)).result
    assert other.curve != measured.curve


def test_the_end_of_a_run_measures_the_chips_that_learned(parts, measured) -> None:
    """The validation split first, the test split of the same chips later, without learning again."""
    evaluator: Evaluator = parts.evaluator
    training = FullTraining(
        "best", job(parts).proposal.genotype, {}, evaluator.budget, 2, job(parts).seed, ("validation",)
    )
    first = evaluator.train_in_full(training)
    assert len(first.learned) == 2
    assert first.measured["validation"].curve == measured.curve
    later = evaluator.train_in_full(dataclasses.replace(training, splits=("test",), trained=first))
    assert later.learned == first.learned
    assert later.measured["test"].correct_1d is not None
    assert later.measured["test"].curve != measured.curve


def test_hopeless_chips_stop_early(parts) -> None:
    budget = dataclasses.replace(parts.evaluator.budget, early_stop=EarlyStop(1, 0.99))
    result = dataclasses.replace(parts.evaluator, budget=budget).evaluate(job(parts)).result
    assert result == Failure("stopped early: validation accuracy below 0.99 after 1 of 2 digital epochs", "")


def test_a_plan_names_algorithm_and_device_and_times_all_chips(parts) -> None:
    plan = plan_of(parts)
    assert plan.content["in_memory"] == "mixed-precision on ecram"
    assert plan.content["full_budget"]["hardware_aware_epochs"] == 0
    times = TrialTime(**dict.fromkeys((field.name for field in dataclasses.fields(TrialTime)), 0.0))
    budget = parts.evaluator.budget
    two, four = (
        dataclasses.replace(times, digital_update_s=1.0).seconds(budget, 64, 8, chips, 1) for chips in (2, 4)
    )
    assert four == 2 * two == 4 * budget.digital.n_steps(64) > 0


HOW = InMemory("mixed-precision", "ecram", 0.1, 0.1, 0.4, "ideal", {})


@pytest.mark.parametrize(("algorithm", "rate"), [("mixed-precision", 0.1), ("agad", 10.0)])
def test_chips_learn(parts, algorithm: str, rate: float) -> None:
    """A perceptron in six epochs, with all noise."""
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    options = InMemorySpec(algorithm=algorithm, device="ecram").options()
    how = InMemory(algorithm, "ecram", rate, 0.1, 0.4, "preset", options)
    schedule = dataclasses.replace(parts.evaluator.budget.digital, epochs=6, epoch_size=None)
    chip = learn(network, parts.prepared, how, schedule, seed=0, chip_seed=1)
    curve = learned_curve(network, how, [chip], parts.prepared.validation, (1.0,))
    assert curve.accuracy.mean() > 0.75


def test_plain_weights_are_what_an_exact_read_finds(parts) -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 10))
    schedule = parts.evaluator.budget.digital
    before = network[0].weight.detach().clone()
    chip = learn(network, parts.prepared, HOW, schedule, seed=0, chip_seed=1)
    assert torch.equal(network[0].weight, before), "the network stays as it is"
    plain = weights_into(nn.Sequential(*network), chip)
    x = parts.prepared.validation.x[:20]
    torch.testing.assert_close(plain(x), as_learned(network, HOW, chip)(x), rtol=1e-4, atol=1e-4)


def test_a_noisy_read_differs_from_time_to_time(parts) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    noisy = dataclasses.replace(HOW, periphery="preset")
    chip = learn(network, parts.prepared, noisy, parts.evaluator.budget.digital, seed=0, chip_seed=1)
    split = parts.prepared.validation
    curve = learned_curve(network, noisy, [chip], split, (1.0, 60.0))
    assert curve.correct is not None and not np.array_equal(curve.correct[0], curve.correct[1])
    again = learned_curve(network, noisy, [chip], split, (1.0, 60.0))
    assert np.array_equal(curve.correct, again.correct)


def test_the_section_knows_what_the_library_has() -> None:
    assert get_args(DeviceName) == hwsim.learning.device_names()
    assert set(ALGORITHMS) == set(TAKES)
    for name, options in TAKES.items():
        known = inspect.signature(ALGORITHMS[name]).parameters
        for option in ("transfer_every", "transfer_columns", "chop_probability", "tail"):
            assert (option in known) == (option in options), (name, option)
        assert ("periphery" in known) == ("transfer_columns" in TAKES[name])
        assert set(InMemorySpec(algorithm=name, device="ecram").options()) == set(options)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("in_memory: {device: reram-on}", "2:32: training.in_memory.device: must be .*reram-om"),
        ("in_memory: {algorithm: agad}", "training.in_memory.device: this key is required"),
        ("in_memory: {algorithm: adam, device: ecram}", "2:35: training.in_memory.algorithm: must be "),
        (
            "in_memory: {device: ecram, learning_rate: -1}",
            "2:54: training.in_memory.learning_rate: must be > 0",
        ),
        (
            "in_memory: {device: ecram, transfer_every: 0}",
            "2:55: training.in_memory.transfer_every: must be >= 1",
        ),
        (
            "in_memory: {device: ecram, algorithm: ttv2, tail: 3}",
            "2:62: training.in_memory.tail: `tail` must be left out with `algorithm: ttv2`.*agad",
        ),
        (
            "in_memory: {device: ecram}, hardware_aware: {epochs: 2}",
            "training.hardware_aware: `hardware_aware` must be left out",
        ),
        (
            "in_memory: {device: ecram}, mixed_precision: true",
            "2:57: training.mixed_precision: `mixed_precision` must be left out",
        ),
        (
            "in_memory: {device: ecram}, digital: {average_last: 0.5}",
            "training.digital.average_last: `digital.average_last` must be left out.*no array holds",
        ),
    ],
)
def test_mistakes_have_their_place(section: str, said: str) -> None:
    document = parse_document(f"task: {{kind: digits}}\ntraining: {{{section}}}\n", "search.yaml")
    with pytest.raises(ConfigError, match=said) as caught, located_in(document):
        validate_document(document, Path())
    assert "\n" not in str(caught.value)
