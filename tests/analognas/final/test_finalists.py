"""The race of the finalists, its trainings replaced by given figures: who takes part, who wins, what is said."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import nn

import analognas
from analognas.compose import Composition, compose
from analognas.config.document import parse_document
from analognas.config.loader import validate_document
from analognas.evaluation.full_training import FullTraining, FullyTrained, Measured
from analognas.executors.executor import Outcome
from analognas.executors.serial import SerialExecutor
from analognas.final.ending import Entrant
from analognas.final.finalists import choose_finalist
from analognas.final.leaders import leading_trials
from analognas.progress.observer import Silent
from analognas.record.trial import DriftRecord, Failure, Trial
from analognas.record.validation import Finalist
from analognas.strategies.random import RandomSearch
from analognas.strategies.start_from import reference_candidate
from search_spaces import published
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import SMALL, TINY, write_small

CURVE = DriftRecord((1.0,), ((0.9,),))
TRIALS = [a_trial(number, accuracy=accuracy) for number, accuracy in ((1, 0.9), (2, 0.8), (3, 0.7))]


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)


def parts(changes: Mapping[str, str]) -> Composition:
    text = SMALL
    for before, after in {"{parameters: 20000}": "{}", **changes}.items():
        assert before in text
        text = text.replace(before, after)
    document = parse_document(text, "search.yaml")
    return compose(validate_document(document, Path()))


def race(
    figures: Mapping[str, Mapping[str, float] | None],
    changes: Mapping[str, str] | None = None,
    trials: list[Trial] = TRIALS,
) -> tuple[Entrant, tuple[Finalist, ...], list[str]]:
    """Run a race in which every entrant, a trial by its number, measures `figures`; None diverges.

    A further training measures what stands under `NAME-seed-2`, or the same.
    """
    told = Told()
    ending = parts(changes or {}).ending
    ended = choose_finalist(ending, SerialExecutor(measuring(figures, trials)), trials, trials[0], told)
    n_trained = sum(map(len, ended.trained.values()))
    assert n_trained == sum(not finalist.failure for finalist in ended.finalists)
    return ended.winner, ended.finalists, told.stages


def measuring(
    figures: Mapping[str, Mapping[str, float] | None], trials: list[Trial] = TRIALS
) -> Callable[[FullTraining], Outcome[FullTraining, FullyTrained]]:
    """Return a training that measures the given figures."""
    by_genotype = {trial.genotype: str(trial.number) for trial in trials}

    def trained(training: FullTraining) -> Outcome[FullTraining, FullyTrained]:
        genotype = training.genotype
        name = training.architecture["name"] if genotype is None else by_genotype[genotype]
        assert training.key.startswith(f"finalist-{name}")
        given = figures.get(training.key.removeprefix("finalist-"), figures[name])
        if given is None:
            return Outcome(training, Failure("training diverged", ""), 1, 0.0, "", {})
        measured = Measured({**TRIALS[0].metrics, **given}, CURVE, None)
        return Outcome(training, FullyTrained(b"", {}, {"validation": measured}), 1, 0.0, "", {})

    return trained


SEEDS = {"final: {": "final: {finalists: 3, seeds: 2, shortlist: 2, "}


def test_a_second_round_trains_the_best_and_the_references_again() -> None:
    figures = {"1": accuracy(0.9), "2": accuracy(0.8), "3": accuracy(0.85), "resnet8": accuracy(0.7)}
    figures["1-seed-2"] = accuracy(0.6)  # the best of the first round was luck
    chosen, finalists, stages = race(figures, SEEDS)
    assert chosen is TRIALS[2]
    assert [(finalist.trial or finalist.reference, finalist.repeat) for finalist in finalists] == [
        *((1, 0), (2, 0), (3, 0), ("resnet8", 0)),
        *((1, 1), (3, 1), ("resnet8", 1)),
    ]
    assert "second round, 1 of 3: training trial 1 with seed 2" in stages


def test_who_fails_in_the_first_round_is_not_in_the_second() -> None:
    figures = {"1": None, "2": accuracy(0.8), "3": accuracy(0.7), "resnet8": None}
    chosen, finalists, _ = race(figures, SEEDS)
    assert chosen is TRIALS[1]
    assert [finalist.trial for finalist in finalists if finalist.repeat] == [2, 3]


def test_under_a_soft_bound_every_second_finalist_is_the_best_at_its_word() -> None:
    bounded = {"{parameters: 20000}": "{avm: 0.05}"}
    ending = parts({**bounded, "final: {": "final: {finalists: 4, "}).ending
    trials = [a_trial(number, accuracy=0.9 - number / 100) for number in range(1, 7)]
    for trial in trials:
        trial.metrics["avm"] = 0.1 if trial.number <= 4 else 0.01
    ending = replace(ending, strategy=RandomSearch())
    assert [trial.number for trial in leading_trials(ending, trials)] == [1, 5, 2, 6]


def test_the_best_training_of_the_winner_is_exported() -> None:
    figures = {
        "1": accuracy(0.8),
        "1-seed-2": accuracy(0.9),
        "1-seed-3": accuracy(0.7),
        "resnet8": accuracy(0.5),
    }
    ending = parts({"final: {": "final: {seeds: 3, "}).ending
    ended = choose_finalist(ending, SerialExecutor(measuring(figures)), TRIALS, TRIALS[0], Told())
    assert ended.winner is TRIALS[0]
    assert ended.exported == 1


def test_several_finalists_are_those_that_the_surrogate_believes_in(monkeypatch) -> None:
    ending = parts({"final: {": "final: {finalists: 2, "}).ending
    believed = np.array([0.1, 0.9, 0.5])
    monkeypatch.setattr("analognas.final.leaders.posterior_worth", lambda *_: believed)
    assert leading_trials(ending, TRIALS) == [TRIALS[1], TRIALS[2]]
    assert leading_trials(replace(ending, n_finalists=1), TRIALS) == [TRIALS[0]]


def accuracy(value: float, **more: float) -> dict[str, float]:
    return {"accuracy_1d": value, **more}


def test_a_reference_that_is_better_on_validation_wins() -> None:
    chosen, finalists, stages = race({"1": accuracy(0.8), "resnet8": accuracy(0.9)})
    assert chosen == "resnet8"
    assert [(finalist.trial, finalist.reference) for finalist in finalists] == [(1, ""), (None, "resnet8")]
    assert finalists[1].metrics["accuracy_1d"] == 0.9
    assert stages[0] == "training finalist 1 of 2 (trial 1)"
    assert stages[2] == "training the reference resnet8 at full budget, as finalist 2 of 2"
    assert stages[3].startswith("the reference resnet8 at full budget, validation: 1-day accuracy 90.00 ")


def test_of_a_race_that_a_reference_wins_the_best_trial_is_remembered() -> None:
    figures = {"1": accuracy(0.7), "2": accuracy(0.8), "3": None, "resnet8": accuracy(0.9)}
    ending = parts({"final: {": "final: {finalists: 3, "}).ending
    won = choose_finalist(ending, SerialExecutor(measuring(figures)), TRIALS, TRIALS[0], Told())
    assert (won.winner, won.runner_up) == ("resnet8", TRIALS[1])
    figures["2"] = accuracy(0.95)
    lost = choose_finalist(ending, SerialExecutor(measuring(figures)), TRIALS, TRIALS[0], Told())
    assert (lost.winner, lost.runner_up) == (TRIALS[1], None)


def test_a_reference_that_is_behind_loses() -> None:
    finalists = {"final: {": "final: {finalists: 2, "}
    figures = {"1": accuracy(0.8), "2": accuracy(0.85), "resnet8": accuracy(0.84)}
    chosen, raced, _ = race(figures, finalists)
    assert chosen is TRIALS[1]
    assert len(raced) == 3


@pytest.mark.parametrize(("parameters", "winner"), [(500.0, "resnet8"), (2000.0, 1), (1000.0, 1)])
def test_of_equal_networks_the_smaller_one_wins_and_then_the_trial(monkeypatch, parameters, winner) -> None:
    figures = {"1": accuracy(0.8), "resnet8": accuracy(0.8, parameters=parameters)}
    chosen, _, _ = race(figures)
    assert (chosen if isinstance(chosen, str) else chosen.number) == winner


@pytest.mark.parametrize(
    "constraints", ["{parameters: 20000}", "{parameters: 77897}", "{macs: 700000}", "{tiles: 20}"]
)
def test_a_reference_beyond_a_hard_bound_cannot_win(constraints) -> None:
    chosen, finalists, stages = race({}, {"constraints: {}": f"constraints: {constraints}"})
    assert (chosen, finalists) == (TRIALS[0], ())
    (stage,) = stages
    metric, bound = constraints.strip("{}").split(": ")
    assert stage.startswith(
        f"the reference resnet8 is reported and cannot win: it breaks `{metric} <= {int(bound):,}` ("
    )


@pytest.mark.parametrize("constraints", ["{parameters: 77898}", "{tiles: 21}"])
def test_a_reference_at_a_hard_bound_takes_part(constraints) -> None:
    bound = {"constraints: {}": f"constraints: {constraints}"}
    assert race({"1": accuracy(0.8), "resnet8": accuracy(0.9)}, bound)[0] == "resnet8"


def test_a_reference_that_breaks_a_soft_bound_is_worth_what_a_trial_would_be() -> None:
    figures = {"1": accuracy(0.8, avm=0.01), "resnet8": accuracy(0.82, avm=0.2)}
    bound = {"constraints: {}": "constraints: {avm: 0.05}"}
    assert race(figures, bound)[0] is TRIALS[0]
    figures["1"] = accuracy(0.3, avm=0.01)
    assert race(figures, bound)[0] == "resnet8"


@pytest.mark.parametrize(
    "changes",
    [
        {"name: small": "name: small\nreferences: []"},
        {"name: small": "name: small\nfurther_objectives: [parameters]\nchoice: knee"},
    ],
)
def test_one_finalist_without_references_to_race_with_is_chosen_at_once(changes) -> None:
    assert race({}, changes) == (TRIALS[0], (), [])


def test_the_knee_is_chosen_among_trials_alone() -> None:
    changes = {
        "name: small": "name: small\nfurther_objectives: [parameters]\nchoice: knee",
        "final: {": "final: {finalists: 2, ",
    }
    chosen, finalists, _ = race({"1": accuracy(0.8), "2": accuracy(0.85)}, changes)
    assert chosen is TRIALS[1]
    assert [finalist.reference for finalist in finalists] == ["", ""]


@pytest.mark.parametrize(
    ("trial", "reference", "winner"), [(None, 0.2, "resnet8"), (0.1, None, 1), (None, None, 1)]
)
def test_who_cannot_be_trained_leaves_the_choice_to_the_others(trial, reference, winner) -> None:
    figures = {
        name: None if value is None else accuracy(value)
        for name, value in (("1", trial), ("resnet8", reference))
    }
    chosen, finalists, stages = race(figures)
    assert (chosen if isinstance(chosen, str) else chosen.number) == winner
    assert [finalist.failure != "" for finalist in finalists] == [trial is None, reference is None]
    assert ("the reference resnet8 at full budget: failed: training diverged" in stages) == (
        reference is None
    )


def test_the_expected_time_of_a_reference_is_that_of_a_trial_of_its_counterpart() -> None:
    space = {
        "oc0: [8, 12], m: [1, 2]": "oc0: [8, 16], m: [1, 3]",
        "name: small": "name: small\nreferences: [resnet8, ds-cnn]",
    }
    counterpart = reference_candidate(parts(space).problem, "resnet8")
    trials = [
        a_trial(1, genotype=counterpart, wall_time_s=120.0),
        a_trial(2, accuracy=0.8, wall_time_s=1.0),
    ]
    figures = {"1": accuracy(0.8), "resnet8": accuracy(0.9), "ds-cnn": accuracy(0.7)}
    _, _, stages = race(figures, space, trials)
    announced = [stage for stage in stages if stage.startswith("training ")]
    assert announced == [
        "training finalist 1 of 3 (trial 1), about 3 min",
        "training the reference resnet8 at full budget, as finalist 2 of 3, about 3 min",
        "training the reference ds-cnn at full budget, as finalist 3 of 3",
    ]


T100 = {
    "oc0: [8, 12], m: [1, 2], r: [1, 1], b: [1, 2], wf: [1, 2]": "oc0: [8, 64], ks0: [1, 7]",
    "name: small": "name: small\nreferences: [resnet8, analognas-cifar10-t100]",
}


@pytest.mark.parametrize("finds", [0.9, None])
def test_a_reference_that_is_a_finalist_is_trained_once(finds: float | None) -> None:
    name = "analognas-cifar10-t100"
    candidate = reference_candidate(parts(T100).problem, name)
    trials = [a_trial(1, genotype=candidate, accuracy=0.9), a_trial(2, accuracy=0.8)]
    figures = {"1": None if finds is None else accuracy(finds), "resnet8": accuracy(0.5)}
    winner, finalists, stages = race(figures, T100, trials)  # no figures for it: it is no training of its own
    assert [(finalist.trial, finalist.reference) for finalist in finalists] == [
        (1, ""),
        (None, "resnet8"),
        (None, name),
    ]
    assert (finalists[2].metrics, finalists[2].failure) == (finalists[0].metrics, finalists[0].failure)
    assert stages[-1] == f"the reference {name} is trial 1: its training counts for both"
    assert winner == (trials[0] if finds else "resnet8")


def test_a_counterpart_is_another_network_and_both_are_trained() -> None:
    space = {"oc0: [8, 12], m: [1, 2]": "oc0: [8, 16], m: [1, 3]"}
    composed = parts(space)
    candidate = reference_candidate(composed.problem, "resnet8")
    trials = [a_trial(1, genotype=candidate)]
    _, finalists, _ = race({"1": accuracy(0.8), "resnet8": accuracy(0.9)}, space, trials)
    assert [finalist.metrics["accuracy_1d"] for finalist in finalists] == [0.8, 0.9]


@pytest.mark.slow
def test_a_run_whose_reference_diverges_ends_without_it(monkeypatch, tmp_path) -> None:
    def diverging(name: str, input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
        network = published(name, input_shape, n_classes)
        network.register_forward_hook(lambda _module, _inputs, logits: logits * float("nan"))
        return network

    monkeypatch.setattr("analognas.evaluation.evaluator.published", diverging)
    told = Told()
    changes = ["search.trials=4", "search.strategy.initial=4", "references=[resnet8]", "constraints={}"]
    run = analognas.search(
        write_small(tmp_path, TINY), out=tmp_path / "run", overrides=changes, observer=told
    )
    assert any(text.startswith("resnet8 is left out: ") for text in told.stages)
    assert run.result is not None
    assert run.result.references == ()
    assert [bool(finalist.failure) for finalist in run.result.finalists] == [False, True]
    assert run.best.network() is not None
    assert run.report().exists()
