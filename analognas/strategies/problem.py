"""The problem a strategy solves: a space, what to improve, and what must hold.

Hard constraints depend on the genotype alone (parameters, MACs, tiles) and are checked before any training. Soft
ones (AVM, spread over chips) are measured; `analognas.strategies.worth` says what a trial is worth that breaks them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from analognas.metrics import HARD_METRICS, SOFT_METRICS, TABLE
from analognas.strategies.costs import CHIP_COSTS, Cost, cost_functions
from analognas.strategies.worth import TRIAL, Fidelity, SoftBound, soft_bounds, worth
from search_spaces import Population

if TYPE_CHECKING:
    import pandas as pd

    import hwsim
    from hwsim.chip_cost.network_costs import ChipUse
    from search_spaces import ArchitectureSpace

Choice: TypeAlias = Literal["best", "knee"]
"""How the network that is trained at full budget is chosen."""


@dataclass(frozen=True)
class Objective:
    """A metric to improve: `sign` is 1 to maximise and -1 to minimise."""

    metric: str
    sign: int

    def score(self, metrics: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the `(n,)` value to maximise; NaN for failed trials."""
        return self.sign * metrics[self.metric].to_numpy(dtype=np.float64, copy=True)


@dataclass(frozen=True)
class SearchProblem:
    """A space, an objective, and bounds by metric name.

    Attributes:
        space: the search space.
        objective: what to improve.
        upper_bounds: how bad a metric may be, the largest allowed value where less is better and the smallest where
            more is; one that is absent is free.
        further: more objectives, such as `parameters`; only multi-objective strategies look at them.
        hardware: what the networks run on; None where only costs of the network itself are bounded.
        use: a described chip and how the networks use it; None without one.
        fidelity: of what is measured, next to what soft bounds are meant for: the network that is exported.

    Raises:
        ValueError: for a bound on a cost of hardware or of a chip, without one.
    """

    space: ArchitectureSpace
    objective: Objective
    upper_bounds: Mapping[str, float]
    further: tuple[Objective, ...] = ()
    hardware: hwsim.Hardware | None = None
    use: ChipUse | None = None
    fidelity: Fidelity = TRIAL

    def __post_init__(self) -> None:
        unknown = [name for name in self.hard_bounds if name not in self.costs]
        if unknown:
            needed = "a described `chip`" if unknown[0] in CHIP_COSTS else "`hardware`"
            raise ValueError(f"a bound on `{unknown[0]}` needs {needed}, got None")

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Every objective, the first one first."""
        return (self.objective, *self.further)

    def admissible(self, population: Population) -> npt.NDArray[np.bool_]:
        """Return the `(n,)` mask of candidates that can be built and meet every hard constraint."""
        mask = np.array([not problem for problem in self.space.problems(population)], dtype=np.bool_)
        for name, bound in self.hard_bounds.items():  # the cheap ones first, the next ones of what is left
            left = np.flatnonzero(mask)
            if not len(left):
                break
            mask[left] = TABLE[name].keeps(self.costs[name](population[left]), bound)
        return mask

    @property
    def costs(self) -> dict[str, Cost]:
        """What is known of candidates before any training, by metric name."""
        return cost_functions(self.space, self.hardware, self.use)

    @property
    def hard_bounds(self) -> dict[str, float]:
        """The bounds on costs, in the order of the table of metrics."""
        return {name: self.upper_bounds[name] for name in HARD_METRICS if name in self.upper_bounds}

    def share_of_bounds(self, population: Population) -> npt.NDArray[np.float64]:
        """Return the largest share of a hard bound that each candidate takes, `(n,)`; 0 without a bound."""
        shares = [
            TABLE[name].share(self.costs[name](population), bound) for name, bound in self.hard_bounds.items()
        ]
        return np.asarray(np.max([np.zeros(len(population)), *shares], axis=0), dtype=np.float64)

    @property
    def soft_bounds(self) -> tuple[SoftBound, ...]:
        """The bounds on measured metrics."""
        return soft_bounds(self.upper_bounds, self.fidelity)

    def worth(self, metrics: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the score of `(n, metrics)` trials less what the soft bounds they break cost them, `(n,)`."""
        return worth(self.score(metrics), metrics, self.soft_bounds)

    def feasible(self, metrics: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return the `(n,)` mask of rows that meet every soft constraint; rows with NaN do not."""
        return meets_soft_bounds(metrics, self.objective, self.upper_bounds)

    def score(self, metrics: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the `(n,)` value to maximise; NaN for failed trials."""
        return self.objective.score(metrics)

    def values(self, population: Population, metrics: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the `(n, objectives)` values to maximise, the first one as what a trial is worth.

        Costs of the genotype need not be measured.

        Raises:
            ValueError: when an objective is neither measured nor a cost of the genotype.
        """
        costs, columns = self.costs, []
        for objective in self.objectives:
            name = objective.metric
            if objective is self.objective and name in metrics.columns:
                columns.append(self.worth(metrics))
            elif name in metrics.columns:
                columns.append(objective.score(metrics))
            elif name in costs:
                columns.append(objective.sign * costs[name](population).astype(np.float64))
            else:
                known = ", ".join([*metrics.columns, *costs])
                raise ValueError(f"the objective {name!r} is not among {known}")
        return np.stack(columns, axis=1)


def objective_values(metrics: pd.DataFrame, objectives: Sequence[Objective]) -> npt.NDArray[np.float64]:
    """Return the `(n, objectives)` measured values, the larger the better; NaN for failed trials."""
    return np.stack([objective.score(metrics) for objective in objectives], axis=1)


def meets_soft_bounds(
    metrics: pd.DataFrame, objective: Objective, upper_bounds: Mapping[str, float]
) -> npt.NDArray[np.bool_]:
    """Return the `(n,)` mask of measured rows that meet every soft bound; rows with NaN do not."""
    mask = np.array(metrics[objective.metric].notna(), dtype=np.bool_)
    for metric in SOFT_METRICS:
        if metric in upper_bounds:
            mask &= np.asarray(metrics[metric] <= upper_bounds[metric], dtype=np.bool_)
    return mask
