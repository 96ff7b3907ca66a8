import pytest

from analognas.final.expected_time import HARDWARE_AWARE_EPOCH, expected_time
from tests.analognas.evaluation.test_training_of_candidates import composition
from tests.analognas.record.builders import a_trial


@pytest.mark.parametrize(
    ("wall_s", "longer", "inputs", "said"),
    [
        (30.0, 8, 1, ", about 4 min"),
        (30.0, 4, 2, ", about 4 min"),
        (30.0, 1, 1, ", about 1 min"),
        (5.0, 3, 1, ""),
    ],
)
def test_the_time_grows_with_epochs_and_inputs(wall_s: float, longer: int, inputs: int, said: str) -> None:
    evaluator = composition().evaluator
    trial = a_trial(1, wall_time_s=wall_s)
    budget = evaluator.budget.reduced(longer)
    assert budget.digital.epochs == longer * evaluator.budget.digital.epochs
    assert expected_time(trial, evaluator, budget, inputs * len(evaluator.task.train)) == said


def test_of_a_network_without_a_trial_no_time_is_known() -> None:
    evaluator = composition().evaluator
    assert expected_time(None, evaluator, evaluator.budget, len(evaluator.task.train)) == ""


def test_a_trial_at_a_part_of_the_budget_counts_as_that_part() -> None:
    evaluator = composition().evaluator
    inputs = len(evaluator.task.train)
    whole = a_trial(1, wall_time_s=60.0)
    half = a_trial(1, wall_time_s=30.0, budget=0.5)
    assert expected_time(whole, evaluator, evaluator.budget, inputs) == ", about 1 min"
    assert expected_time(half, evaluator, evaluator.budget, inputs) == ", about 1 min"
    assert HARDWARE_AWARE_EPOCH > 1
