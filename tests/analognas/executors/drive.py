"""A search on a made-up evaluation, in this process or, to be killed, in one of its own.

python -m tests.analognas.executors.drive FOLDER TRIALS SECONDS auto|processes|HOST:PORT
"""

import random
import sys
from collections import Counter
from pathlib import Path

from analognas.driver.loop import SearchLoop
from analognas.driver.selection import best_trial
from analognas.executors.executor import Evaluate, Executor, ExecutorState, Job, Outcome
from analognas.executors.limits import Limits
from analognas.executors.processes import ProcessExecutor
from analognas.interruption import stop_on_interrupt
from analognas.progress.observer import Observer, Silent
from analognas.progress.pace import Progress
from analognas.record.journal import Journal, read_trials
from analognas.record.trial import Trial
from analognas.spaces import complete
from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.regularized_evolution import RegularizedEvolution
from analognas.strategies.strategy import Proposal
from search_spaces import ResNetSpace
from tests.analognas.executors.evaluations import Sleeps, accuracy_of, outcome


def problem() -> SearchProblem:
    space = ResNetSpace(input_shape=(1, 8, 8), n_classes=10, oc0=(8, 32), m=(1, 2), r=(1, 3), b=(1, 2))
    return SearchProblem(complete(space, (1, 8, 8)), Objective("accuracy_1d", 1), {"parameters": 60_000})


def search_loop(n_trials: int, **changes) -> SearchLoop:
    strategy = RegularizedEvolution(population=6, tournament=3)
    return SearchLoop(
        **{"problem": problem(), "strategy": strategy, "n_trials": n_trials, "batch": 1, "seed": 5, **changes}
    )


class Shuffled:
    """Ends jobs in a random order; `capacity` of them are under way."""

    def __init__(self, capacity: int, seed: int = 0, evaluate: Evaluate = outcome) -> None:
        self.capacity = capacity
        self._evaluate = evaluate
        self.jobs: list[Job] = []
        self.most = 0
        self._random = random.Random(seed)

    @property
    def state(self) -> ExecutorState:
        return ExecutorState(self.capacity, len(self.jobs), 0, 1)

    def submit(self, job: Job) -> None:
        self.jobs.append(job)
        self.most = max(self.most, len(self.jobs))

    def next_outcome(self) -> Outcome:
        return self._evaluate(self.jobs.pop(self._random.randrange(len(self.jobs))))

    def close(self) -> None:
        self.jobs.clear()


class Spy:
    """Notes what the strategy inside is shown."""

    def __init__(self, strategy) -> None:
        self.strategy = strategy
        self.seen: list[tuple[int, int, int]] = []

    def ask(self, problem, history, n, rng) -> list[Proposal]:
        pending = {tuple(row) for row in history.pending.tolist()}
        finished = {tuple(row) for row in history.population.tolist()}
        assert not pending & finished
        assert history.seen() == pending | finished
        self.seen.append((len(finished), len(pending), n))
        return self.strategy.ask(problem, history, n, rng)


class LastBest:
    """Keeps the best trial that the loop tells, and hands everything on."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.best: Trial | None = None

    def stage(self, name: str) -> None:
        self.observer.stage(name)

    def progress(self, progress: Progress) -> None:
        self.observer.progress(progress)

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        self.best = best
        self.observer.trial(trial, n_trials, best)


def drive(folder: Path, loop: SearchLoop, executor: Executor, observer=None) -> list[Trial]:
    """Search in `folder`, from where an earlier search left it, check the best it tells, and close the executor."""
    path = folder / "trials.jsonl"
    told = LastBest(observer or Silent())
    n_before = len(read_trials(path))
    try:
        with Journal(path) as journal, stop_on_interrupt() as stop:
            loop.run(read_trials(path), executor, journal, told, stop)
    finally:
        executor.close()
    trials = read_trials(path)
    accuracies = [trial.metrics["accuracy_1d"] for trial in trials if trial.status == "completed"]
    if len(trials) > n_before and loop.halving is None:
        assert (told.best and told.best.metrics["accuracy_1d"]) == max(accuracies, default=None)
    return trials


def check_run(folder: Path, n_trials: int) -> list[Trial]:
    """Check that every trial is there once, and that the best is the best of the records."""
    trials = read_trials(folder / "trials.jsonl")
    assert [trial.number for trial in trials] == list(range(1, n_trials + 1))
    twice = [genotype for genotype, n in Counter(trial.genotype for trial in trials).items() if n > 1]
    assert not twice
    proposed = [proposal.genotype for trial in trials if trial.ask for proposal in trial.ask.proposals]
    assert len(proposed) == len(set(proposed))
    assert {trial.genotype for trial in trials} <= set(proposed)
    completed = [trial for trial in trials if trial.status == "completed"]
    assert all(trial.metrics["accuracy_1d"] == accuracy_of(trial.genotype) for trial in completed)
    best = best_trial(problem(), trials)
    assert (None if best is None else best.metrics["accuracy_1d"]) == max(
        (trial.metrics["accuracy_1d"] for trial in completed), default=None
    )
    return trials


def process_executor(evaluate, workers: int = 2, retries: int = 2, **limits) -> ProcessExecutor:
    return ProcessExecutor(
        evaluate,
        workers=workers,
        max_in_flight=workers,
        max_retries=retries,
        limits=Limits(**{"time_s": None, "memory_gb": None, "threads": 1, **limits}),
    )


def ray_executor(
    evaluate, *, cpus: float = 1, gpus: float = 0, in_flight=None, retries: int = 2, logs=None, **limits
):
    from analognas.executors.ray_cluster import Demand
    from analognas.executors.ray_executor import RayExecutor
    from analognas.executors.ray_monitor import ClusterMonitor
    from analognas.executors.ray_object_store import ObjectStoreCache

    return RayExecutor(
        evaluate,
        object_store=ObjectStoreCache(),
        monitor=ClusterMonitor(Demand(cpus, gpus, limits.get("memory_gb"))),
        max_in_flight=in_flight,
        max_retries=retries,
        limits=Limits(**{"time_s": None, "memory_gb": None, "threads": 1, **limits}),
        logs=logs,
    )


def main(folder: str, n_trials: str, seconds: str, where: str) -> None:
    evaluate = Sleeps(float(seconds), uneven=True)
    in_order = {"in_order": True, "batch": 4} if where == "auto" else {}
    if where in ("auto", "processes"):
        executor: Executor = process_executor(evaluate)
    else:
        from analognas.executors.ray_cluster import Demand, connect

        connect(where, Demand(1, 0, None))
        executor = ray_executor(evaluate)
    print("searching", flush=True)
    drive(Path(folder), search_loop(int(n_trials), **in_order), executor)


if __name__ == "__main__":
    main(*sys.argv[1:])
