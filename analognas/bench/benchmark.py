"""Strategies × seeds on a table: regret with confidence intervals, and a ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.reduction import ForkingPickler
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt

from analognas.bench.contender import Contender, StrategyLike, contenders
from analognas.bench.error import BenchError
from analognas.bench.look_up import LookUp
from analognas.bench.ranking import Place, rank
from analognas.bench.simulate import search_table
from analognas.bench.table import BenchTable
from analognas.metrics import relation_of

CHECKPOINTS: Final = (25, 50, 100, 200)


@dataclass(frozen=True)
class BenchResult:
    """What a benchmark measured.

    Attributes:
        table: name of the table.
        target: its column.
        n_rows: candidates in the table that keep the bounds.
        rejected: rows of the file that were left out, by reason.
        batch: candidates proposed at a time.
        look_up: what an evaluation showed.
        bounds: of the search, by cost.
        curves: `(seeds, budget)` regret by strategy, in the unit of the column.
    """

    table: str
    target: str
    n_rows: int
    rejected: Mapping[str, int]
    batch: int
    curves: Mapping[str, npt.NDArray[np.float64]]
    look_up: LookUp = "mean"
    bounds: Mapping[str, float] = field(default_factory=dict)

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
            "look_up": self.look_up,
            "bounds": dict(self.bounds),
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
            *(
                []
                if self.look_up == "mean"
                else ["an evaluation shows one training; regret of what is returned"]
            ),
            *(f"bound: {name} {relation_of(name)} {bound:,g}" for name, bound in self.bounds.items()),
            *(f"left out: {number} rows, {reason}" for reason, number in self.rejected.items()),
            "  ".join(
                ["regret after".ljust(width), *(f"{point:>13}" for point in points), "p, whole search"]
            ),
        ]
        for place in places:
            cells = [self.regret_at(place.strategy, point) for point in points]
            numbers = [f"{mean:6.3f} ± {half:4.3f}".rjust(13) for mean, half in cells]
            p = "best" if place is places[0] else f"{place.p_value:.2g}"
            lines.append("  ".join([place.strategy.ljust(width), *numbers, p]))
        return "\n".join(lines)


def run_benchmark(
    table: BenchTable,
    strategies: StrategyLike | Iterable[StrategyLike] | Mapping[str, StrategyLike],
    *,
    budget: int = 200,
    seeds: int = 20,
    batch: int = 5,
    workers: int = 1,
    look_up: LookUp = "mean",
    progress: Callable[[int, int], None] | None = None,
) -> BenchResult:
    """Search `table` with every strategy and seed.

    Args:
        table: what to search.
        strategies: one or several, each a name such as `random` or `optuna-tpe(initial=40)`, an installed entry point,
            a specification, a class or function of the seed, or an object with `ask`; of a mapping the keys are the
            names in the result.
        budget: evaluations of a search, 1 up to the admissible rows of the table.
        seeds: searches of each strategy, 2 or more, with the seeds 0, 1, 2 ...
        batch: candidates proposed at a time, the same for every strategy.
        workers: processes; results do not depend on it.
        look_up: `mean`, an evaluation shows the mean of a candidate's trainings and regret is that of the best so far;
            `one-run`, it shows one of them at random and regret is that of the candidate which would be returned.
        progress: called with the searches done and all searches.

    Raises:
        BenchError: for a budget beyond the table, fewer than two seeds, what is no strategy, or a strategy that other
            processes cannot have.
        UserError: when a strategy fails or breaks its contract.
    """
    if not isinstance(table, BenchTable):
        raise BenchError(
            "`table` must be a BenchTable: open_table opens files, BenchTable.from_frame takes a pandas DataFrame; got "
            f"{table!r:.80}"
        )
    n_rows = table.n_admissible
    if not 1 <= budget <= n_rows:
        raise BenchError(
            f"`1 <= budget <= {n_rows}`, the admissible rows of {table.name}, must hold, got {budget}"
        )
    if seeds < 2:
        raise BenchError(f"`seeds >= 2` must hold, or there is no interval to report, got {seeds}")
    if look_up not in get_args(LookUp):
        raise BenchError(f"`look_up` must be one of {', '.join(get_args(LookUp))}, got {look_up!r:.40}")
    if look_up == "one-run" and table.trainings < 2:
        raise BenchError(
            f"{table.name}: `one-run` needs candidates of several trainings, columns such as {table.target}@0 and "
            f"{table.target}@1; there is one"
        )
    if batch < 1 or workers < 1:
        name, value = ("batch", batch) if batch < 1 else ("workers", workers)
        raise BenchError(f"`{name} >= 1` must hold, got {value}")
    found = contenders(strategies)
    for contender in found:  # what cannot be made is reported before hours of searches
        contender.build(0)
        _check_portable(table, contender, workers)
    jobs = [(table, contender, budget, batch, seed, look_up) for contender in found for seed in range(seeds)]
    done = []
    try:
        with ExitStack() as stack:
            curves: Iterator[npt.NDArray[np.float64]] = map(_search, jobs)
            if workers > 1:
                # Forked workers would inherit the threads of XGBoost and torch in an unknown state.
                pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
                curves = pool.map(_search, jobs)
            for curve in curves:
                done.append(curve)
                if progress is not None:
                    progress(len(done), len(jobs))
    except BrokenProcessPool as error:
        raise BenchError(
            f"`workers=1` must hold here, got {workers}: a worker process could not start or ended early ({error}); "
            "put strategies of your own in a module, and begin a script with `if __name__ == '__main__':`"
        ) from None
    by_strategy = np.array(done).reshape(len(found), seeds, budget)
    return BenchResult(
        table=table.name,
        target=table.target,
        n_rows=n_rows,
        rejected=table.rejected,
        batch=batch,
        look_up=look_up,
        bounds=table.bounds,
        curves={contender.label: curve for contender, curve in zip(found, by_strategy, strict=True)},
    )


def _check_portable(table: BenchTable, contender: Contender, workers: int) -> None:
    """Check that worker processes can have the table and a strategy.

    Raises:
        BenchError: when they cannot.
    """
    if workers == 1:
        return
    for what, value in (("the table", table), (f"the strategy {contender.label!r}", contender)):
        try:
            ForkingPickler.dumps(value)
        except Exception as error:  # an object of a user's own may fail in any way
            raise BenchError(
                f"`workers=1` must hold here, got {workers}: no other process can have {what} "
                f"({type(error).__name__}: {error}); define its classes and functions at the top of a module"
            ) from None


def mean_and_half_width(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of `(n,)` values and the half width of its 95 % interval (Student's t)."""
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return float(values.mean()), half


def _search(job: tuple[BenchTable, Contender, int, int, int, LookUp]) -> npt.NDArray[np.float64]:
    table, contender, budget, batch, seed, look_up = job
    return search_table(table, contender.build(seed), budget, batch, seed, contender.label, look_up=look_up)
