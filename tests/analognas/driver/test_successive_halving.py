"""Successive halving: which candidates are promoted, and searches that stop among the rungs."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analognas.driver.loop import SearchLoop
from analognas.driver.rung_weights import WeightsInFolder
from analognas.driver.selection import choose
from analognas.driver.successive_halving import Halving, Ladder
from analognas.errors import UserError
from analognas.executors.executor import Job, Measurement, Outcome
from analognas.executors.serial import SerialExecutor
from analognas.progress.observer import Silent
from analognas.record.journal import Journal, read_trials
from analognas.record.trial import DriftRecord, Failure, Trial, evaluation_key
from analognas.spaces import complete
from analognas.strategies import Objective, SearchProblem
from analognas.strategies.random import RandomSearch
from analognas.strategies.worth import TRIAL
from search_spaces import ResNetSpace
from tests.analognas.parse import parse_config
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import TINY, analognas, write_small

HALVING = Halving(eta=3, rungs=3)


def problem(**bounds: float) -> SearchProblem:
    space = ResNetSpace((1, 8, 8), 10, oc0=(8, 64), m=(1, 2), r=(1, 2), b=(1, 2), wf=(1, 2))
    return SearchProblem(complete(space, (1, 8, 8)), Objective("accuracy_1d", 1), bounds)


def evaluate(job: Job) -> Outcome:
    """Measure a made-up accuracy that grows with the budget; every seventh width fails."""
    width = job.proposal.genotype[0]
    accuracy = (0.5 + width / 200) * (0.5 + 0.5 * job.budget)
    result: Measurement | Failure = Failure("training diverged", "")
    if width % 7:
        metrics = dict(a_trial(accuracy=accuracy).metrics)
        result = Measurement(metrics, DriftRecord((1.0,), ((accuracy,),)))
    return Outcome(job, result, 1, 0.0, "2026-01-01T00:00:00+00:00", {})


def run(folder: Path, observer: Silent | None = None, n_trials: int = 27) -> list[Trial]:
    path = folder / "trials.jsonl"
    loop = SearchLoop(problem(), RandomSearch(), n_trials=n_trials, batch=4, seed=5, halving=HALVING)
    with Journal(path) as journal:
        loop.run(read_trials(path), SerialExecutor(evaluate), journal, observer or Silent())
    return read_trials(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> list[Trial]:
    return run(tmp_path_factory.mktemp("whole"))


def test_one_in_eta_of_a_rung_reaches_the_next(whole) -> None:
    started = [trial for trial in whole if trial.rung == 0]
    assert len({trial.genotype for trial in started}) == len(started) == 27
    for rung in (0, 1):
        completed = [trial for trial in whole if trial.rung == rung and trial.status == "completed"]
        promoted = [trial for trial in whole if trial.rung == rung + 1]
        assert len(promoted) == len(completed) // 3
        below = {trial.genotype: trial.number for trial in completed}
        assert all(below[trial.genotype] < trial.number for trial in promoted)
    assert Counter(trial.budget for trial in whole if trial.rung == 2) == {1.0: 2}


def test_only_full_budgets_are_chosen(whole) -> None:
    best = choose([Objective("accuracy_1d", 1)], {}, whole, "best", TRIAL)
    assert best is not None
    assert best.rung == 2
    assert choose([Objective("accuracy_1d", 1)], {}, [t for t in whole if t.rung < 2], "best", TRIAL) is None


def test_a_promoted_candidate_was_in_the_upper_part_of_its_rung(whole) -> None:
    for position, trial in enumerate(whole):
        if trial.rung:
            rung = [t for t in whole[:position] if t.rung == trial.rung - 1 and t.status == "completed"]
            ranked = sorted(rung, key=lambda t: (-t.metrics["accuracy_1d"], t.number))
            assert trial.genotype in [t.genotype for t in ranked[: len(rung) // 3]]


@pytest.mark.parametrize("stop_after", [1, 4, 6, 9, 14, 20, 33])
def test_a_search_stopped_on_any_rung_ends_as_if_it_had_not_been(tmp_path, whole, stop_after: int) -> None:
    class Stop(Silent):
        def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
            if trial.number == stop_after:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Stop())
    assert run(tmp_path) == whole


def test_candidates_within_the_bounds_are_promoted_first() -> None:
    ladder = Ladder(HALVING, problem(avm=0.03))
    for number, (accuracy, avm) in enumerate([(0.8, 0.35), (0.7, 0.02), (0.7, 0.04)], start=1):
        trial = a_trial(number, accuracy=accuracy)
        ladder.close(Trial(**{**vars(trial), "metrics": {**trial.metrics, "avm": avm}, "budget": 1 / 9}))
    promotion = ladder.promote()
    assert promotion is not None
    assert (promotion.trial.number, promotion.rung) == (2, 1)
    assert ladder.promote() is None


def test_budgets_and_evaluations() -> None:
    assert [HALVING.budget(rung) for rung in range(3)] == pytest.approx([1 / 9, 1 / 3, 1])
    assert HALVING.evaluations(27) == 27 + 9 + 3


def test_too_few_candidates_for_the_rungs_are_refused() -> None:
    text = "task: {kind: digits}\nsearch: {trials: 20, halving: {eta: 3, rungs: 4}}\n"
    with pytest.raises(UserError, match=r"`search.trials >= eta\^\(rungs - 1\)`.* got 20 < 27"):
        parse_config(text, Path())


def test_a_real_search_over_rungs(tmp_path: Path) -> None:
    text = TINY.replace("  batch: 2\n", "  batch: 2\n  halving: {eta: 2, rungs: 2}\n")
    text = text.replace("epochs: 1, learning", "epochs: 2, learning").replace("chips: 2,", "chips: 4,")
    done = analognas("search", write_small(tmp_path, text), "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "run" / "summary.csv")
    assert table.groupby("rung")["number"].count().tolist() == [5, 2]
    assert table.groupby("rung")["budget"].first().tolist() == [0.5, 1.0]
    assert not table[table["rung"] == 0]["feasible"].any()
    assert "trial 7 of 7" in done.stderr
    status = json.loads(analognas("status", tmp_path / "run", "--json").stdout)
    assert (status["trials"], status["finished"]) == (7, 7)
    report = (tmp_path / "run" / "report.html").read_text()
    assert "5 candidates on the first rung of successive halving, 2 evaluated at full budget" in report
    assert "trials at full budget met all of them" in report
    done = analognas(
        *("bench", "--table", tmp_path / "run", "--target", "accuracy_1d"),
        *("--strategies", "random", "--budget", "2", "--seeds", "2", "--json"),
    )
    assert json.loads(done.stdout)["rows"] == 2


def test_rungs_that_would_be_equal_are_refused() -> None:
    text = "task: {kind: digits}\ntraining: {digital: {epochs: 2}, hardware_aware: {epochs: 1}}\n"
    text += "evaluation: {chips: 2}\nsearch: {halving: {eta: 2, rungs: 3}}\n"
    with pytest.raises(UserError, match=r"rungs 0 and 1 would be equal: 1 \+ 1 epochs, 2 chips"):
        parse_config(text, Path())


def test_chips_that_learn_cannot_go_on_from_a_rung() -> None:
    text = "task: {kind: digits}\nspace: {kind: staged}\ntraining: {in_memory: {algorithm: agad, device: reram-om}}\n"
    text += "search: {trials: 9, halving: {eta: 3, rungs: 2, continues: true}}\n"
    with pytest.raises(
        UserError, match=r"`search.halving.continues` must be false with `training.in_memory`"
    ):
        parse_config(text, Path())


def test_promoted_candidates_go_on_from_what_the_rung_below_left(tmp_path: Path) -> None:
    begun: dict[tuple[int, tuple[int, ...]], bytes | None] = {}

    def leaving(job: Job) -> Outcome:
        begun[job.rung, job.proposal.genotype] = job.start
        outcome = evaluate(job)
        if isinstance(outcome.result, Failure) or job.budget == 1:
            return outcome
        return replace(outcome, result=replace(outcome.result, weights=f"{job.key} {job.rung}".encode()))

    halving = Halving(eta=3, rungs=3, continues=True)
    loop = SearchLoop(problem(), RandomSearch(), n_trials=27, batch=4, seed=5, halving=halving)
    kept = WeightsInFolder(tmp_path / "rungs")
    with Journal(tmp_path / "trials.jsonl") as journal:
        trials = loop.run([], SerialExecutor(leaving), journal, Silent(), weights=kept)
    assert {rung for rung, _ in begun} == {0, 1, 2}
    for (rung, genotype), start in begun.items():
        below = evaluation_key(genotype, rung - 1) if rung else ""
        assert start == (f"{below} {rung - 1}".encode() if rung else None)
    assert [trial.rung for trial in trials].count(2) == 2
    kept.remove()
    assert kept.of(evaluation_key(trials[0].genotype, 0)) is None


def test_a_real_search_whose_rungs_go_on(tmp_path: Path) -> None:
    text = TINY.replace("  batch: 2\n", "  batch: 2\n  halving: {eta: 2, rungs: 2, continues: true}\n")
    text = text.replace("epochs: 1, learning", "epochs: 2, learning").replace("chips: 2,", "chips: 4,")
    path = write_small(tmp_path, text)
    plan = analognas("search", path, "--dry-run")
    assert "2 candidates: after 1 digital epochs 1 digital + 1 hardware-aware epochs" in plan.stdout, (
        plan.stdout
    )
    done = analognas("search", path, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run" / "rungs").exists()
    again = analognas("replay", tmp_path / "run", "--evaluate")
    assert again.returncode == 0, again.stderr
