"""A table of measured candidates that stands in for training them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from analognas.bench.error import BenchError
from analognas.bench.table_space import TableSpace
from analognas.specs.problems import nearest
from analognas.strategies import Objective, SearchProblem
from analognas.strategies.worth import EXPORTED
from search_spaces import Population

if TYPE_CHECKING:
    import pandas as pd

    import hwsim
    from hwsim.chip_cost.network_costs import ChipUse
    from search_spaces import ArchitectureSpace, SearchSpace

OF_THE_SPACE: Final = ("parameters", "macs")
"""Costs that strategies know before an evaluation; a bound on them is one of the search."""


@dataclass(frozen=True)
class BenchTable:
    """Candidates and what each of them measured.

    Attributes:
        name: for reports.
        target: name of the measured column.
        space: the candidates as a search space.
        population: `(n, genes)` canonical, different, buildable.
        values: `(n,)` measured, in the unit of the column; the larger the better. Of several trainings: the mean.
        rejected: how many rows of the file were left out, by reason.
        runs: `(n, trainings)` each training's value, NaN where a candidate has fewer; by default `values` alone.
        costs: `(n,)` columns that a search may bound, by name.
        bounds: how bad `parameters`, `macs` and other costs that the search knows may be.
        hardware: that was measured on; None where it is not known.
        use: a described chip; None where there is none.
        described: `(n, features)` of the networks that mean the same in other tables; None where they are not known.
    """

    name: str
    target: str
    space: TableSpace
    population: Population
    values: npt.NDArray[np.float64]
    rejected: Mapping[str, int] = field(default_factory=dict)
    runs: npt.NDArray[np.float64] | None = None
    costs: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)
    hardware: hwsim.Hardware | None = None
    use: ChipUse | None = None
    described: pd.DataFrame | None = None

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        space: SearchSpace,
        target: str,
        candidates: str | Sequence[str] = "architecture",
        lower_is_better: bool = False,
        name: str = "table",
        input_shape: tuple[int, ...] | None = None,
    ) -> BenchTable:
        """Return the table of measurements in a pandas DataFrame, one candidate a row.

        Rows that cannot be read or built, have no finite value or are of a candidate that came before are left out and
        counted in `rejected`.

        Args:
            frame: `(n, columns)`, any index.
            space: that the candidates are of; any object with the four methods of a space.
            target: the column with the measured value, numbers or texts such as `91.2 ± 0.3`.
            candidates: the column with architectures (mappings or their JSON) or genotypes (integers or their JSON), or
                the columns of the genes in order.
            lower_is_better: the value is to be lowered; the table then holds its negative.
            name: for reports.
            input_shape: of the networks, where the space has the four methods alone and its networks are built to be
                counted.

        Raises:
            BenchError: when an argument does not fit, a column is missing, or fewer than two rows are usable.
        """
        from analognas.bench.frame_table import read_frame

        read = read_frame(
            frame,
            space=space,
            target=target,
            candidates=candidates,
            lower_is_better=lower_is_better,
            name=name,
            input_shape=input_shape,
        )
        return make_table(name, target, read.space, read.population, read.values, read.rejected)

    def __len__(self) -> int:
        return len(self.population)

    @property
    def problem(self) -> SearchProblem:
        """The search for the best row within the bounds."""
        objective = Objective(self.target, 1)
        return SearchProblem(
            self.space, objective, self.bounds, hardware=self.hardware, use=self.use, fidelity=EXPORTED
        )

    @property
    def trainings(self) -> int:
        """The most trainings that a candidate has."""
        return 1 if self.runs is None else self.runs.shape[1]

    @property
    def best(self) -> float:
        """The value of the best row within the bounds."""
        return float(self.values[self.problem.admissible(self.population)].max())

    @property
    def n_admissible(self) -> int:
        """How many rows keep the bounds of the search."""
        return int(self.problem.admissible(self.population).sum())

    def bounded(self, bounds: Mapping[str, float]) -> BenchTable:
        """Return the table under upper bounds.

        Bounds on `parameters` and `macs` are bounds of the search, which strategies know; rows above a bound on another
        column are left out and counted.

        Raises:
            BenchError: for a column that is not there, a bound that is no positive number, or fewer than two rows that
                keep the bounds.
        """
        of_the_space = [name for name in OF_THE_SPACE if getattr(self.space, name)(self.population).any()]
        known = dict.fromkeys([*of_the_space, *self.costs])
        for name, bound in bounds.items():
            if name not in known:
                raise BenchError(f"{self.name}: there is no cost {name!r:.60} to bound{nearest(name, known)}")
            if not bound > 0:
                raise BenchError(f"{self.name}: a bound must be above 0, got {name}={bound:g}")
        of_search = {name: bound for name, bound in bounds.items() if name in OF_THE_SPACE}
        table = self._without_rows_above({name: bounds[name] for name in bounds if name not in of_search})
        table = replace(table, bounds={**self.bounds, **of_search})
        kept = table.n_admissible
        if kept < 2:
            raise BenchError(f"{self.name}: at least 2 rows must keep the bounds, got {kept}; raise a bound")
        return table

    def _without_rows_above(self, bounds: Mapping[str, float]) -> BenchTable:
        kept = np.ones(len(self), dtype=np.bool_)
        rejected = dict(self.rejected)
        for name, bound in bounds.items():
            above = kept & (self.costs[name] > bound)
            _count(rejected, f"`{name}` is above {bound:g}", int(above.sum()))
            kept &= ~above
        if kept.all():
            return self
        if kept.sum() < 2:
            raise BenchError(
                f"{self.name}: at least 2 rows must keep the bounds, got {kept.sum()}; raise a bound"
            )
        costs = {name: values[kept] for name, values in self.costs.items()}
        return replace(
            self,
            space=self.space.with_rows(self.population[kept], costs),
            population=self.population[kept],
            values=self.values[kept],
            runs=None if self.runs is None else self.runs[kept],
            costs=costs,
            rejected=rejected,
            described=None if self.described is None else self.described[kept].reset_index(drop=True),
        )

    def measure(self, population: Population) -> pd.DataFrame:
        """Return what the candidates measured, one column, `(n, 1)`.

        Raises:
            BenchError: when a candidate is not in the table.
        """
        import pandas as pd

        return pd.DataFrame({self.target: self.values[self._rows(population)]})

    def one_run(self, population: Population, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return one training of each candidate, drawn at random among those it has, `(n,)`.

        Raises:
            BenchError: when a candidate is not in the table.
        """
        rows = self._rows(population)
        draws = rng.random((len(rows), self.trainings))
        if self.runs is None:
            return self.values[rows]
        first = np.where(np.isfinite(self.runs[rows]), draws, np.inf).argmin(axis=1)
        return np.asarray(self.runs[rows, first])

    def regret(self, population: Population) -> npt.NDArray[np.float64]:
        """Return how far each candidate is from the best row within the bounds, `(n,)`.

        Raises:
            BenchError: when a candidate is not in the table.
        """
        return np.asarray(self.best - self.values[self._rows(population)])

    def _rows(self, population: Population) -> npt.NDArray[np.intp]:
        rows = self.space.rows(population)
        if (rows < 0).any():
            outside = population[int(np.argmax(rows < 0))].tolist()
            raise BenchError(f"{outside} is not in the table {self.name} and was proposed all the same")
        return rows


def make_table(
    name: str,
    target: str,
    space: ArchitectureSpace,
    population: Population,
    values: npt.NDArray[np.float64],
    rejected: Mapping[str, int],
    *,
    runs: npt.NDArray[np.float64] | None = None,
    costs: Mapping[str, npt.NDArray[np.float64]] | None = None,
) -> BenchTable:
    """Return the table of the usable rows: what cannot be built, or comes twice, is left out and counted.

    Args:
        name: for reports.
        target: name of the measured column.
        space: that the candidates were drawn from.
        population: `(n, genes)` as read.
        values: `(n,)` as read, finite.
        rejected: rows that the reader left out, by reason.
        runs: `(n, trainings)` each training's value, where there are several.
        costs: `(n,)` finite columns by name; `parameters` and `macs` stand for those of the space.

    Raises:
        BenchError: when fewer than two rows are left.
    """
    counts = dict(rejected)
    buildable = np.flatnonzero([not problem for problem in space.problems(population)])
    _count(counts, "the network cannot be built", len(population) - len(buildable))
    canonical = space.canonical(population[buildable])
    _, first = np.unique(canonical, axis=0, return_index=True)
    _count(counts, "the same network as an earlier row", len(canonical) - len(first))
    rows = buildable[np.sort(first)]
    if len(rows) < 2:
        why = "".join(f"; left out: {number}, {reason}" for reason, number in counts.items())
        raise BenchError(f"{name}: a benchmark needs at least 2 usable rows, got {len(rows)}{why}")
    kept = canonical[np.sort(first)]
    costs = {cost: column[rows] for cost, column in (costs or {}).items()}
    return BenchTable(
        name,
        target,
        TableSpace(space, kept, costs),
        kept,
        values[rows],
        counts,
        runs=None if runs is None else runs[rows],
        costs=costs,
    )


def _count(counts: dict[str, int], reason: str, number: int) -> None:
    if number:
        counts[reason] = counts.get(reason, 0) + number


def name_of(path: Path) -> str:
    """Return the name that a table read from `path` has in reports."""
    return path.stem
