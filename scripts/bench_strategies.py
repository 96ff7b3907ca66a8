"""Times Algorithm 1 at its published size: population 200, 200 iterations, three XGBoost models.

The baseline of the same run is what cannot be saved: encoding and predicting as many candidates with the same
models. Prints both times, by the clock and of the processor (all threads together), and their ratio by the processor,
best of several repeats.

    python scripts/bench_strategies.py [--repeats N] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.specs import AnalogNASSpec
from analognas.strategies.strategy import History
from search_spaces import ResNetSpace
from surrogates import AnalogNASSurrogate

TRIALS = 50
POPULATION = 200
ITERATIONS = 200


def best_s(action: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the least seconds by the clock and the least seconds of the processor."""
    times = []
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        action()
        times.append((time.perf_counter() - start, time.process_time() - start_cpu))
    wall, processor = zip(*times, strict=True)
    return min(wall), min(processor)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, help="best of so many")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()

    space = ResNetSpace(input_shape=(3, 32, 32), n_classes=10)
    problem = SearchProblem(space, Objective("accuracy_1d", 1), {"parameters": 500_000, "avm": 0.05})
    rng = np.random.default_rng(1)
    pool = space.sample(200_000, rng)
    design = pool[problem.admissible(pool)][:TRIALS]
    log_size = np.log(space.parameters(design))
    metrics = pd.DataFrame(
        {
            "accuracy_1d": log_size / 20 + rng.normal(0, 0.01, len(design)),
            "std_1d": 0.01 * rng.random(len(design)),
            "avm": 0.1 * rng.random(len(design)),
        }
    )
    history = History(population=design, metrics=metrics, pending=design[:0])
    strategy = AnalogNASSpec(initial=len(design)).build(0)
    fitted = AnalogNASSurrogate(n_jobs=1).fit(space.encode(design), metrics, np.random.default_rng(0))
    population = pool[:POPULATION]

    def predictions() -> None:
        for _ in range(ITERATIONS):
            fitted.predict(space.encode(population))

    whole, whole_cpu = best_s(
        lambda: strategy.ask(problem, history, 4, np.random.default_rng(0)), options.repeats
    )
    floor, floor_cpu = best_s(predictions, options.repeats)
    result = {
        "algorithm_1_s": whole,
        "algorithm_1_processor_s": whole_cpu,
        "predictions_alone_s": floor,
        "predictions_alone_processor_s": floor_cpu,
        "ratio": whole_cpu / floor_cpu,
    }
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        size = f"{POPULATION} x {ITERATIONS}"
        print(f"Algorithm 1, {size}: {whole:.2f} s, {whole_cpu:.2f} s of the processor")
        print(f"encoding and predicting alone: {floor:.2f} s, {floor_cpu:.2f} s of the processor")
        print(f"ratio: {whole_cpu / floor_cpu:.2f}")


if __name__ == "__main__":
    main()
