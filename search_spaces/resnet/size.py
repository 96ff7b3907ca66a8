"""The exact number of different networks in a ResNet-like space.

A network is a sequence of runs: neighbouring main blocks that `canonical` would merge. A run is fixed by its
(B, CT, skip), its widening and its residual blocks T; written with `k` main blocks it needs `k r_min <= T <=
k r_max`, so every `k` between `ceil(T / r_max)` and `floor(T / r_min)` will do. A sequence of runs is in the
space when the fewest main blocks it can be written with are at most the largest M, and the most at least the
smallest. The count goes through the runs from left to right, keeping how many sequences there are for each
(fewest, most, widening so far).
"""

from __future__ import annotations

from collections import Counter

from search_spaces.resnet.geometry import geometry
from search_spaces.resnet.ranges import Ranges


def size(ranges: Ranges) -> int:
    """Return how many different networks with at most `max_width` channels there are."""
    kernels = range(ranges.ks0[0], ranges.ks0[1] + 1)
    strided = Counter(_strided_main_blocks(ranges, kernel) for kernel in kernels)
    return sum(number * _networks(ranges, blocks) for blocks, number in strided.items())


def _strided_main_blocks(ranges: Ranges, kernel: int) -> int:
    """Return how many main blocks after the first stride; they come before all that do not."""
    strides = geometry(ranges.input_shape[1:], kernel, ranges.m[1]).strides
    return sum(stride != (1, 1) for stride in strides[1:])


def _networks(ranges: Ranges, strided: int) -> int:
    """Return the networks with one first kernel, when main blocks 2 to 1 + `strided` stride."""
    (m_low, m_high), (oc_low, oc_high) = ranges.m, ranges.oc0
    kinds = (ranges.b[1] - ranges.b[0] + 1) * len(ranges.ct) * (ranges.skip[1] - ranges.skip[0] + 1)
    singles = Counter({(1, 1): ranges.r[1] - ranges.r[0] + 1})
    runs = _runs(ranges) if ranges.wf[0] == 1 else singles
    networks = 0
    # (runs so far, main blocks at least, main blocks at most, product of the widening factors) -> sequences
    states: Counter[tuple[int, int, int, int]] = Counter({(0, 0, 0, 1): 1})
    while states:
        extended: Counter[tuple[int, int, int, int]] = Counter()
        for (length, fewest, most, widening), sequences in states.items():
            # A run that follows one it could belong to differs from it in kind, unless it widens.
            touches = length > strided
            for factor in range(ranges.wf[0], ranges.wf[1] + 1):
                choices = kinds - 1 if touches and factor == 1 else kinds
                wider = widening * factor
                if not choices or wider * oc_low > ranges.max_width:
                    continue
                for (least, largest), totals in (runs if length >= strided else singles).items():
                    if fewest + least > m_high:
                        continue
                    state = (min(length + 1, strided + 1), fewest + least, min(most + largest, m_high), wider)
                    extended[state] += sequences * choices * totals
        for (_, _, most, widening), sequences in extended.items():
            if most >= m_low:
                networks += sequences * max(0, min(oc_high, ranges.max_width // widening) - oc_low + 1)
        states = extended
    return networks


def _runs(ranges: Ranges) -> Counter[tuple[int, int]]:
    """Return how many T a run may have for each (fewest, most) main blocks it can be written with."""
    (low, high), most = ranges.r, ranges.m[1]
    totals: Counter[tuple[int, int]] = Counter()
    for total in range(low, high * most + 1):
        least, largest = -(-total // high), total // low
        if least <= largest:
            totals[least, largest] += 1
    return totals
