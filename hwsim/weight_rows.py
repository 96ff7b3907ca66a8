"""Every layer of a network that holds weights, or may multiply, and whether it does so on tiles.

Weights are all parameters but biases, which are added digitally everywhere. A parameter that layers share counts once;
on tiles it counts in each of them, as each has its own devices.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import UninitializedParameter

from hwsim.arguments import require
from hwsim.mapping import LayerMapping
from hwsim.modules import AnalogLayer
from hwsim.modules.counterparts import LAYERS, UNSUPPORTED

NORMS: Final = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
"""Kinds of norms: their weights scale channels, and no tile has them."""

_LAYERS: Final = (AnalogLayer, *LAYERS)
"""What is one layer, with all that is in it."""


@dataclass(frozen=True)
class WeightRow:
    """A layer with weights, or one that may multiply without any.

    Attributes:
        name: as in `named_modules`.
        module: the layer.
        mapping: its tiles; None for a digital layer.
        weights: how many, biases apart.
        shape: of its largest weight; empty without weights.
        why_digital: in a few words; empty for an analog layer.
        is_layer: whether all that is inside of the module is part of this row.
    """

    name: str
    module: nn.Module
    mapping: LayerMapping | None
    weights: int
    shape: tuple[int, ...]
    why_digital: str
    is_layer: bool

    def macs(self, by_module: Counter[nn.Module]) -> int:
        """Return its multiply-accumulates, of those that each module does by itself."""
        inside = self.module.modules() if self.is_layer else (self.module,)
        return sum(by_module[module] for module in inside)


def weight_rows(
    net: nn.Module,
    problems: Mapping[nn.Module, str] | None = None,
) -> Iterator[WeightRow]:
    """Yield every layer once, those around others first.

    Args:
        net: an analog or digital network.
        problems: why layers that are digital cannot be analog.

    Raises:
        ValueError: for weights that are not initialised.
    """
    counted: set[nn.Parameter] = set()
    whole: set[nn.Module] = set()  # all that is inside of a layer
    for name, module in net.named_modules():
        if module in whole:
            continue
        is_layer = isinstance(module, _LAYERS)
        whole.update(module.modules() if is_layer else ())
        parameters = {
            key: parameter
            for key, parameter in module.named_parameters(recurse=is_layer)
            if not _is_bias(key.rpartition(".")[2])
        }
        if any(isinstance(parameter, UninitializedParameter) for parameter in parameters.values()):
            raise ValueError(f"weights must be initialised, got none yet in `{name}`: run the network once")
        if isinstance(module, AnalogLayer):
            shape = tuple(module.weight.shape)
            yield WeightRow(name, module, module.mapping, module.mapping.n_weights, shape, "", True)
            continue
        new = {parameter for parameter in parameters.values() if parameter not in counted}
        counted |= new
        shapes = [tuple(parameter.shape) for parameter in parameters.values()]
        largest = max(shapes, key=math.prod, default=())
        why = (problems or {}).get(module) or _why_digital(module, bool(parameters), bool(new))
        weights = sum(parameter.numel() for parameter in new)
        yield WeightRow(name, module, None, weights, largest, why, is_layer)


def analog_share(net: nn.Module) -> float:
    """Return the share of a network's weights that lie on tiles, 0 to 1; 0 for a digital network.

    Raises:
        TypeError: for anything but a torch module.
        ValueError: for weights that are not initialised.

    Example:
        >>> from hwsim import to_analog
        >>> analog_share(to_analog(nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 3)), "pcm-rasch2023"))
        0.3
    """
    require(net, nn.Module, "`net` must be a torch module")
    rows = list(weight_rows(net))
    analog = sum(row.weights for row in rows if row.mapping is not None)
    return analog / max(1, sum(row.weights for row in rows))


def _is_bias(name: str) -> bool:
    return name.startswith("bias") or name.endswith("_bias")


def _why_digital(module: nn.Module, has_weights: bool, are_new: bool) -> str:
    if has_weights and not are_new:
        return "weights of another layer"
    if isinstance(module, UNSUPPORTED):
        return "no analog counterpart"
    if isinstance(module, _LAYERS):
        return "kept digital"
    if isinstance(module, NORMS):
        return "norm"
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return "look-up"
    return "parameters of its own" if has_weights else "products of activations"
