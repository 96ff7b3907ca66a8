"""What is made of the searches of a comparison: means, intervals, wasted trials, the text and the JSON of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from analognas.comparison.outcome import not_finished, outcome
from analognas.record.validation import RUNNER_UP, FinalResult, RunnerUp
from analognas.report.verdict import comparisons
from analognas.strategies.problem import Objective
from tests.analognas.comparison.builders import (
    a_comparison,
    a_network,
    a_plan,
    an_outcome,
    some_trials,
    with_exported_reference,
)


@pytest.fixture
def plan(tmp_path):
    return a_plan(tmp_path / "out", seeds=4)


def test_differences_are_those_of_the_accuracies_with_what_varied(plan) -> None:
    found = {"surrogate-guided": 0.95, "random": 0.8}
    runs = [an_outcome(run, found[run.strategy] + 0.01 * (run.seed % 2)) for run in plan.runs]
    guided, random = a_comparison(plan, runs).summaries
    assert guided.accuracy_1d == pytest.approx(0.955, abs=0.001)
    assert guided.spread == pytest.approx(np.std([0.0, 0.01] * 2, ddof=1))
    difference = guided.differences["resnet8"]
    assert difference is not None
    assert difference.mean == pytest.approx(0.055, abs=0.001)
    assert (difference.seeds, difference.chips, difference.images) == (4, 3, 200)
    assert not difference.level
    assert guided.to_first is None
    assert random.to_first is not None
    assert random.to_first.mean == pytest.approx(-0.15, abs=0.001)
    assert random.to_first.high < 0
    one = runs[0].differences["resnet8"]
    assert one is not None
    assert one.seeds == 1


def test_a_reference_that_was_exported_does_not_stand_for_what_a_search_found(plan) -> None:
    found = {"surrogate-guided": 0.85, "random": 0.8}
    runs = [an_outcome(run, found[run.strategy]) for run in plan.runs]
    assert all(summary.own is None for summary in a_comparison(plan, runs).summaries), "nothing is hidden"
    runs = [with_exported_reference(run) if run.seed % 2 else run for run in runs]
    guided, random = a_comparison(plan, runs).summaries
    assert (guided.references_exported, random.references_exported) == (2, 2)
    assert guided.own is not None
    assert random.own is not None
    assert guided.own.accuracy_1d == pytest.approx(0.85, abs=0.001)
    own, shown = guided.own.differences["resnet8"], guided.differences["resnet8"]
    assert own is not None
    assert shown is not None
    assert own.mean == pytest.approx(-0.05, abs=0.001)
    assert shown.mean == pytest.approx(-0.025, abs=0.001), "half of the searches exported the reference"
    assert guided.own.to_first is None
    assert random.own.to_first is not None
    assert random.own.to_first.mean == pytest.approx(-0.05, abs=0.001)
    text = a_comparison(plan, runs).to_text()
    (row,) = [line for line in text.splitlines() if line.startswith("random  ") and "80.00 %  " in line]
    assert row.endswith(str(random.own.to_first))
    unknown = a_comparison(plan, [replace(run, runner_up=()) for run in runs]).summaries[0].own
    assert unknown is not None
    assert (unknown.accuracy_1d, unknown.differences) == (None, {"resnet8": None})


def test_strategies_are_compared_over_the_seeds_that_both_finished(plan) -> None:
    runs = [an_outcome(run, 0.9 if run.strategy == "random" else 0.95) for run in plan.runs]
    runs[1] = outcome(plan.runs[1], some_trials([0.2] * 8), None, 5, "all 8 trials failed")
    runs[6:] = [not_finished(planned) for planned in plan.runs[6:]]
    comparison = a_comparison(plan, runs)
    guided, random = comparison.summaries
    assert (guided.seeds, random.seeds) == ((0, 1, 2), (1, 2))
    assert random.to_first is not None
    assert random.to_first.seeds == 2
    assert random.trials == 24, "a search without a network took its trials"
    text = comparison.to_text()
    assert "random, seed 0: all 8 trials failed" in text
    assert "random, seed 3: not begun" in text


def test_the_row_of_a_search_is_the_mean_of_its_final_trainings(plan) -> None:
    run = an_outcome(plan.runs[0], 0.95)
    assert run.network is not None
    trainings = (
        {"accuracy_1d": 0.91, "std_1d": 0.004, "avm": 0.02},
        {"accuracy_1d": 0.93, "std_1d": 0.002, "avm": 0.04},
    )
    first, second = (
        replace(run.network, metrics={**run.network.metrics, **metrics}, repeat=repeat)
        for repeat, metrics in enumerate(trainings)
    )
    both = replace(run, network=first, further=(replace(second, name="resnet8"), second))
    text = a_comparison(plan, [both]).to_text()
    row = next(line for line in text.splitlines() if line.startswith("surrogate-guided, seed 0"))
    assert "92.00 ± 0.30 %" in row
    assert row.split("%")[1].split()[0] == "3.00"
    written = both.to_json()
    assert (written["trainings"], written["network"]["metrics"]["accuracy_1d"]) == (2, 0.91)
    assert written["mean"]["accuracy_1d"] == pytest.approx(0.92)


def test_without_any_search_there_is_a_table_of_nothing(plan) -> None:
    comparison = a_comparison(plan, [not_finished(planned) for planned in plan.runs])
    assert all(summary.accuracy_1d is None for summary in comparison.summaries)
    assert json.loads(json.dumps(comparison.to_json(), allow_nan=False))["runs"][0]["state"] == "open"
    assert "not begun" in comparison.to_text()
    assert "0 of 8 searches" in repr(comparison)


def test_an_exported_reference_differs_in_nothing_from_itself(plan) -> None:
    run = an_outcome(plan.runs[0], 0.8)
    result = with_exported_reference(run)
    assert np.array_equal(*(result.versus("resnet8") or (1, 2)))
    assert (run.exported_reference, result.exported_reference) == (None, "resnet8")
    comparison = a_comparison(plan, [result, an_outcome(plan.runs[2], 0.8)])
    assert comparison.summaries[0].references_exported == 1
    assert "surrogate-guided: a reference won 1 of 2 races and was exported" in comparison.to_text()
    alone = replace(result, references=())
    assert np.array_equal(*(alone.versus("resnet8") or (1, 2)))


def test_a_record_without_images_has_no_interval(plan) -> None:
    runs = [an_outcome(run, 0.9) for run in plan.runs]
    network = runs[0].network
    assert network is not None
    runs[0] = replace(runs[0], network=replace(network, correct_1d=None))
    guided, random = a_comparison(plan, runs).summaries
    assert guided.differences["resnet8"] is None
    assert random.differences["resnet8"] is not None
    assert random.to_first is None
    assert guided.accuracy_1d is not None


def test_wasted_trials_are_those_after_the_design_that_failed_or_are_far_below_the_best(plan) -> None:
    accuracies = [0.1, 0.1, None, 0.8, 0.1, 0.39, 0.41, None, 0.7, 0.2]
    run = outcome(plan.runs[0], some_trials(accuracies), None, 5)
    assert (run.after_design, run.wasted, run.failed) == (5, 3, 2)
    comparison = a_comparison(plan, [run, *map(not_finished, plan.runs[1:])])
    assert comparison.summaries[0].wasted_share == 0.6
    short = outcome(plan.runs[0], some_trials([0.5] * 4), None, 5)
    assert (short.after_design, short.wasted) == (0, 0)
    assert a_comparison(plan, [short]).summaries[0].wasted_share is None
    hopeless = outcome(plan.runs[0], some_trials([None] * 7), None, 5)
    assert (hopeless.after_design, hopeless.wasted) == (2, 2)


def test_the_best_so_far_is_what_the_search_takes_for_the_best(tmp_path) -> None:
    (planned, *_) = a_plan(tmp_path / "out").runs
    bound = planned.config.constraints.model_copy(update={"avm": 0.05})
    planned = replace(planned, config=planned.config.model_copy(update={"constraints": bound}))
    trials = some_trials([0.5, None, 0.9, 0.7])
    for number, avm in ((0, 0.0), (2, 0.5), (3, 0.0)):
        trials[number] = replace(trials[number], metrics={**trials[number].metrics, "avm": avm})
    assert outcome(planned, trials, None, 1).best_so_far == pytest.approx((0.5, 0.5, 0.9, 0.7))


def test_everything_is_in_the_json(plan) -> None:
    comparison = a_comparison(plan, [an_outcome(run, 0.9) for run in plan.runs])
    values = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert values["seeds"] == [0, 1, 2, 3]
    (_, random) = values["summaries"]
    assert random["to_first"]["held"] == "4 seeds, each with its 3 chips, and 200 test images"
    assert isinstance(random["to_first"]["level"], bool)
    (first, *_) = values["runs"]
    assert first["network"]["metrics"]["accuracy_1d"] == pytest.approx(0.9)
    assert first["differences"]["resnet8"]["seeds"] == 1
    assert len(first["best_so_far"]) == first["trials"] == 8


def test_one_strategy_is_compared_with_references_alone(tmp_path) -> None:
    plan = a_plan(tmp_path / "out", ["random"], seeds=1)
    comparison = a_comparison(plan, [an_outcome(plan.runs[0], 0.9)])
    assert comparison.summaries[0].spread is None
    text = comparison.to_text()
    assert "minus resnet8" in text
    assert "minus random" not in text
    assert "of one seed, and not another seed" in text


def test_the_best_trial_is_compared_with_the_reference_that_won_training_by_training() -> None:
    reference = [replace(a_network(0.95, 1, "resnet8"), repeat=repeat) for repeat in range(2)]
    own = [replace(a_network(0.85, 2, RUNNER_UP), repeat=repeat) for repeat in range(2)]
    result = FinalResult(
        None, reference[1], (reference[1],), {}, further=(reference[0],), runner_up=RunnerUp(3, tuple(own))
    )
    assert result.pairs("resnet8", RUNNER_UP) == list(zip(own, reference, strict=True))
    (sentence,) = comparisons(result, [Objective("accuracy_1d", 1)], {})
    assert sentence.startswith(
        "trial 3, the best of the search, is behind resnet8 on the test split: 10.00 points of 1-day accuracy in the "
        "mean of 2 trainings (95 % interval "
    )
