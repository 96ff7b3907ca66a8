"""How fast a model of other searches predicts, and what an ask of a search on it takes.

    python scripts/bench_pretrained.py MODEL RECORDS [--threads 2] [--candidates 100000] [--trials 200]

MODEL is a file of `analognas surrogate fit`, RECORDS one of `analognas pack`. Printed are candidates a second from
encoded features to all targets, and the seconds of an ask for six candidates after `--trials` trials, without a model
and with it. What these trials measured is made up around what the model expects.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from analognas.bench.records_table import problem_of
from analognas.errors import UserError
from analognas.record.records_file import read_records
from analognas.strategies import History, SearchProblem
from analognas.strategies.pretrained_file import Pretrained, read_pretrained
from analognas.strategies.problem_features import problem_features
from analognas.strategies.surrogate_guided import SurrogateGuidedSpec
from analognas.strategies.transfer import Prior

REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a model of other searches.")
    parser.add_argument("model", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--trials", type=int, default=200)
    options = parser.parse_args()
    try:
        pretrained, problem = read_pretrained(options.model), problem_of(read_records(options.records))
    except UserError as error:
        raise SystemExit(str(error)) from None
    predict(pretrained, problem, options.candidates, options.threads)
    ask(pretrained, problem, options.trials)


def predict(pretrained: Pretrained, problem: SearchProblem, n: int, threads: int) -> None:
    model = replace(pretrained.model, boosters=replace(pretrained.model.boosters, n_jobs=threads))
    rows = problem.space.sample(2048, np.random.default_rng(0))
    problem_features(problem, rows[:1])  # which looks at the device once
    start = time.perf_counter()
    features = problem_features(problem, rows)
    print(f"encoding: {len(rows) / (time.perf_counter() - start):,.0f} candidates/s on one core")
    many = pd.concat([features] * -(-n // len(features)), ignore_index=True)[:n]
    taken, used = [], []
    for _ in range(REPEATS):
        start, cpu = time.perf_counter(), time.process_time()
        model.predict(many)
        taken.append(time.perf_counter() - start)
        used.append(time.process_time() - cpu)
    print(
        f"prediction: {n / min(taken):,.0f} candidates/s to {len(model.targets)} targets with {threads} threads, "
        f"{n / min(used):,.0f} for each second of a processor"
    )


def ask(pretrained: Pretrained, problem: SearchProblem, n: int) -> None:
    metric = "accuracy_1d"
    rng = np.random.default_rng(1)
    drawn = np.unique(problem.space.sample(20 * n, rng), axis=0)
    rows = rng.permutation(drawn[problem.admissible(drawn)])[:n]
    expected = pretrained.model.predict(problem_features(problem, rows)).mean[metric].to_numpy()
    noisy = 0.8 + 0.05 * expected + 0.02 * rng.standard_normal(len(rows))
    metrics = pd.DataFrame({metric: noisy, "std_1d": 0.01 + 0.002 * rng.random(len(rows)), "avm": 0.02})
    history = History(population=rows, metrics=metrics, pending=rows[:0])
    for name, prior in {"no model": None, "a model": Prior(pretrained, weight=0.5)}.items():
        strategy = SurrogateGuidedSpec().build_informed(0, prior)
        taken, used = [], []
        for repeat in range(REPEATS):
            start, cpu = time.perf_counter(), time.process_time()
            strategy.ask(problem, history, 6, np.random.default_rng(repeat))
            taken.append(time.perf_counter() - start)
            used.append(time.process_time() - cpu)
        print(
            f"an ask after {len(rows)} trials with {name}: {min(taken):.2f} s, "
            f"{min(used):.2f} s of a processor"
        )


if __name__ == "__main__":
    main()
