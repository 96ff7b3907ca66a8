"""What a strategy is: a pure function from the history of a run to the next proposals.

A strategy keeps no state between calls. Everything it may use is in `History` and in the generator it is
handed, so a run resumes from its trial records alone, and the same history with the same generator gives
the same proposals.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from analognas.metrics import OPTIONAL_METRICS
from search_spaces import Genotype, Population

if TYPE_CHECKING:
    import pandas as pd

    from analognas.strategies.problem import SearchProblem


@dataclass(frozen=True)
class Proposal:
    """A candidate put forward for a real evaluation.

    Attributes:
        genotype: the candidate.
        origin: which part of a strategy made it, such as `latin-hypercube` or `algorithm-1`.
        predicted: what the surrogate expected of it, by metric name; empty without a surrogate.
    """

    genotype: Genotype
    origin: str
    predicted: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """What a run knows when a strategy is asked, in order of completion.

    Attributes:
        population: `(n, genes)` int64, every finished trial, failed ones included; those of other runs first.
        metrics: `(n, metrics)` measured values by name; NaN in the rows of failed trials.
        pending: `(m, genes)` int64, proposed and not finished yet.
        known: the genotypes of both, where the caller keeps them as a set.
        earlier: how many of the rows are trials of other runs (`search.warm_start`).
    """

    population: Population
    metrics: pd.DataFrame
    pending: Population
    known: AbstractSet[Genotype] | None = field(default=None, repr=False, compare=False)
    earlier: int = 0

    def __len__(self) -> int:
        return len(self.population)

    @property
    def completed(self) -> npt.NDArray[np.bool_]:
        """`(n,)` mask of the trials that have metrics."""
        required = [name for name in self.metrics.columns if name not in OPTIONAL_METRICS]
        return np.asarray(self.metrics[required].notna().all(axis=1), dtype=np.bool_)

    def seen(self) -> frozenset[Genotype]:
        """Every genotype that was proposed so far; none of them may be proposed again."""
        if self.known is not None:
            return frozenset(self.known)
        return frozenset(tuple(row) for rows in (self.population, self.pending) for row in rows.tolist())


class Strategy(Protocol):
    """Proposes candidates."""

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new, admissible, mutually different candidates.

        Fewer than `n`, down to none, means that the strategy found no more: the space is exhausted for it.
        """
        ...
