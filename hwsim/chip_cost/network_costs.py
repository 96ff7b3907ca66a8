"""What whole populations cost on a chip: one number a network and metric, from whole numbers throughout.

The same functions serve the population of a search and the one network of `hwsim.cost`: the results are equal bit for
bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from hwsim.chip_cost.counts import TileCounts, tile_counts
from hwsim.chip_cost.description import Chip
from hwsim.chip_cost.energy import FEMTO, node_energies, static_energy
from hwsim.chip_cost.layout import Piece, place
from hwsim.chip_cost.replication import replicas
from hwsim.chip_cost.timing import PICO, NodeTimes, node_times, pipelined_latency, serial_latency
from hwsim.chip_cost.workload import Workload

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Mapping: TypeAlias = Literal["one-layer", "packed"]
Schedule: TypeAlias = Literal["pipelined", "layer-serial"]


@dataclass(frozen=True)
class Plan:
    """How networks use a chip.

    Attributes:
        chip: its description.
        mode: how it reads.
        mapping: whether small layers share tiles.
        schedule: whether layers run at once.
        tile_budget: tiles that copies of busy layers may fill; None makes no copies.
        conductance: mean conductance over the one that the energy of a cell belongs to.
    """

    chip: Chip
    mode: str
    mapping: Mapping
    schedule: Schedule
    tile_budget: int | None = None
    conductance: float = 1.0


@final
class NetworkCosts:
    """Costs of a population.

    Args:
        work: its nodes.
        plan: how networks use the chip.
    """

    def __init__(self, work: Workload, plan: Plan) -> None:
        self.work = work
        self.plan = plan

    @cached_property
    def counts(self) -> TileCounts:
        """What each node takes on tiles."""
        return tile_counts(self.work, self.plan.chip.tile)

    @cached_property
    def replicas(self) -> Integers:
        """Copies of each node that share its positions, `(networks, nodes)`."""
        ones = np.ones_like(self.work.rows)
        if self.plan.tile_budget is None or self.plan.mapping == "packed":
            return ones
        alone = node_times(self.work, self.counts, self.plan.chip, self.plan.mode, ones)
        tiles = self.counts.tiles * self.work.copies
        return replicas(self.work.positions, alone.interval, alone.first, tiles, self.plan.tile_budget)

    @cached_property
    def tiles(self) -> Integers:
        """Tiles of each network with each layer on tiles of its own, `(networks,)`."""
        return np.asarray((self.counts.tiles * self.work.copies * self.replicas).sum(axis=1), dtype=np.int64)

    @cached_property
    def tiles_packed(self) -> Integers:
        """Tiles of each network where small layers share them, `(networks,)`."""
        found = [max((piece.tile for piece in pieces), default=-1) + 1 for pieces in self.packed]
        return np.array(found, dtype=np.int64)

    @cached_property
    def packed(self) -> list[list[Piece]]:
        """The pieces of each network on shared tiles."""
        work = self.work
        stacked = np.stack([work.rows, work.columns, work.groups, work.copies], axis=-1)
        return [place(network, self.plan.chip.tile, "packed") for network in stacked.tolist()]

    @cached_property
    def tiles_in_use(self) -> Integers:
        """Tiles of each network under the plan's mapping, `(networks,)`."""
        return self.tiles_packed if self.plan.mapping == "packed" else self.tiles

    @cached_property
    def weights(self) -> Integers:
        """Weights on tiles, `(networks,)`."""
        return np.asarray((self.counts.weights * self.work.copies).sum(axis=1), dtype=np.int64)

    @cached_property
    def utilisation(self) -> Floats:
        """Weights over the weights that the tiles in use could hold, `(networks,)`; copies are weights, too."""
        tile = self.plan.chip.tile
        held = (self.counts.weights * self.work.copies * self.replicas).sum(axis=1)
        return np.asarray(held / np.maximum(self.tiles_in_use * (tile.rows * tile.columns), 1))

    @cached_property
    def times(self) -> NodeTimes:
        """How long each node takes."""
        alone = node_times(self.work, self.counts, self.plan.chip, self.plan.mode, self.replicas)
        if self.plan.mapping == "one-layer" or self.plan.schedule == "layer-serial":
            return alone
        return self._sharing(alone)

    @cached_property
    def interval_ps(self) -> Integers:
        """Time between two inferences, `(networks,)`."""
        if self.plan.schedule == "layer-serial":
            return self.latency_ps
        return np.asarray(self.times.busy.max(axis=1, initial=0), dtype=np.int64)

    @cached_property
    def latency_ps(self) -> Integers:
        """Time from the input to the last output, `(networks,)`."""
        if self.plan.schedule == "layer-serial":
            return serial_latency(self.work, self.times)
        return pipelined_latency(self.work, self.times, self.replicas)

    @cached_property
    def node_energies_fj(self) -> dict[str, Integers]:
        """Energy of each part and node, `(networks, nodes)`."""
        return node_energies(self.work, self.counts, self.plan.chip, self.plan.mode, self.plan.conductance)

    @cached_property
    def static_fj(self) -> Integers:
        """Energy of static and idle power for one inference, `(networks,)`."""
        chip = self.plan.chip
        watts = self.tiles_in_use * (0.0 if chip.digital.idle is None else chip.digital.idle.si)
        watts = watts + (0.0 if chip.static is None else chip.static.si)
        return static_energy(watts, self.interval_ps)

    @cached_property
    def energy_fj(self) -> Integers:
        """Energy of one inference, `(networks,)`."""
        parts = sum(part.sum(axis=1) for part in self.node_energies_fj.values())
        return np.asarray(parts + self.static_fj, dtype=np.int64)

    @property
    def energy_uj(self) -> Floats:
        """Energy of one inference, µJ."""
        return self.energy_fj / (FEMTO / 1e6)

    @property
    def latency_us(self) -> Floats:
        """Latency, µs."""
        return self.latency_ps / (PICO / 1e6)

    @property
    def throughput_per_s(self) -> Floats:
        """Inferences a second; infinite for a network without analog layers."""
        with np.errstate(divide="ignore"):
            return PICO / self.interval_ps

    @property
    def inferences_per_j(self) -> Floats:
        """Inferences for a joule; infinite for a network that takes none."""
        with np.errstate(divide="ignore"):
            return FEMTO / self.energy_fj

    def _sharing(self, alone: NodeTimes) -> NodeTimes:
        """Return the times of layers that run at once on shared tiles, whose multiplications take turns."""
        interval, busy = alone.interval.copy(), alone.busy.copy()
        for network, pieces in enumerate(self.packed):
            on_tile: dict[int, set[int]] = {}
            for piece in pieces:
                on_tile.setdefault(piece.tile, set()).add(piece.node)
            for nodes in on_tile.values():
                together = sum(
                    int(alone.busy[network, node] * self.work.copies[network, node]) for node in nodes
                )
                for node in nodes:
                    busy[network, node] = max(int(busy[network, node]), together)
            gaps = np.maximum(self.work.positions[network] - 1, 1)
            slower = (busy[network] - alone.first[network]) // gaps
            interval[network] = np.maximum(interval[network], slower)
        return NodeTimes(alone.first, interval, busy, alone.multiplying)
