"""Strategies × seeds on a table: regret with confidence intervals, and a ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analognas.bench.ranking import Place, rank
from analognas.bench.simulate import search_table
from analognas.bench.table import BenchTable
from analognas.strategies.specs import AnyStrategySpec, make_strategy

CHECKPOINTS: Final = (25, 50, 100, 200)


@dataclass(frozen=True)
class BenchResult:
    """What a benchmark measured.

    Attributes:
        table: name of the table.
        target: its column.
        n_rows: candidates in the table.
        rejected: rows of the file that were left out, by reason.
        batch: candidates proposed at a time.
        curves: `(seeds, budget)` regret by strategy, in the unit of the column.
    """

    table: str
    target: str
    n_rows: int
    rejected: Mapping[str, int]
    batch: int
    curves: Mapping[str, npt.NDArray[np.float64]]

    @property
    def checkpoints(self) -> list[int]:
        """The evaluations at which regret is reported."""
        budget = next(iter(self.curves.values())).shape[1]
        return [point for point in CHECKPOINTS if point < budget] + [budget]

    def ranking(self) -> list[Place]:
        """Return the strategies from the best to the worst."""
        return rank(self.curves)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the single curves, JSON-able."""
        return {
            "table": self.table,
            "target": self.target,
            "rows": self.n_rows,
            "rejected": dict(self.rejected),
            "batch": self.batch,
            "seeds": len(next(iter(self.curves.values()))),
            "strategies": [
                {
                    "strategy": place.strategy,
                    "mean_regret": place.mean_regret,
                    "p_value": place.p_value,
                    "regret": {
                        str(point): dict(
                            zip(("mean", "half_width_95"), self.regret_at(place.strategy, point), strict=True)
                        )
                        for point in self.checkpoints
                    },
                }
                for place in self.ranking()
            ],
        }

    def regret_at(self, strategy: str, evaluations: int) -> tuple[float, float]:
        """Return the mean regret of `strategy` and the half width of its 95 % interval over seeds."""
        return mean_and_half_width(self.curves[strategy][:, evaluations - 1])

    def to_text(self) -> str:
        """Return the table of regrets and the ranking as plain text."""
        points = self.checkpoints
        places = self.ranking()
        width = max(len(place.strategy) for place in places)
        lines = [
            f"{self.table}: {self.target}, {self.n_rows} rows, "
            f"{len(next(iter(self.curves.values())))} seeds, {self.batch} candidates at a time",
            *(f"left out: {number} rows, {reason}" for reason, number in self.rejected.items()),
            "  ".join(["regret after".ljust(width), *(f"{point:>13}" for point in points), "p (best)"]),
        ]
        for place in places:
            cells = [self.regret_at(place.strategy, point) for point in points]
            numbers = [f"{mean:6.3f} ± {half:4.3f}".rjust(13) for mean, half in cells]
            p = "best" if place is places[0] else f"{place.p_value:.2g}"
            lines.append("  ".join([place.strategy.ljust(width), *numbers, p]))
        return "\n".join(lines)


def run_benchmark(
    table: BenchTable,
    strategies: Mapping[str, AnyStrategySpec],
    *,
    budget: int,
    seeds: int,
    batch: int = 5,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> BenchResult:
    """Search `table` with every strategy and seed.

    Args:
        table: what to search.
        strategies: specifications by the name they have in the result.
        budget: evaluations of a search, 1 up to the rows of the table.
        seeds: searches of each strategy, 2 or more, with the seeds 0, 1, 2 ...
        batch: candidates proposed at a time, the same for every strategy.
        workers: processes; results do not depend on it.
        progress: called with the searches done and all searches.

    Raises:
        ValueError: for a budget beyond the table, fewer than two seeds, or no strategy.
    """
    if not 1 <= budget <= len(table):
        raise ValueError(f"`1 <= budget <= {len(table)}`, the rows of {table.name}, must hold, got {budget}")
    if seeds < 2:
        raise ValueError(f"`seeds >= 2` must hold, or there is no interval to report, got {seeds}")
    if not strategies:
        raise ValueError("there is no strategy to compare: name at least one")
    jobs = [(table, spec, budget, batch, seed) for spec in strategies.values() for seed in range(seeds)]
    done = []
    with ExitStack() as stack:
        found: Iterator[npt.NDArray[np.float64]] = map(_search, jobs)
        if workers > 1:
            # Forked workers would inherit the threads of XGBoost and torch in an unknown state.
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
            found = pool.map(_search, jobs)
        for curve in found:
            done.append(curve)
            if progress is not None:
                progress(len(done), len(jobs))
    curves = np.array(done).reshape(len(strategies), seeds, budget)
    return BenchResult(
        table=table.name,
        target=table.target,
        n_rows=len(table),
        rejected=table.rejected,
        batch=batch,
        curves=dict(zip(strategies, curves, strict=True)),
    )


def mean_and_half_width(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of `(n,)` values and the half width of its 95 % interval (Student's t)."""
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return float(values.mean()), half


def _search(job: tuple[BenchTable, AnyStrategySpec, int, int, int]) -> npt.NDArray[np.float64]:
    table, spec, budget, batch, seed = job
    return search_table(table, make_strategy(spec, seed), budget, batch, seed)
