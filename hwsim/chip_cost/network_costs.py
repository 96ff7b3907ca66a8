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
from hwsim.chip_cost.energy import FEMTO, layer_energies, static_energy, step_energies
from hwsim.chip_cost.layers import Layers
from hwsim.chip_cost.layout import Matrix, Piece, place
from hwsim.chip_cost.placement import Placement, place_all
from hwsim.chip_cost.replication import replicas_within
from hwsim.chip_cost.timing import PICO, LayerTimes, layer_times, pipelined_latency
from hwsim.chip_cost.workload import Workload

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TileMapping: TypeAlias = Literal["one-layer", "packed"]
Schedule: TypeAlias = Literal["pipelined", "layer-serial"]


@dataclass(frozen=True)
class ChipUse:
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
    mapping: TileMapping
    schedule: Schedule
    tile_budget: int | None = None
    conductance: float = 1.0

    @classmethod
    def of(cls, chip: Chip) -> ChipUse:
        """Return the use that a description has in mind."""
        return cls(chip, chip.mode, chip.mapping, chip.schedule, chip.tile_budget)


@final
class NetworkCosts:
    """Costs of a population.

    Args:
        work: its nodes.
        use: how networks use the chip.
    """

    def __init__(self, work: Workload, use: ChipUse) -> None:
        self.work = work
        self.use = use

    @cached_property
    def layers(self) -> Layers:
        """The analog layers."""
        return Layers(self.work)

    @cached_property
    def counts(self) -> TileCounts:
        """What each layer takes on tiles."""
        return tile_counts(self.layers, self.use.chip.tile)

    @cached_property
    def replicas(self) -> Integers:
        """Copies of each layer that share its positions, `(layers,)`."""
        layers, ones = self.layers, np.ones_like(self.layers.rows)
        if self.use.tile_budget is None or self.use.mapping == "packed":
            return ones
        alone = layer_times(layers, self.counts, self.use.chip, self.use.mode, ones, ones)
        positions, interval, first, tiles = (
            layers.spread(values)
            for values in (layers.positions, alone.interval, alone.first, self.counts.tiles * layers.copies)
        )
        found = replicas_within(np.maximum(positions, 1), interval, first, tiles, self.use.tile_budget)
        return np.asarray(found[layers.spread(ones) > 0])

    @cached_property
    def tiles(self) -> Integers:
        """Tiles of each network with each layer on tiles of its own, `(networks,)`."""
        return self.layers.sums(self.counts.tiles * self.layers.copies * self.replicas)

    @cached_property
    def tiles_packed(self) -> Integers:
        """Tiles of each network where small layers share them, `(networks,)`."""
        found = np.zeros(len(self.work.rows), dtype=np.int64)
        np.maximum.at(found, self.packed.network, self.packed.tile + 1)
        return found

    @cached_property
    def packed(self) -> Placement:
        """The pieces of each network on shared tiles."""
        return place_all(*self._matrices, self.use.chip.tile)

    def pieces(self, network: int, mapping: TileMapping) -> list[Piece]:
        """Return the pieces of one network."""
        if mapping == "packed":
            return self.packed.of(network)
        own = np.stack([values[network] for values in self._matrices], axis=-1)
        return place([Matrix(*matrix) for matrix in own.tolist()], self.use.chip.tile, mapping)

    @property
    def _matrices(self) -> tuple[Integers, Integers, Integers, Integers, Integers]:
        """The nodes of each network as they are placed."""
        work = self.work
        return work.rows, work.columns, work.groups, work.copies, self.depths

    @cached_property
    def depths(self) -> Integers:
        """Analog layers on the longest way to each node, itself included, `(networks, nodes)`."""
        work, found = self.work, np.zeros((len(self.work.rows), self.work.rows.shape[1] + 1), dtype=np.int64)
        for node in range(work.rows.shape[1]):  # the last place is the input
            before = np.take_along_axis(found, work.sources[:, node], axis=1).max(axis=1)
            found[:, node] = np.where(work.copies[:, node] > 0, before + (work.rows[:, node] > 0), 0)
        return found[:, :-1]

    @cached_property
    def tiles_in_use(self) -> Integers:
        """Tiles of each network under the mapping in use, `(networks,)`."""
        return self.tiles_packed if self.use.mapping == "packed" else self.tiles

    @cached_property
    def weights(self) -> Integers:
        """Weights on tiles, `(networks,)`."""
        return self.layers.sums(self.counts.weights * self.layers.copies)

    @cached_property
    def utilisation(self) -> Floats:
        """Weights over the weights that the tiles in use could hold, `(networks,)`; copies are weights, too."""
        tile = self.use.chip.tile
        held = self.layers.sums(self.counts.weights * self.layers.copies * self.replicas)
        return np.asarray(held / np.maximum(self.tiles_in_use * (tile.rows * tile.columns), 1))

    @cached_property
    def turns(self) -> Integers:
        """Multiplications of one tile for one output, `(layers,)`: parts of a layer that share a tile take turns."""
        found = np.ones_like(self.layers.rows)
        if self.use.mapping == "one-layer":
            return found
        pieces = self.packed
        layer = np.stack([pieces.network, pieces.node, pieces.copy, pieces.tile])
        first, kind = _kinds(layer)
        own = np.zeros_like(self.work.rows)
        np.maximum.at(own, tuple(layer[:2, first]), np.bincount(kind))
        return self._raised_to_slowest(found, own)

    @cached_property
    def times(self) -> LayerTimes:
        """How long each layer takes."""
        chip, mode = self.use.chip, self.use.mode
        alone = layer_times(self.layers, self.counts, chip, mode, self.replicas, self.turns)
        if self.use.mapping == "one-layer" or self.use.schedule == "layer-serial":
            return alone
        return self._sharing(alone)

    @cached_property
    def interval_ps(self) -> Integers:
        """Time between two inferences, `(networks,)`."""
        if self.use.schedule == "layer-serial":
            return self.latency_ps
        return np.asarray(self.layers.spread(self.times.busy).max(axis=1, initial=0), dtype=np.int64)

    @cached_property
    def latency_ps(self) -> Integers:
        """Time from the input to the last output, `(networks,)`."""
        layers = self.layers
        if self.use.schedule == "layer-serial":
            return layers.sums(layers.copies * self.times.busy)
        first, interval = (layers.spread(values) for values in (self.times.first, self.times.interval))
        return pipelined_latency(self.work, first, interval, np.maximum(layers.spread(self.replicas), 1))

    @cached_property
    def layer_energies_fj(self) -> dict[str, Integers]:
        """Energy of each part and layer, `(layers,)`."""
        return layer_energies(self.layers, self.counts, self.use.chip, self.use.mode, self.use.conductance)

    @cached_property
    def step_energies_fj(self) -> Integers:
        """Energy of the digital operations of each node, `(networks, nodes)`."""
        return step_energies(self.work, self.use.chip)

    @cached_property
    def static_fj(self) -> Integers:
        """Energy of static and idle power for one inference, `(networks,)`."""
        chip = self.use.chip
        watts = self.tiles_in_use * (0.0 if chip.digital.idle is None else chip.digital.idle.si)
        watts = watts + (0.0 if chip.static is None else chip.static.si)
        return static_energy(watts, self.interval_ps)

    @cached_property
    def energy_fj(self) -> Integers:
        """Energy of one inference, `(networks,)`."""
        parts = self.layers.sums(np.sum(list(self.layer_energies_fj.values()), axis=0))
        return np.asarray(parts + self.step_energies_fj.sum(axis=1) + self.static_fj, dtype=np.int64)

    @property
    def energy_uj(self) -> Floats:
        """Energy of one inference, µJ."""
        return self.energy_fj / (FEMTO / 1e6)

    @property
    def latency_us(self) -> Floats:
        """Latency, µs."""
        return self.latency_ps / (PICO / 1e6)

    @property
    def area_mm2(self) -> Floats:
        """Area of the tiles in use with their digital units, mm²; NaN where the description has none."""
        core = self.use.chip.area.core
        return np.asarray(self.tiles_in_use * (np.nan if core is None else core.si * 1e6), dtype=np.float64)

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

    def _sharing(self, alone: LayerTimes) -> LayerTimes:
        """Return the times of layers that run at once on shared tiles, whose multiplications take turns."""
        layers, pieces = self.layers, self.packed
        each = layers.spread(alone.busy // self.turns)
        owner = pieces.network, pieces.node
        _, tile = _kinds(np.stack([pieces.network, pieces.tile]))
        together = np.zeros(int(tile.max(initial=-1)) + 1, dtype=np.int64)
        np.add.at(together, tile, each[owner])
        own = np.zeros_like(self.work.rows)
        np.maximum.at(own, owner, together[tile])
        busy = self._raised_to_slowest(alone.busy, own)
        slower = (busy - alone.first) // np.maximum(layers.positions - 1, 1)
        return LayerTimes(alone.first, np.maximum(alone.interval, slower), busy, alone.multiplying)

    def _raised_to_slowest(self, values: Integers, own: Integers) -> Integers:
        """Return the values of layers, raised to those by node; of equal layers as deep, the largest counts."""
        work, layers = self.work, self.layers
        there = (work.rows > 0) & (work.copies > 0)
        network = np.broadcast_to(np.arange(len(work.rows))[:, None], work.rows.shape)
        of = np.stack(
            [network[there], layers.rows, layers.columns, layers.groups, layers.positions, self.depths[there]]
        )
        first, kind = _kinds(of)
        largest = np.zeros(len(first), dtype=np.int64)
        np.maximum.at(largest, kind, np.maximum(values, own[there]))
        return largest[kind]


def _kinds(keys: Integers) -> tuple[Integers, Integers]:
    """Return where each different column of `(keys, n)` comes first, and which of them each column is, `(n,)`."""
    order = np.lexsort(keys[::-1])
    ordered = keys[:, order]
    new = np.ones(keys.shape[1], dtype=np.bool_)
    new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    kind = np.empty(keys.shape[1], dtype=np.int64)
    kind[order] = np.cumsum(new) - 1
    return order[new], kind
