"""The analog layers of a population, one after the other: most places of its table hold no layer."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt

from hwsim.chip_cost.workload import Workload

Integers = npt.NDArray[np.int64]


@final
class Layers:
    """The nodes of a workload that have a matrix, network by network; arrays are `(layers,)` int64.

    Args:
        work: all nodes.
    """

    def __init__(self, work: Workload) -> None:
        self._present = (work.copies > 0) & (work.rows > 0)
        self._ends = np.cumsum(self._present.sum(axis=1))
        self.rows = work.rows[self._present]
        self.columns = work.columns[self._present]
        self.groups = work.groups[self._present]
        self.positions = work.positions[self._present]
        self.copies = work.copies[self._present]

    def sums(self, values: Integers) -> Integers:
        """Return the sum over the layers of each network, `(networks,)`."""
        so_far = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])
        return np.asarray(np.diff(so_far[self._ends], prepend=0), dtype=np.int64)

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values in their places among all nodes, `(networks, nodes)`; 0 elsewhere."""
        found = np.zeros(self._present.shape, dtype=values.dtype)
        found[self._present] = values
        return found
