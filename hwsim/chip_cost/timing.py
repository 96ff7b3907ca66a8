"""When every layer gives its first and its last output, in whole picoseconds.

A multiplication takes `t_mvm`; scale, offset and partial sums take `t_dig`, the link `t_io`. With double buffering the
next output follows after the longest of the three, else after all. A layer of `P` positions and `r` replicas gives
`ceil(P / r)` outputs one after the other.

*Layer-serial*: the sum over layers. *Pipelined*: a layer gives its first output when each source has given as many
outputs as it needs (a convolution of `k` rows needs `k - 1` rows of the map and some), its last one not before the last
of each source. Branches wait for the longest, not for the sum. Latency is the last output of all; the interval between
two inferences is that of the busiest layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.chip_cost.counts import TileCounts
from hwsim.chip_cost.description import Chip
from hwsim.chip_cost.layers import Layers
from hwsim.chip_cost.workload import INPUT, Workload

Integers = npt.NDArray[np.int64]

PICO = 1e12


@dataclass(frozen=True)
class LayerTimes:
    """Of each layer, `(layers,)` ps.

    Attributes:
        first: from the vector to its output.
        interval: between two outputs.
        busy: all positions of one inference, on each replica.
        multiplying: of that, matrix-vector multiplication alone.
    """

    first: Integers
    interval: Integers
    busy: Integers
    multiplying: Integers


def layer_times(
    layers: Layers, counts: TileCounts, chip: Chip, mode: str, replicas: Integers, turns: Integers
) -> LayerTimes:
    """Return how long each layer takes.

    Args:
        layers: the analog layers.
        counts: what each takes on tiles.
        chip: described.
        mode: how it reads.
        replicas: copies of each layer that share its positions.
        turns: multiplications of one tile for one output: parts of a layer that share a tile take turns.
    """
    digital, mvm = chip.digital, round(chip.mvm_s(mode) * PICO) * turns
    cycles = -(-counts.widest // digital.outputs_per_cycle)
    cycles = cycles + counts.row_blocks * digital.cycles_per_hop + digital.cycles
    period = 0.0 if digital.clock is None else PICO / digital.clock.si
    after = np.rint(cycles * period).astype(np.int64)
    if chip.link.bits_per_cycle is not None:
        bits = counts.widest * chip.modes[mode].output_bits
        after = np.maximum(after, np.rint(-(-bits // chip.link.bits_per_cycle) * period).astype(np.int64))
    first = mvm + after
    interval = np.maximum(mvm, after) if digital.buffering == "double" else first
    outputs = -(-layers.positions // replicas)
    return LayerTimes(first, interval, first + interval * (outputs - 1), mvm * outputs)


def pipelined_latency(work: Workload, first: Integers, interval: Integers, replicas: Integers) -> Integers:
    """Return the latency of each network whose layers run at once, `(networks,)` ps.

    Args:
        work: all nodes.
        first: from the inputs of a node to its first output, `(networks, nodes)`; 0 for digital steps.
        interval: between two outputs, of the same shape.
        replicas: copies of each node that share its positions, of the same shape.
    """
    n_networks, n_nodes = first.shape
    begins = np.zeros((n_nodes + 1, n_networks), dtype=np.int64)  # the last row is the input
    ends, steps = np.zeros_like(begins), np.ones_like(begins)
    steps[:-1] = np.maximum(work.positions.T - 1, 1)
    here = work.copies.T > 0
    first, interval = np.ascontiguousarray(first.T), np.ascontiguousarray(interval.T)
    later = interval * (-(-work.positions.T // replicas.T) - 1)
    sources = work.sources.transpose(1, 2, 0)
    used = (sources != INPUT).any(axis=2)
    needs, own = work.needs.transpose(1, 2, 0), np.arange(n_networks)
    for node in np.flatnonzero(here.any(axis=1)):
        ready, last = np.zeros(n_networks, dtype=np.int64), np.zeros(n_networks, dtype=np.int64)
        for slot in np.flatnonzero(used[node]):
            places = (
                sources[node, slot] % (n_nodes + 1) * n_networks + own
            )  # in the rows above as flat arrays
            begin, end, gaps = begins.take(places), ends.take(places), steps.take(places)
            waits = np.minimum(needs[node, slot] - 1, gaps)
            if (waits > 0).any():
                whole, rest = np.divmod(end - begin, gaps)  # of both the product would be too large
                begin = begin + waits * whole + waits * rest // gaps
            np.maximum(ready, begin, out=ready)
            np.maximum(last, end, out=last)
        ready += first[node]
        begins[node] = ready * here[node]
        ends[node] = np.maximum(ready + later[node], last + first[node]) * here[node]
    return np.asarray(ends.max(axis=0), dtype=np.int64)
