"""The search loop on an evaluator that costs nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analognas.driver.history import metrics_of
from analognas.driver.loop import SearchLoop
from analognas.driver.selection import best_trial
from analognas.executors.executor import ExecutorState, Job, Measurement, Outcome
from analognas.executors.serial import SerialExecutor
from analognas.interruption import StopRequest
from analognas.progress.observer import Silent
from analognas.record.journal import Journal, read_trials
from analognas.record.trial import DriftRecord, Failure, Trial
from analognas.spaces import complete
from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.specs import SurrogateGuidedSpec
from analognas.strategies.strategy import Proposal
from analognas.strategies.worth import EXPORTED, TRIAL
from search_spaces import ResNetSpace


def problem(**bounds: float) -> SearchProblem:
    space = ResNetSpace(input_shape=(1, 8, 8), n_classes=10, oc0=(8, 32), m=(1, 2), r=(1, 3), b=(1, 2))
    return SearchProblem(
        complete(space, (1, 8, 8)), Objective("accuracy_1d", 1), {"parameters": 60_000, **bounds}
    )


def evaluate(job: Job) -> Outcome:
    genotype = job.proposal.genotype
    result: Measurement | Failure
    if genotype[0] % 7 == 0:
        result = Failure("training diverged", "")
    else:
        accuracy = 0.5 + (genotype[0] + genotype[1]) / 100
        metrics = {"accuracy_1d": accuracy, "std_1d": 0.01, "avm": genotype[1] / 100, "accuracy_1s": accuracy}
        metrics |= {
            "digital_accuracy": 1.0,
            "parameters": float(genotype[0]),
            "macs": 1.0,
            "tiles": 1.0,
            "utilisation": 0.5,
        }
        result = Measurement(metrics, DriftRecord((1.0,), ((accuracy,),)))
    return Outcome(job, result, 1, 0.0, "2026-01-01T00:00:00+00:00", {})


def loop(n_trials: int = 20, **changes) -> SearchLoop:
    strategy = SurrogateGuidedSpec(initial=8, population=20, iterations=3).build(seed=1)
    return SearchLoop(
        **{"problem": problem(), "strategy": strategy, "n_trials": n_trials, "batch": 4, "seed": 5, **changes}
    )


def run(folder: Path, search: SearchLoop, observer=None, evaluator=evaluate) -> list[Trial]:
    path = folder / "trials.jsonl"
    with Journal(path) as journal:
        search.run(read_trials(path), SerialExecutor(evaluator), journal, observer or Silent())
    return read_trials(path)


def test_the_journal_holds_every_trial_once(tmp_path) -> None:
    trials = run(tmp_path, loop())
    assert [trial.number for trial in trials] == list(range(1, 21))
    assert len({trial.genotype for trial in trials}) == 20
    assert {trial.origin for trial in trials[:8]} == {"filling-design"}
    assert any(trial.origin != "filling-design" for trial in trials[8:])
    assert any(trial.status == "failed" for trial in trials)
    assert all(trial.metrics == {} and trial.failure for trial in trials if trial.status == "failed")


def test_equal_seeds_give_equal_trials_and_other_seeds_other_ones(tmp_path) -> None:
    runs = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        (tmp_path / name).mkdir()
        runs.append(run(tmp_path / name, loop(seed=seed)))
    assert runs[0] == runs[1]
    assert [trial.genotype for trial in runs[0]] != [trial.genotype for trial in runs[2]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> list[Trial]:
    return run(tmp_path_factory.mktemp("whole"), loop())


@pytest.mark.parametrize("stop_after", [1, 4, 7, 8, 10, 13, 16, 19])
def test_a_run_stopped_after_any_trial_ends_as_if_it_had_not_been(tmp_path, whole, stop_after: int) -> None:

    class Stop(Silent):
        def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
            if trial.number == stop_after:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, loop(), Stop())
    assert len(read_trials(tmp_path / "trials.jsonl")) == stop_after
    assert run(tmp_path, loop()) == whole


class Careless:
    """Proposes duplicates and candidates beyond the bounds."""

    def ask(self, problem, history, n, rng):
        population = problem.space.sample(200, rng)
        large = population[~problem.admissible(population)][:2]
        small = population[problem.admissible(population)][:1]
        rows = [*large.tolist(), *small.tolist(), *small.tolist(), *history.population[:1].tolist()]
        return [Proposal(tuple(row), "careless") for row in rows]


def test_duplicates_and_inadmissible_candidates_are_never_evaluated(tmp_path) -> None:
    trials = run(tmp_path, loop(6, strategy=Careless()))
    assert len(trials) == len({trial.genotype for trial in trials}) == 6
    space = problem().space
    assert (space.parameters(np.array([trial.genotype for trial in trials])) <= 60_000).all()


def test_an_exhausted_space_ends_the_search(tmp_path) -> None:
    space = ResNetSpace(
        input_shape=(1, 8, 8),
        n_classes=10,
        oc0=(8, 9),
        ks0=(3, 3),
        m=(1, 1),
        r=(1, 1),
        b=(1, 1),
        ct="A",
        wf=(1, 1),
    )
    tiny = SearchProblem(complete(space, (1, 8, 8)), Objective("accuracy_1d", 1), {})
    trials = run(tmp_path, loop(20, problem=tiny))
    assert len(trials) == space.size() < 20


def test_the_best_keeps_the_bound_and_is_the_smallest_of_equals(tmp_path) -> None:
    trials = run(tmp_path, loop())
    bound = 0.055  # the AVM of these trials are whole points
    table = replace(problem(avm=bound), fidelity=EXPORTED)
    best = best_trial(table, trials)
    clear = [trial for trial in trials if trial.status == "completed" and trial.metrics["avm"] <= 0.04]
    assert best is not None
    assert best.metrics["avm"] <= bound
    assert best.metrics["accuracy_1d"] >= max(trial.metrics["accuracy_1d"] for trial in clear)
    worth = table.worth(metrics_of(trials))
    equals = [trial for trial, value in zip(trials, worth, strict=True) if value == np.nanmax(worth)]
    assert best.metrics["parameters"] == min(trial.metrics["parameters"] for trial in equals)
    assert best_trial(table, []) is None


def test_of_a_trial_that_is_trained_again_a_broken_bound_is_believed_in_part(tmp_path) -> None:
    trials = run(tmp_path, loop())
    best, kept = (
        best_trial(replace(problem(avm=0.055), fidelity=fidelity), trials) for fidelity in (TRIAL, EXPORTED)
    )
    assert best is not None and kept is not None
    assert best.metrics["accuracy_1d"] > kept.metrics["accuracy_1d"]
    assert kept.metrics["avm"] < best.metrics["avm"] < 0.1


def test_where_no_trial_keeps_the_bound_the_best_compromise_is_chosen(tmp_path) -> None:
    trials = run(tmp_path, loop())
    best = best_trial(problem(avm=1e-9), trials)
    assert best is not None
    assert best.metrics["accuracy_1d"] - best.metrics["avm"] == max(
        trial.metrics["accuracy_1d"] - trial.metrics["avm"] for trial in trials if trial.status == "completed"
    )


class FourAtATime(SerialExecutor):
    """Two of four jobs under way run."""

    @property
    def state(self) -> ExecutorState:
        n = len(self._jobs)
        return ExecutorState(capacity=4, running=min(n, 2), queued=n - min(n, 2), nodes=1)


@pytest.mark.parametrize(
    ("stops_after", "told"),
    [
        (None, [(2, 2, 5), (2, 2, 4), (2, 1, 3), (2, 0, 2), (1, 0, 1), (0, 0, 0)]),
        (2, [(2, 2, 5), (2, 1, 3), (2, 0, 2), (1, 0, 1), (0, 0, 0)]),
    ],
)
def test_progress_counts_what_runs_without_the_trial_that_ended(tmp_path, stops_after, told) -> None:
    stop, heard = StopRequest(), []

    class Ear(Silent):
        def progress(self, progress) -> None:
            to_do = round(progress.time_left_s * progress.trials_a_second)
            heard.append((progress.running, progress.queued, to_do))

    def stopping(job: Job) -> Outcome:
        stop.requested = len(heard) + 1 == stops_after or stop.requested
        return evaluate(job)

    with Journal(tmp_path / "trials.jsonl") as journal:
        try:
            loop(6).run((), FourAtATime(stopping), journal, Ear(), stop)
        except KeyboardInterrupt:
            assert stops_after
    assert heard == told
