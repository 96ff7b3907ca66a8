"""What a torch network costs, measured on the network itself.

The network runs once on meta tensors, which have shapes and no values, and every convolution, linear layer and
recurrent layer reports the multiply-accumulates of its call: output positions x output channels x (input channels /
groups) x kernel area; a recurrent layer has a matrix for its inputs, one for its states and one for its projection,
which it multiplies at each step. This is the independent check of the counts that search spaces compute from
genotypes. It does not see matrix products outside modules, such as those of attention.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search_spaces.matrices import Matrix

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class LayerCost:
    """One call of a convolution or linear layer, or of one matrix of a recurrent layer.

    Attributes:
        name: the module's path in the network, with that of the matrix where it has several.
        kind: its class name.
        weight_shape: of its weight tensor.
        output_shape: of one example, without the batch axis.
        parameters: its weights and biases.
        macs: multiply-accumulates of one inference.
    """

    name: str
    kind: str
    weight_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    macs: int


@dataclass(frozen=True)
class NetworkCost:
    """What one network costs.

    Attributes:
        parameters: trainable ones.
        macs: multiply-accumulates of one inference.
        matrices: of its convolutions, linear and recurrent layers, those that never run included.
    """

    parameters: int
    macs: int
    matrices: tuple[Matrix, ...]


def network_cost(network: nn.Module, input_shape: Sequence[int]) -> NetworkCost:
    """Return what a network costs; it is left as it is.

    Args:
        network: any torch network that takes one tensor.
        input_shape: of one example, without the batch axis.

    Raises:
        RuntimeError: when the network does not accept such an input.
    """
    calls = layer_table(network, input_shape)
    positions = Counter[str]()
    for call in calls:
        positions[call.name] += math.prod(call.output_shape) // call.weight_shape[0]
    shapes = Counter(
        (*shape, positions[place])
        for name, layer in network.named_modules()
        if isinstance(layer, _layer_types())
        for place, shape in _matrix_shapes(name, layer)
    )
    return NetworkCost(
        parameters=sum(weight.numel() for weight in network.parameters() if weight.requires_grad),
        macs=sum(call.macs for call in calls),
        matrices=tuple(Matrix(*shape, count) for shape, count in shapes.items()),
    )


def count_network(network: nn.Module, input_shape: Sequence[int]) -> tuple[int, int]:
    """Return `(trainable parameters, multiply-accumulates of one inference)` as `network_cost` counts them."""
    cost = network_cost(network, input_shape)
    return cost.parameters, cost.macs


def layer_table(network: nn.Module, input_shape: Sequence[int]) -> list[LayerCost]:
    """Return the cost of every convolution, linear and recurrent layer in the order in which they run.

    Raises:
        RuntimeError: when the network does not accept an input of that shape.
    """
    import torch
    from torch import nn

    calls: list[LayerCost] = []
    # A copy whose tensors have no values: cheap, and the network keeps its mode, its statistics and its
    # hooks.
    parameters = {id(old): nn.Parameter(old.to("meta"), requires_grad=False) for old in network.parameters()}
    buffers = {id(old): old.to("meta") for old in network.buffers()}
    shadow = copy.deepcopy(network, {**parameters, **buffers}).eval()
    for name, module in shadow.named_modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            # It keeps the shape, and on meta tensors takes longer than everything else together.
            module.forward = _unchanged  # type: ignore[assignment, method-assign]
        if isinstance(module, _layer_types()):

            def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Any, name: str = name) -> None:
                calls.extend(_costs(name, layer, output))

            module.register_forward_hook(record)
    with torch.no_grad():
        shadow(torch.empty((1, *input_shape), device="meta"))
    return calls


def _layer_types() -> tuple[type[nn.Module], ...]:
    from torch import nn

    return nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.RNNBase


def _recurrent_matrices(layer: nn.Module) -> list[tuple[str, Tensor]]:
    """Return the matrices of a recurrent layer by name; nothing for any other layer."""
    from torch import nn

    if not isinstance(layer, nn.RNNBase):
        return []
    return [(name, values) for name, values in layer.named_parameters() if name.startswith("weight")]


def _matrix_shapes(name: str, layer: nn.Module) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the path of each matrix of a layer, with rows and columns of the whole matrix, and its groups."""
    from torch import nn

    recurrent = _recurrent_matrices(layer)
    if recurrent:
        return [(f"{name}.{own}", (values.shape[1], values.shape[0], 1)) for own, values in recurrent]
    weight = layer.get_parameter("weight")
    groups = 1 if isinstance(layer, nn.Linear) else int(layer.groups)  # type: ignore[arg-type]
    return [(name, (math.prod(weight.shape[1:]) * groups, weight.shape[0], groups))]


def _unchanged(x: Tensor) -> Tensor:
    return x


def _costs(name: str, layer: nn.Module, output: Any) -> list[LayerCost]:
    """Return the cost of one call of a layer, of each of its matrices where it has several."""
    recurrent = _recurrent_matrices(layer)
    if not recurrent:
        weight = layer.get_parameter("weight")
        return [_cost(name, layer, weight, output, sum(tensor.numel() for tensor in layer.parameters()))]
    steps = output[0]
    found = []
    for own, matrix in recurrent:
        product = steps.new_empty((*steps.shape[:-1], matrix.shape[0]))
        bias = own.replace("weight", "bias")
        biases = layer.get_parameter(bias).numel() if bias in dict(layer.named_parameters()) else 0
        found.append(_cost(f"{name}.{own}", layer, matrix, product, matrix.numel() + biases))
    return found


def _cost(name: str, layer: nn.Module, weight: Tensor, output: Tensor, parameters: int) -> LayerCost:
    # The first axis of a weight is the output channel; the rest are what one output value sums over.
    per_output = math.prod(weight.shape[1:])
    return LayerCost(
        name=name,
        kind=type(layer).__name__,
        weight_shape=tuple(weight.shape),
        output_shape=tuple(output.shape[1:]),
        parameters=parameters,
        macs=output.numel() * per_output,
    )
