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
from hwsim.chip_cost.workload import Workload

Integers = npt.NDArray[np.int64]

PICO = 1e12


@dataclass(frozen=True)
class NodeTimes:
    """Of each node, `(networks, nodes)` ps.

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


def node_times(work: Workload, counts: TileCounts, chip: Chip, mode: str, replicas: Integers) -> NodeTimes:
    """Return how long each node takes; digital steps take no time of their own."""
    mvm = round(chip.mvm_s(mode) * PICO)
    digital, analog = chip.digital, work.rows > 0
    cycles = -(-counts.widest // digital.outputs_per_cycle)
    cycles = cycles + counts.row_blocks * digital.cycles_per_hop + digital.cycles
    period = 0.0 if digital.clock is None else PICO / digital.clock.si
    after = np.rint(cycles * period).astype(np.int64)
    if chip.link.bits_per_cycle is not None:
        bits = counts.widest * chip.modes[mode].output_bits
        after = np.maximum(after, np.rint(-(-bits // chip.link.bits_per_cycle) * period).astype(np.int64))
    first = np.where(analog, mvm + after, 0)
    interval = np.where(analog, np.maximum(mvm, after), 0) if digital.buffering == "double" else first
    outputs = -(-work.positions // replicas)
    return NodeTimes(first, interval, first + interval * (outputs - 1), np.where(analog, mvm * outputs, 0))


def serial_latency(work: Workload, times: NodeTimes) -> Integers:
    """Return the latency of each network whose layers run one after the other, `(networks,)` ps."""
    return np.asarray((work.copies * times.busy).sum(axis=1), dtype=np.int64)


def pipelined_latency(work: Workload, times: NodeTimes, replicas: Integers) -> Integers:
    """Return the latency of each network whose layers run at once, `(networks,)` ps."""
    n_networks, n_nodes = work.rows.shape
    first = np.zeros((n_networks, n_nodes + 1), dtype=np.int64)  # the last place is the input
    last = np.zeros_like(first)
    gaps = np.ones_like(first)
    outputs = -(-work.positions // replicas)
    gaps[:, :-1] = np.maximum(work.positions - 1, 1)
    for node in range(n_nodes):
        sources, needs = work.sources[:, node], work.needs[:, node]
        begin, end = (np.take_along_axis(of, sources, axis=1) for of in (first, last))
        steps = np.take_along_axis(gaps, sources, axis=1)
        ready = (begin + np.minimum(needs - 1, steps) * (end - begin) // steps).max(axis=1)
        here = work.copies[:, node] > 0
        first[:, node] = np.where(here, ready + times.first[:, node], 0)
        alone = first[:, node] + times.interval[:, node] * (outputs[:, node] - 1)
        last[:, node] = np.where(here, np.maximum(alone, end.max(axis=1) + times.first[:, node]), 0)
    return np.asarray(last.max(axis=1), dtype=np.int64)
