import math
import re
from dataclasses import replace

import numpy as np
import pytest

from analognas.record.correct_images import CorrectImages
from analognas.record.trial import DriftRecord
from analognas.record.validation import Finalist, FinalResult, ValidatedNetwork
from analognas.report.compromise import broken_at_full_budget
from analognas.report.verdict import comparisons, shortfall
from analognas.specs.durations import DAY_S
from analognas.strategies import Objective
from tests.analognas.record.builders import a_trial

ACCURACY = [Objective("accuracy_1d", 1)]
BOUNDS = {"parameters": 40_000.0, "avm": 0.05}


def network(name: str, chips: tuple[float, ...], parameters: int, avm: float = 0.01) -> ValidatedNetwork:
    mean = sum(chips) / len(chips)
    return ValidatedNetwork(
        name=name,
        architecture={},
        metrics={"accuracy_1d": mean, "digital_accuracy": 0.99, "avm": avm, "parameters": parameters},
        digital_accuracy={"validation": 0.99, "test": 0.99},
        curves={"test": DriftRecord(times_s=(DAY_S,), accuracy=(chips,))},
        training={},
    )


def result(*references: ValidatedNetwork) -> FinalResult:
    found = network("best", (0.97, 0.98), 20_000)
    return FinalResult(trial=1, network=found, references=references, surrogate={})


def test_a_reference_that_is_ahead_is_told_with_its_uncertainty_size_and_broken_constraints() -> None:
    large = network("resnet8", (0.98, 1.00), 78_000, avm=0.1)
    (sentence,) = comparisons(result(large), ACCURACY, BOUNDS)
    error = 100 * 0.01 / math.sqrt(2) / math.sqrt(2)
    assert sentence == (
        f"resnet8 is ahead by 1.50 points of 1-day accuracy (± {error:.2f} over chips alone), has 3.9 times the "
        "parameters; it breaks "
        "`parameters <= 40,000` (78,000), `avm <= 0.05` (0.1)"
    )


def test_an_exported_network_that_breaks_a_soft_bound_is_told_with_the_bound_that_would_allow_it() -> None:
    found = result()
    assert broken_at_full_budget(found, BOUNDS) == ""
    worse = replace(found, network=network("best", (0.97, 0.98), 50_000, avm=0.0731))
    sentence = broken_at_full_budget(worse, BOUNDS)
    assert "AVM 7.31 points where 5.00 points are allowed" in sentence
    assert "`constraints.avm` to 0.074" in sentence
    assert "parameters" not in sentence, "a hard bound is never broken by a trial"


def test_a_reference_within_the_constraints_means_that_the_search_found_nothing_better() -> None:
    small = network("resnet8", (0.98, 0.98), 10_000)
    (sentence,) = comparisons(result(small), ACCURACY, BOUNDS)
    assert (
        "has 0.5 times the parameters; it meets every constraint: this search found nothing better"
        in sentence
    )


def test_a_reference_that_lost_the_race_and_leads_on_the_test_split_says_so() -> None:
    small = network("resnet8", (0.98, 0.98), 10_000)
    raced = replace(result(small), finalists=(Finalist(None, {}, "", reference="resnet8"),))
    (sentence,) = comparisons(raced, ACCURACY, BOUNDS)
    assert sentence.endswith(
        "it meets every constraint, and was behind on the validation split, which decides"
    )


def test_a_reference_that_was_chosen_is_compared_with_the_others_alone() -> None:
    chosen, other = network("resnet8", (0.97, 0.98), 20_000), network("ds-cnn", (0.9, 0.9), 10_000)
    (sentence,) = comparisons(FinalResult(None, chosen, (other, chosen), {}), ACCURACY, BOUNDS)
    assert sentence.startswith("resnet8 is ahead of ds-cnn by ")


def test_a_reference_that_is_worse_in_another_objective_has_not_won() -> None:
    larger = network("resnet8", (0.98, 0.98), 30_000)
    (sentence,) = comparisons(result(larger), [*ACCURACY, Objective("parameters", -1)], BOUNDS)
    assert sentence.endswith(
        "has 1.5 times the parameters; it meets every constraint, and is worse in parameters"
    )


def test_a_reference_that_is_behind_or_equal_is_told_too() -> None:
    behind = network("resnet8", (0.96, 0.98), 10_000)
    equal = replace(behind, name="ds-cnn", metrics={**behind.metrics, "accuracy_1d": 0.975})
    first, second = comparisons(result(behind, equal), ACCURACY, BOUNDS)
    error = 100 * 0.01 / math.sqrt(2) / math.sqrt(2)
    assert first == (
        f"best is ahead of resnet8 by 0.50 points of 1-day accuracy (± {error:.2f} over chips alone), with 2 times its "
        "parameters"
    )
    assert second == (
        f"best is level with ds-cnn: 0.00 points of 1-day accuracy (± {error:.2f} over chips alone), with 2 times its "
        "parameters"
    )
    (digital,) = comparisons(result(behind), [Objective("digital_accuracy", 1)], BOUNDS)
    assert digital.startswith("best is level with resnet8: 0.00 points of ")


def with_images(name: str, right: float, seed: int) -> ValidatedNetwork:
    """A network of which each of 10 chips finds this share of 400 images, mostly the same ones."""
    rng = np.random.default_rng(seed)
    correct = np.tile(rng.random(400) < right, (10, 1)) ^ (rng.random((10, 400)) < 0.01)
    plain = network(name, tuple(correct.mean(axis=1).tolist()), 20_000)
    return replace(plain, correct_1d=CorrectImages.packed(correct))


def test_a_difference_that_the_test_images_cannot_tell_is_level() -> None:
    found, reference = with_images("best", 0.90, 0), with_images("resnet8", 0.89, 1)
    assert found.metrics["accuracy_1d"] != reference.metrics["accuracy_1d"]
    (sentence,) = comparisons(FinalResult(1, found, (reference,), {}), ACCURACY, BOUNDS)
    assert sentence.startswith("best is level with resnet8: ")
    assert "10 chips, 400 images" in sentence


@pytest.mark.parametrize(("found", "reference", "ahead"), [(0.95, 0.7, "best"), (0.7, 0.95, "resnet8")])
def test_a_difference_that_they_can_tell_is_a_lead(found, reference, ahead) -> None:
    networks = with_images("best", found, 0), with_images("resnet8", reference, 1)
    (sentence,) = comparisons(FinalResult(1, networks[0], networks[1:], {}), ACCURACY, BOUNDS)
    assert sentence.startswith(f"{ahead} is ahead ")
    low, high = map(float, re.search(r"interval (\S+) to (\S+),", sentence).groups())
    assert 15 < low < high < 35


@pytest.mark.parametrize(("after", "flagged"), [(0.10, True), (0.18, True), (0.19, False), (0.3, False)])
def test_a_network_far_below_its_trial_is_flagged(after, flagged) -> None:
    told = shortfall(network("best", (after, after), 20_000), a_trial(7, accuracy=0.25))
    assert bool(told) == flagged
    assert not flagged or ("trial 7 had 25.00 %" in told and "`final.digital_updates`" in told)


def test_several_trainings_are_compared_in_the_mean() -> None:
    found, other = result(network("resnet8", (0.96, 0.98), 10_000)), network("resnet8", (0.99, 0.99), 10_000)
    further = (replace(network("best", (0.95, 0.96), 20_000), repeat=1), replace(other, repeat=1))
    (sentence,) = comparisons(replace(found, further=further), ACCURACY, BOUNDS)
    # 0.5 points ahead and 3.5 behind
    assert sentence.startswith(
        "resnet8 is ahead by 1.50 points of 1-day accuracy in the mean of 2 trainings, has 0.5 times"
    )
