"""Batch norms folded into scale and offset of the layer before them, and ReLUs that a layer's unit computes.

    γ (W x + b - μ) / sqrt(σ² + ε) + β  =  g W x + (b - μ) g + β,      g = γ / sqrt(σ² + ε)

The gain `g` becomes a factor of the column scales, and the rest the bias: what tiles hold does not change. A folded
batch norm leaves an identity in its place. A ReLU stays in the network: doing it twice changes nothing. A graph
has no sizes: a linear layer whose batch norm turns out to count something else than features refuses its inputs.

References:
    Jacob et al., Quantization and training of neural networks for efficient integer-arithmetic-only inference,
    CVPR 2018, arXiv 1712.05877.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch
from torch import fx, nn

from hwsim.inputs import Inputs
from hwsim.modules import Activation, AnalogLayer
from hwsim.tracer import BATCH_NORMS, PASSES, RELUS, RELUS6, Tracer, is_call


@dataclass(frozen=True)
class _Following:
    """What follows an analog layer, by name in the network.

    Attributes:
        layer: the analog layer.
        norm: the batch norm directly behind it; empty for none.
        activation: what the unit of the layer may compute.
        problem: why the batch norm cannot be folded; empty if it can.
    """

    layer: str
    norm: str
    activation: Activation
    problem: str


@torch.no_grad()
def fold_(net: nn.Module, kept: Collection[nn.Module], fold_batch_norms: bool | None) -> None:
    """Fold batch norms of an analog network in place, and note which ReLUs the layers' units compute.

    Args:
        net: an analog network.
        kept: modules that stay as they are.
        fold_batch_norms: True for those behind every analog layer, None for those behind layers with a fixed-point
            unit, False for none.

    Raises:
        ValueError: for a batch norm directly behind such a layer that cannot be folded, all of them in one message.
    """
    modules = dict(net.named_modules())
    graph, untraced = _graph(net)
    if graph is None:
        units = [layer for layer in modules.values() if isinstance(layer, AnalogLayer) and layer.unit]
        norms = [name for name, norm in modules.items() if isinstance(norm, BATCH_NORMS) and norm not in kept]
        if norms and (fold_batch_norms or (units and fold_batch_norms is None)):
            raise ValueError(
                f"batch norms can only be folded in a network that torch.fx can trace ({untraced}): name them in "
                f"`digital_layers` ({', '.join(norms)})"
            )
        return
    problems = []
    for found in _followings(graph, modules):
        layer, norm = modules[found.layer], modules[found.norm] if found.norm else None
        assert isinstance(layer, AnalogLayer)
        folds = fold_batch_norms if fold_batch_norms is not None else layer.unit is not None
        if norm is not None and (norm in kept or not folds):
            continue
        if found.problem:
            problems.append(f"`{found.norm}` behind `{found.layer}`: {found.problem}")
            continue
        if norm is not None:
            assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
            _fold_into(layer, norm)
            _replace_by_identity(net, norm)
        if layer.unit is not None:
            layer.fused = found.activation
    if problems:
        raise ValueError(
            f"batch norms cannot be folded: {'; '.join(problems)}; name them in `digital_layers` to keep them"
        )


def _graph(net: nn.Module) -> tuple[fx.Graph | None, str]:
    """Return the graph of `net` in evaluation, or None and the reason."""
    shared = [*net.parameters(), *net.buffers()]
    traced = copy.deepcopy(net, {id(tensor): tensor for tensor in shared}).eval()  # tracing may leave proxies
    try:
        return Tracer(Inputs(())).trace(traced), ""
    except Exception as error:  # whatever a user's forward raises when it meets a proxy
        return None, str(error).partition("\n")[0]


def _followings(graph: fx.Graph, modules: dict[str, nn.Module]) -> Iterator[_Following]:
    calls = Counter(modules[str(node.target)] for node in graph.nodes if node.op == "call_module")
    for node in graph.nodes:
        if node.op != "call_module" or not isinstance(modules[str(node.target)], AnalogLayer):
            continue
        layer = modules[str(node.target)]
        last = _passed(node, modules)
        norms = [
            user
            for user in last.users
            if user.op == "call_module" and isinstance(modules[str(user.target)], BATCH_NORMS)
        ]
        if not norms:
            activation = _activation(last, modules) if calls[layer] == 1 else "identity"
            yield _Following(str(node.target), "", activation, "")
            continue
        norm = modules[str(norms[0].target)]
        problem = _problem(layer, norm, calls)
        if len(last.users) > 1 and not problem:
            problem = "what the layer puts out is read elsewhere, too"
        activation = _activation(_passed(norms[0], modules), modules)
        yield _Following(str(node.target), str(norms[0].target), activation, problem)


def _problem(layer: nn.Module, norm: nn.Module, calls: Counter[nn.Module]) -> str:
    """Return why a batch norm that follows a layer cannot be folded; empty if it can."""
    assert isinstance(layer, AnalogLayer) and isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    if type(norm) not in BATCH_NORMS:
        return "its class may compute something else"
    if norm.running_mean is None or norm.running_var is None:
        return "it has no running statistics"
    if norm._forward_hooks or norm._forward_pre_hooks:
        return "it has forward hooks"
    if calls[layer] > 1 or calls[norm] > 1:
        return "one of them runs several times"
    if norm.num_features != len(layer.weight):
        return f"it has {norm.num_features} channels and the layer {len(layer.weight)}"
    return ""


def _passed(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node:
    """Return the last node that has the value of `node` and alone reads it."""
    while len(node.users) == 1:
        (user,) = node.users
        if not is_call(user, PASSES, modules):
            break
        node = user
    return node


def _activation(node: fx.Node, modules: dict[str, nn.Module]) -> Activation:
    """Return the activation that alone reads `node`; the identity for another reader."""
    if len(node.users) != 1:
        return "identity"
    (user,) = node.users
    return (
        "relu6" if is_call(user, RELUS6, modules) else "relu" if is_call(user, RELUS, modules) else "identity"
    )


def _fold_into(layer: AnalogLayer, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    gain = torch.rsqrt(norm.running_var.double() + norm.eps)
    gain = gain if norm.weight is None else gain * norm.weight.double()
    mean = norm.running_mean.double()
    offset = (-mean if layer.bias is None else layer.bias.double() - mean) * gain
    offset = offset if norm.bias is None else offset + norm.bias.double()
    trained = layer.weight.requires_grad if norm.bias is None else norm.bias.requires_grad
    layer.output_scale.copy_(layer.output_scale.double() * gain)
    layer.bias = nn.Parameter(offset.float(), trained)
    layer.has_folded_norm = True


def _replace_by_identity(net: nn.Module, norm: nn.Module) -> None:
    for parent in list(net.modules()):
        for name, child in list(parent._modules.items()):
            if child is norm:
                setattr(parent, name, nn.Identity().train(norm.training))
