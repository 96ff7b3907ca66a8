"""How many trainings a model of other tasks saves: searches replayed on the records of a task it has not seen.

    python scripts/reproduce/halved_trainings.py [TABLE …] [--budget 60] [--seeds 10] [--workers N]

For each table (by default all of scripts/reproduce/collections) models are fitted on all others with `analognas
surrogate fit`, one a seed. Searches are then replayed on the table: without a model, and with the model of their seed
in either combination. Printed are
the regrets in points of 1-day accuracy after a quarter, half and all of the trainings; the first training after which
the mean regret is at most that of the search without a model at its end; and the difference between the informed
search at half of the trainings and the other one at all of them, with a 95 % interval over seeds, which holds those of
the models. At or below zero, the model halves the trainings.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, get_args

import numpy as np

from analognas.bench import open_table, run_benchmark
from analognas.bench.benchmark import mean_and_half_width
from analognas.bench.contender import StrategyLike
from analognas.pretraining import fit_pretrained
from analognas.strategies import Strategy
from analognas.strategies.surrogate_guided import SurrogateGuidedSpec
from analognas.strategies.transfer import Combination

COLLECTIONS: Final = Path(__file__).parent / "collections"
TARGET: Final = "accuracy_1d"


def main() -> None:
    parser = argparse.ArgumentParser(description="Replay searches with a model of other tasks.")
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    tables = options.tables or sorted(COLLECTIONS.glob("*.csv.gz"))
    if len(tables) < 2:
        raise SystemExit(
            f"two tables or more are needed, one to replay and others to learn from, got {len(tables)}"
        )
    with TemporaryDirectory() as folder:
        for left_out in tables:
            others = [table for table in tables if table != left_out]
            models = tuple(Path(folder) / f"{left_out.name}-{seed}.json" for seed in range(options.seeds))
            for seed, model in enumerate(models):
                fit_pretrained(others, model, targets=[TARGET], seed=seed)
            replay(left_out, models, options)


def informed(models: tuple[Path, ...], transfer: Combination, seed: int) -> Strategy:
    """Return the search of a seed with the model of that seed."""
    return SurrogateGuidedSpec(pretrained=models[seed], transfer=transfer).build(seed)


def replay(path: Path, models: tuple[Path, ...], options: argparse.Namespace) -> None:
    """Replay the searches on one table and print what they found."""
    strategies: dict[str, StrategyLike] = {
        "without a model": SurrogateGuidedSpec(),
        **{name: partial(informed, models, name) for name in get_args(Combination)},
        "random": "random",
    }
    table = open_table(str(path), TARGET)
    found = run_benchmark(
        table,
        strategies,
        budget=options.budget,
        seeds=options.seeds,
        batch=options.batch,
        workers=options.workers,
    )
    half, quarter = options.budget // 2, options.budget // 4
    print(f"{path.name}: {len(table)} networks, {options.seeds} seeds", flush=True)
    blind = found.curves["without a model"]
    for name, curves in found.curves.items():
        regrets = ", ".join(f"{100 * curves[:, n - 1].mean():.2f}" for n in (quarter, half, options.budget))
        reached = np.flatnonzero(curves.mean(axis=0) <= blind[:, -1].mean())
        first = f"{reached[0] + 1}" if len(reached) else "never"
        mean, width = mean_and_half_width(100 * (curves[:, half - 1] - blind[:, -1]))
        print(
            f"  {name:16} regret after {quarter}, {half}, {options.budget}: {regrets}; reaches the end of the search "
            f"without a model after {first}; at half minus that at its end {mean:+.2f} ± {width:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
