"""What of a network stays digital on a chip: every layer with weights or products of its own, with both and why.

Norms are left out: an output unit computes them, or nothing counts them, which every cost says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from torch import nn

from hwsim.weight_rows import NORMS, weight_rows


class DigitalLayer(NamedTuple):
    """A layer that is not on tiles.

    Attributes:
        name: as in `named_modules`; of the network itself that of its class.
        type: name of its class.
        weights: how many, biases apart; those of another layer count there.
        macs: multiply-accumulates of one inference, in products of matrices and convolutions; 0 for look-ups.
        why: it is digital, in a few words.
    """

    name: str
    type: str
    weights: int
    macs: int
    why: str


def digital_layers(
    net: nn.Module,
    analog: Collection[nn.Module],
    problems: Mapping[nn.Module, str],
    macs: Counter[nn.Module],
) -> tuple[DigitalLayer, ...]:
    """Return the layers that are not on tiles, in order of registration.

    Args:
        net: any network.
        analog: its layers on tiles.
        problems: why others cannot be.
        macs: multiply-accumulates that each module does by itself.
    """
    found = []
    for row in weight_rows(net, problems=problems):
        own = row.macs(macs)
        if row.module in analog or isinstance(row.module, NORMS) or not (row.shape or own):
            continue
        kind = type(row.module).__name__
        found.append(DigitalLayer(row.name or kind, kind, row.weights, own, row.why_digital))
    return tuple(found)
