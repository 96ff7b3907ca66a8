"""A table of measured candidates that stands in for training them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analognas.bench.error import BenchError
from analognas.bench.table_space import TableSpace
from analognas.strategies import Objective, SearchProblem
from search_spaces import Population

if TYPE_CHECKING:
    import pandas as pd

    from search_spaces import ArchitectureSpace, SearchSpace


@dataclass(frozen=True)
class BenchTable:
    """Candidates and what each of them measured.

    Attributes:
        name: for reports.
        target: name of the measured column.
        space: the candidates as a search space.
        population: `(n, genes)` canonical, different, buildable.
        values: `(n,)` measured, in the unit of the column; the larger the better.
        rejected: how many rows of the file were left out, by reason.
    """

    name: str
    target: str
    space: TableSpace
    population: Population
    values: npt.NDArray[np.float64]
    rejected: Mapping[str, int] = field(default_factory=dict)

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
        """The search for the best row."""
        return SearchProblem(self.space, Objective(self.target, 1), {})

    def measure(self, population: Population) -> pd.DataFrame:
        """Return what the candidates measured, one column, `(n, 1)`.

        Raises:
            BenchError: when a candidate is not in the table.
        """
        import pandas as pd

        rows = self.space.rows(population)
        if (rows < 0).any():
            outside = population[int(np.argmax(rows < 0))].tolist()
            raise BenchError(f"{outside} is not in the table {self.name} and was proposed all the same")
        return pd.DataFrame({self.target: self.values[rows]})

    def regret(self, population: Population) -> npt.NDArray[np.float64]:
        """Return how far the best of the first k candidates is from the best row, for k = 1 .. n, `(n,)`.

        Raises:
            BenchError: when a candidate is not in the table.
        """
        values = self.measure(population)[self.target].to_numpy(dtype=np.float64)
        return np.asarray(self.values.max() - np.maximum.accumulate(values))


def make_table(
    name: str,
    target: str,
    space: ArchitectureSpace,
    population: Population,
    values: npt.NDArray[np.float64],
    rejected: Mapping[str, int],
) -> BenchTable:
    """Return the table of the usable rows: what cannot be built, or comes twice, is left out and counted.

    Args:
        name: for reports.
        target: name of the measured column.
        space: that the candidates were drawn from.
        population: `(n, genes)` as read.
        values: `(n,)` as read, finite.
        rejected: rows that the reader left out, by reason.

    Raises:
        BenchError: when fewer than two rows are left.
    """
    counts = dict(rejected)
    buildable = np.array([not problem for problem in space.problems(population)], dtype=np.bool_)
    _count(counts, "the network cannot be built", int((~buildable).sum()))
    canonical, values = space.canonical(population[buildable]), values[buildable]
    _, first = np.unique(canonical, axis=0, return_index=True)
    _count(counts, "the same network as an earlier row", len(canonical) - len(first))
    rows = np.sort(first)
    if len(rows) < 2:
        why = "".join(f"; left out: {number}, {reason}" for reason, number in counts.items())
        raise BenchError(f"{name}: a benchmark needs at least 2 usable rows, got {len(rows)}{why}")
    kept = canonical[rows]
    return BenchTable(name, target, TableSpace(space, kept), kept, values[rows], counts)


def _count(counts: dict[str, int], reason: str, number: int) -> None:
    if number:
        counts[reason] = counts.get(reason, 0) + number


def name_of(path: Path) -> str:
    """Return the name that a table read from `path` has in reports."""
    return path.stem
