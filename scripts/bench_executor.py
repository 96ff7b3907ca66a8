"""Measures what the driver and the executors cost, and where they end.

    python scripts/bench_executor.py [--json] [--only driver,efficiency,noop,order,simulated,resume] [--workers N]

driver      cost of a trial in the driver but for asking, after 100 and after 10,000 recorded trials; the ask apart
efficiency  ideal time / time of 1-second evaluations, and of real trainings against processes that do nothing else
noop        trials a second of evaluations that do nothing, through Ray and the whole driver
order       idle share of workers that wait for the order of proposal against workers that do not, as discrete events
simulated   1,000 and 10,000 workers as discrete events: where the driver saturates, and what asking with so many
            pending costs in quality
resume      seconds and memory to take up a run of 100,000 trials

Ray runs a cluster of its own on localhost. `--trials FILE` draws the simulated trial times from a trials.jsonl.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from discrete_events import DiscreteEvents
from executor_workloads import Train, do_nothing, measure, problem, sleep_1_s

from analognas.driver.ledger import Ledger
from analognas.driver.loop import SearchLoop
from analognas.executors.executor import Executor, Job, Outcome
from analognas.executors.limits import Limits
from analognas.executors.processes import ProcessExecutor
from analognas.executors.serial import SerialExecutor
from analognas.progress.observer import Silent
from analognas.record.journal import Journal, read_trials
from analognas.record.trial import Trial
from analognas.strategies.problem import SearchProblem
from analognas.strategies.random import RandomSearch
from analognas.strategies.regularized_evolution import RegularizedEvolution
from analognas.strategies.specs import SurrogateGuidedSpec
from analognas.strategies.strategy import History, Proposal, Strategy

NO_LIMITS = Limits(time_s=None, memory_gb=None, threads=1)


class Timed:
    """A strategy whose asking is timed."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self.spent_s = 0.0

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Ask the strategy inside."""
        start = time.perf_counter()
        proposals = self.strategy.ask(problem, history, n, rng)
        self.spent_s += time.perf_counter() - start
        return proposals


def make_loop(strategy: Strategy, n_trials: int, batch: int = 1) -> SearchLoop:
    return SearchLoop(problem=problem(), strategy=strategy, n_trials=n_trials, batch=batch, seed=1)


def search(folder: Path, loop: SearchLoop, executor: Executor, trials: Sequence[Trial] = ()) -> float:
    """Search and return the seconds it took."""
    with Journal(folder / "trials.jsonl") as journal:
        start = time.perf_counter()
        loop.run(trials, executor, journal, Silent())
        return time.perf_counter() - start


def record(folder: Path, n: int) -> list[Trial]:
    """Return a run of `n` trials, recorded in `folder` without forcing each to the disk."""
    pool = problem()
    rng = np.random.default_rng(0)
    genotypes: dict[tuple[int, ...], None] = {}
    while len(genotypes) < n:
        drawn = pool.space.canonical(pool.space.sample(2 * n, rng))
        genotypes |= dict.fromkeys(map(tuple, drawn[pool.admissible(drawn)].tolist()))
    loop = make_loop(RandomSearch(), n)
    trials = []
    with (folder / "trials.jsonl").open("a") as file:
        for number, genotype in enumerate(list(genotypes)[:n], start=1):
            outcome = measure(Job(Proposal(genotype, "random"), number - 1, 0, number))
            trials.append(loop.entered(number, outcome, None, 0.0))
            file.write(trials[-1].to_json() + "\n")
    return trials


def driver(_options: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {}
    more = 300
    for recorded in (100, 10_000):
        with tempfile.TemporaryDirectory() as name:
            trials = record(Path(name), recorded)
            spent: dict[str, float] = {"evaluation": 0.0}

            def evaluate(job: Job, spent: dict[str, float] = spent) -> Outcome:
                start = time.perf_counter()
                outcome = measure(job)
                spent["evaluation"] += time.perf_counter() - start
                return outcome

            for title, strategy in (
                ("random", RandomSearch()),
                ("regularized-evolution", RegularizedEvolution(100, 10)),
            ):
                timed = Timed(strategy)
                spent["evaluation"] = 0.0
                done = read_trials(Path(name) / "trials.jsonl")
                start = time.perf_counter()
                Ledger(problem(), len(trials[0].genotype), done)
                taking_up_s = time.perf_counter() - start
                loop = make_loop(timed, len(done) + more)
                took_s = search(Path(name), loop, SerialExecutor(evaluate), done)
                cost_s = took_s - taking_up_s - timed.spent_s - spent["evaluation"]
                result[f"{title}, {recorded} recorded"] = {
                    "driver_ms_a_trial": 1e3 * cost_s / more,
                    "ask_ms": 1e3 * timed.spent_s / more,
                }
    for recorded in (200, 1000):
        with tempfile.TemporaryDirectory() as name:
            trials = record(Path(name), recorded)
        ledger = Ledger(problem(), len(trials[0].genotype), trials)
        guided = make_loop(SurrogateGuidedSpec().build(0), recorded + 6)
        start = time.perf_counter()
        guided.ask(ledger, 6)
        result[f"surrogate-guided ask with its re-fit, {recorded} recorded"] = {
            "ask_ms": 1e3 * (time.perf_counter() - start)
        }
    return result


def pools(options: argparse.Namespace) -> dict[str, Callable[[Any, int], Executor]]:
    from analognas.executors.ray_cluster import Demand, connect
    from analognas.executors.ray_executor import RayExecutor
    from analognas.executors.ray_monitor import ClusterMonitor
    from analognas.executors.ray_object_store import ObjectStoreCache

    def on_ray(evaluate: Any, in_flight: int) -> Executor:
        import ray

        if not ray.is_initialized():
            connect("local", Demand(cpus, 0, None))
        return RayExecutor(
            evaluate,
            object_store=ObjectStoreCache(),
            monitor=ClusterMonitor(Demand(cpus, 0, None)),
            max_in_flight=in_flight,
            max_retries=0,
            limits=NO_LIMITS,
        )

    def processes(evaluate: Any, in_flight: int) -> Executor:
        return ProcessExecutor(
            evaluate, workers=options.workers, max_in_flight=in_flight, max_retries=0, limits=NO_LIMITS
        )

    import os

    cpus = len(os.sched_getaffinity(0)) / options.workers
    return {"processes": processes, "ray": on_ray}


def warm(executor: Executor, workers: int) -> None:
    """Make every worker start and import before the clock runs."""
    for number in range(workers):
        executor.submit(Job(Proposal((number,), "warm"), 0, number, number))
    for _ in range(workers):
        executor.next_outcome()


def efficiency(options: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {}
    workers, n_sleeps, n_trainings = options.workers, 20, 4
    train = Train(epochs=6)
    for name, make in pools(options).items():
        executor = make(sleep_1_s, workers)
        warm(executor, workers)
        with tempfile.TemporaryDirectory() as folder:
            took_s = search(Path(folder), make_loop(RandomSearch(), n_sleeps * workers), executor)
        executor.close()
        result[f"{name}, 1 s evaluations"] = n_sleeps / took_s
        executor = make(train, workers)
        warm(executor, workers)
        alone_s = alone(train, workers, n_trainings)
        with tempfile.TemporaryDirectory() as folder:
            took_s = search(Path(folder), make_loop(RandomSearch(), n_trainings * workers), executor)
        executor.close()
        result[f"{name}, real trainings"] = alone_s / took_s
    return result


def alone(train: Train, workers: int, n: int) -> float:
    """Return the seconds that independent processes take for `n` trainings each, from when all are ready."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(workers + 1)
    processes = [context.Process(target=train_alone, args=(barrier, train, n)) for _ in range(workers)]
    for process in processes:
        process.start()
    barrier.wait()
    start = time.perf_counter()
    for process in processes:
        process.join()
    return time.perf_counter() - start


def train_alone(barrier: Any, train: Train, n: int) -> None:
    job = Job(Proposal((0,), "alone"), 0, 0, 0)
    train(job)
    barrier.wait()
    for _ in range(n):
        train(job)


def noop(options: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {}
    n = 3000
    for name, make in pools(options).items():
        executor = make(do_nothing, 64)
        warm(executor, 64)
        with tempfile.TemporaryDirectory() as folder:
            loop = make_loop(RandomSearch(), n, batch=64)
            result[f"{name}, trials a second"] = n / search(Path(folder), loop, executor)
        executor.close()
    return result


def simulated(options: argparse.Namespace) -> dict[str, Any]:
    times_s = trial_times_s(options)
    result: dict[str, Any] = {"mean_trial_time_s": float(times_s.mean())}
    for workers, n_trials in ((1, 3000), (1_000, 3000), (1, 20_000), (10_000, 20_000)):
        bests, took_s, ask_s, virtual_s = [], 0.0, 0.0, 0.0
        for seed in range(3 if n_trials <= 3000 else 1):
            timed = Timed(RegularizedEvolution(100, 10))
            loop = SearchLoop(problem=problem(), strategy=timed, n_trials=n_trials, batch=16, seed=seed)
            events = DiscreteEvents(workers, times_s)
            with tempfile.TemporaryDirectory() as folder:
                took_s += search(Path(folder), loop, events)
                best = max(t.metrics["accuracy_1d"] for t in read_trials(Path(folder) / "trials.jsonl"))
            bests.append(best)
            ask_s += timed.spent_s
            virtual_s += events.now_s
        n = n_trials * len(bests)
        cost_s = took_s / n
        result[f"{workers} workers, {n_trials} trials"] = {
            "driver_and_ask_ms_a_trial": 1e3 * cost_s,
            "of_which_ask_ms": 1e3 * ask_s / n,
            "trials_a_second_at_most": 1 / cost_s,
            "workers_kept_busy_at_most": float(times_s.mean()) / cost_s,
            "best_accuracy": float(np.mean(bests)),
            "virtual_hours": virtual_s / len(bests) / 3600,
        }
    return result


def trial_times_s(options: argparse.Namespace) -> np.ndarray[Any, Any]:
    if options.trials is None:
        return np.random.default_rng(0).lognormal(np.log(60), 0.5, 1000)
    return np.array([trial.wall_time_s for trial in read_trials(options.trials)])


def order(options: argparse.Namespace) -> dict[str, Any]:
    times_s, n_trials = trial_times_s(options), 3000
    result: dict[str, Any] = {"mean_trial_time_s": float(times_s.mean())}
    for workers in (2, 4, 8):
        free = simulate(times_s, n_trials, workers, batch=1, in_order=False)
        for batch in (4, 6, 8, 16):
            used = min(workers, batch)  # `auto` starts no more
            waiting = simulate(times_s, n_trials, used, batch, in_order=True)
            result[f"{workers} workers, batch {batch}"] = {
                "used": used,
                "idle_in_order": 1 - waiting.busy_s / (used * waiting.now_s),
                "idle_as_they_end": 1 - free.busy_s / (workers * free.now_s),
                "time_in_order_to_as_they_end": waiting.now_s / free.now_s,
                "speedup_in_order": waiting.busy_s / waiting.now_s,
            }
    return result


def simulate(
    times_s: np.ndarray[Any, Any], n_trials: int, workers: int, batch: int, *, in_order: bool
) -> DiscreteEvents:
    """Return the workers at the end of a search of random candidates."""
    loop = replace(make_loop(RandomSearch(), n_trials, batch), in_order=in_order)
    events = DiscreteEvents(workers, times_s)
    with tempfile.TemporaryDirectory() as folder:
        search(Path(folder), loop, events)
    return events


RESUME = """
import json, resource, sys, time
start = time.perf_counter()
sys.path.insert(0, sys.argv[2])
from bench_executor import Path, Ledger, make_loop, problem, read_trials, RandomSearch
trials = read_trials(Path(sys.argv[1]))
loop = make_loop(RandomSearch(), len(trials) + 8)
ledger = Ledger(loop.problem, loop.n_genes, trials)
assert loop.ask(ledger, 4).proposals
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": time.perf_counter() - start, "peak_gb": peak * 1024 / 1e9}))
"""


def resume(_options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        record(Path(name), 100_000)
        journal = Path(name) / "trials.jsonl"
        done = subprocess.run(
            [sys.executable, "-c", RESUME, str(journal), str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=True,
        )
        measured: dict[str, Any] = json.loads(done.stdout)
        return {**measured, "journal_mb": journal.stat().st_size / 1e6}


PARTS = {
    "driver": driver,
    "efficiency": efficiency,
    "noop": noop,
    "order": order,
    "simulated": simulated,
    "resume": resume,
}


def parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(PARTS)}, got {', '.join(unknown)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", type=parts, default=list(PARTS), help="parts, separated by commas")
    parser.add_argument("--workers", type=int, default=4, help="workers of `efficiency` and `noop`")
    parser.add_argument("--trials", type=Path, help="a trials.jsonl to draw simulated times from")
    options = parser.parse_args()
    result = {name: PARTS[name](options) for name in options.only}
    result["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for part, values in result.items():
        print(part if isinstance(values, dict) else f"{part}: {values:.3g}")
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, dict):
                value = ", ".join(f"{key} {number:.3g}" for key, number in value.items())
            print(f"  {name}: {value}")


if __name__ == "__main__":
    main()
