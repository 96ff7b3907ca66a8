"""What candidates cost, from their genotypes alone: one function a metric, the only list of them.

A hard bound, the value of a further objective, the reason of a rejection and the reach of a first design all read it.
The tiles are those of `hwsim.mapping`: each layer on tiles of its own, split in near-equal parts. Energy, latency and
area are those of `hwsim.cost`, of a described chip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from hwsim.chip_cost.network_costs import ChipUse, NetworkCosts
from hwsim.chip_cost.workload import Node, Workload
from hwsim.mapping import count_tiles
from search_spaces import LayerGraph, Matrices, NetworkCost, Population, network_cost

if TYPE_CHECKING:
    from torch import nn

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

    def layer_graph(self, population: Population) -> LayerGraph:
        """Return the layers of each network in order, `(n, nodes)` each."""
        ...


def cost_functions(
    space: Counted, hardware: hwsim.Hardware | None, use: ChipUse | None = None
) -> dict[str, Cost]:
    """Return the cost functions by metric name, those of hardware and of a chip only where there is one.

    Args:
        space: the search space.
        hardware: what networks run on; None where nothing but the network counts.
        use: a described chip and how networks use it; None without one.
    """
    costs: dict[str, Cost] = {name: partial(cost, space) for name, cost in NETWORK_COSTS.items()}
    if hardware is not None:
        costs |= {name: partial(_on_tiles, cost, space, hardware) for name, cost in TILE_COSTS.items()}
    if use is not None:
        known = (name for name in CHIP_COSTS if name != "area_mm2" or use.chip.area.core is not None)
        costs |= {name: partial(_on_chip, CHIP_COSTS[name], space, use) for name in known}
    return costs


def _on_tiles(
    cost: TileCost, space: Counted, hardware: hwsim.Hardware, population: Population
) -> npt.NDArray[Any]:
    return cost(space.matrices(population), hardware)


def _on_chip(cost: ChipCost, space: Counted, use: ChipUse, population: Population) -> npt.NDArray[Any]:
    starts = range(0, max(1, len(population)), _AT_ONCE)
    graphs = (space.layer_graph(population[start : start + _AT_ONCE]) for start in starts)
    return np.concatenate([cost(NetworkCosts(Workload(**vars(graph)), use)) for graph in graphs])


def network_costs(
    network: nn.Module,
    input_shape: Sequence[int],
    hardware: hwsim.Hardware | None,
    use: ChipUse | None = None,
) -> dict[str, float]:
    """Return what a network costs that is no candidate, by metric name.

    Args:
        network: any torch network that takes one tensor.
        input_shape: of one example.
        hardware: what it runs on; None where nothing but the network counts.
        use: a described chip and how it is used; None without one.

    Raises:
        ValueError: for a network that does not fit the chip's tiles.
    """
    none = np.zeros((1, 0), dtype=np.int64)
    costs = cost_functions(_OneNetwork(network, tuple(input_shape)), hardware, use)
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

TileCost: TypeAlias = Callable[[Matrices, "hwsim.Hardware"], npt.NDArray[Any]]
"""From the weight matrices of `n` networks to their `(n,)` costs on tiles."""

TILE_COSTS: Final[Mapping[str, TileCost]] = {"tiles": n_tiles, "utilisation": utilisation}
"""What a network costs on the tiles of hardware, by metric name."""

ChipCost: TypeAlias = Callable[[NetworkCosts], npt.NDArray[Any]]
"""From what `n` networks take of a chip to one of their `(n,)` costs."""

CHIP_COSTS: Final[Mapping[str, ChipCost]] = {
    "tiles_packed": lambda costs: costs.tiles_packed,
    "energy_uj": lambda costs: costs.energy_uj,
    "latency_us": lambda costs: costs.latency_us,
    "area_mm2": lambda costs: costs.area_mm2,
    "inferences_per_j": lambda costs: costs.inferences_per_j,
}
"""What a network costs on a described chip, by metric name."""

COSTS: Final = (*NETWORK_COSTS, *TILE_COSTS, *CHIP_COSTS)
"""Every metric that follows from the genotype."""

_AT_ONCE: Final = 1024
"""Candidates costed in one go: more do not fit into the caches."""


@dataclass(frozen=True)
class _OneNetwork:
    """A network that was built, as a space of its own."""

    network: nn.Module
    input_shape: tuple[int, ...]

    @cached_property
    def cost(self) -> NetworkCost:
        return network_cost(self.network, self.input_shape)

    def parameters(self, _: Population) -> npt.NDArray[np.int64]:
        return np.array([self.cost.parameters])

    def macs(self, _: Population) -> npt.NDArray[np.int64]:
        return np.array([self.cost.macs])

    def matrices(self, _: Population) -> Matrices:
        return Matrices.of([self.cost.matrices])

    def layer_graph(self, _: Population) -> LayerGraph:
        return graph_of([built_nodes(self.network, self.input_shape)])


def graph_of(networks: Sequence[Sequence[Node]]) -> LayerGraph:
    """Return the layers of networks that were built, as a space has those of its candidates."""
    return LayerGraph(**vars(Workload.of(networks)))


def built_nodes(network: nn.Module, input_shape: Sequence[int]) -> tuple[Node, ...]:
    """Return the layers of a built network in the order in which they run.

    Raises:
        ValueError: for inputs that the network cannot run on.
    """
    from hwsim.chip_cost.network_nodes import network_nodes  # which needs torch

    return network_nodes(network, None, input_shape, None).nodes
