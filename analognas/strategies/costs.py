"""What candidates cost, from their genotypes alone: one function a metric, the only list of them.

A hard bound, the value of a further objective, the reason of a rejection and the reach of a first design all read it.
The tiles are those of `hwsim.mapping`: each layer on tiles of its own, split in near-equal parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from hwsim.mapping import count_tiles
from search_spaces import Matrices, NetworkCost, Population

if TYPE_CHECKING:
    import hwsim

Cost: TypeAlias = Callable[[Population], npt.NDArray[Any]]
"""From `(n, genes)` candidates to `(n,)` costs."""


class Counted(Protocol):
    """A space that knows what its networks hold."""

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the trainable parameters of each network, `(n,)`."""
        ...

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the multiply-accumulates of one inference of each network, `(n,)`."""
        ...

    def matrices(self, population: Population) -> Matrices:
        """Return the weight matrices of each network, `(n, slots)` each."""
        ...


def cost_functions(space: Counted, hardware: hwsim.Hardware | None) -> dict[str, Cost]:
    """Return the cost functions by metric name, those of a chip only where there is one.

    Args:
        space: the search space.
        hardware: what networks run on; None where nothing but the network counts.
    """
    costs: dict[str, Cost] = {name: partial(cost, space) for name, cost in NETWORK_COSTS.items()}
    if hardware is not None:
        costs |= {name: partial(_on_chip, cost, space, hardware) for name, cost in CHIP_COSTS.items()}
    return costs


def _on_chip(
    cost: ChipCost, space: Counted, hardware: hwsim.Hardware, population: Population
) -> npt.NDArray[Any]:
    return cost(space.matrices(population), hardware)


def network_costs(network: NetworkCost, hardware: hwsim.Hardware | None) -> dict[str, float]:
    """Return what a network costs that is no candidate, by metric name."""
    none = np.zeros((1, 0), dtype=np.int64)
    costs = cost_functions(_OneNetwork(network), hardware)
    return {name: float(cost(none)[0]) for name, cost in costs.items()}


def n_tiles(matrices: Matrices, hardware: hwsim.Hardware) -> npt.NDArray[np.int64]:
    """Return the tiles of each network, `(n,)`, as `hwsim.tile_map` of the built network counts them."""
    tile = hardware.tile
    each = count_tiles(matrices.rows, matrices.columns, matrices.groups, tile.rows, tile.columns)
    return np.asarray((each * matrices.layers).sum(axis=1), dtype=np.int64)


def utilisation(matrices: Matrices, hardware: hwsim.Hardware) -> npt.NDArray[np.float64]:
    """Return weights over the weights that the tiles could hold, `(n,)`; 0 for a network without tiles."""
    room = n_tiles(matrices, hardware) * hardware.tile.rows * hardware.tile.columns
    return np.where(room > 0, matrices.weights / np.maximum(room, 1), 0.0)


NETWORK_COSTS: Final[Mapping[str, Callable[[Counted, Population], npt.NDArray[Any]]]] = {
    "parameters": lambda space, population: space.parameters(population),
    "macs": lambda space, population: space.macs(population),
}
"""What a network costs wherever it runs, by metric name."""

ChipCost: TypeAlias = Callable[[Matrices, "hwsim.Hardware"], npt.NDArray[Any]]
"""From the weight matrices of `n` networks to their `(n,)` costs on a chip."""

CHIP_COSTS: Final[Mapping[str, ChipCost]] = {"tiles": n_tiles, "utilisation": utilisation}
"""What a network costs on a chip, by metric name."""


@dataclass(frozen=True)
class _OneNetwork:
    """A network that was built, as a space of its own."""

    network: NetworkCost

    def parameters(self, _: Population) -> npt.NDArray[np.int64]:
        return np.array([self.network.parameters])

    def macs(self, _: Population) -> npt.NDArray[np.int64]:
        return np.array([self.network.macs])

    def matrices(self, _: Population) -> Matrices:
        return Matrices.of([self.network.matrices])
