"""A network as a graph of operations (torch.fx), with the shapes of what one image makes.

The graph stands for evaluation with the arguments that are given; all others have their defaults. torch.fx refuses
networks that decide by their tensors or by the sizes of these. What changes in place and is read again is refused here,
because stages do not keep it apart.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import fx, nn
from torch.utils._pytree import tree_flatten

from hwsim.calibration import floating_point
from hwsim.conversion import copied
from hwsim.inputs import Inputs
from hwsim.tracer import Tracer


class UnfusableError(Exception):
    """The network cannot be traced, or does what fusion would change."""


def traced(net: nn.Module, example: Inputs) -> fx.GraphModule:
    """Return the graph of `net`, with the `elements` of each node, what one more image adds, and its `shape`.

    Args:
        net: an analog network in evaluation mode.
        example: inputs of one item.

    Raises:
        UnfusableError: if the network cannot be traced, or changes in place its inputs or what is read again.
    """
    try:
        # what tracing leaves in a copy, like proxies in a cache, is gone with it
        root = copied("net", net, shared=net.parameters())
        graph = fx.GraphModule(root, _with_reshape(Tracer(example).trace(root)))
        _note_shapes(graph, net, example)
    except Exception as error:  # whatever a user's forward raises when it meets a proxy
        raise UnfusableError(str(error)) from error
    return graph


def in_order(graph: fx.Graph, inputs: Inputs) -> list[torch.Tensor]:
    """Return inputs in the order of the arguments that `graph` takes.

    Raises:
        UnfusableError: for a name that is none of its arguments.
    """
    if inputs.names is None:
        return list(inputs.tensors)
    given = dict(zip(inputs.names, inputs.tensors, strict=True))
    taken = [str(node.target) for node in graph.nodes if node.op == "placeholder" and node.target in given]
    if len(taken) < len(given):
        raise UnfusableError("the network takes arguments by any name")
    return [given[name] for name in taken]


def shape(node: fx.Node) -> tuple[int, ...] | None:
    """Return the shape `(1, ...)` of what `node` makes of one image; None unless it is float32, images first."""
    found: tuple[int, ...] | None = node.meta["shape"]
    return found


def _with_reshape(graph: fx.Graph) -> fx.Graph:
    """Let `reshape` stand for `view`, which asks for an order in memory that stages do not keep."""
    for node in graph.nodes:
        keeps_type = not any(isinstance(argument, torch.dtype) for argument in node.args)
        if node.op == "call_method" and node.target in ("view", "view_as") and keeps_type:
            node.target = str(node.target).replace("view", "reshape")
    return graph


class _Shapes(fx.Interpreter):
    """Runs a graph, notes the shape of every tensor, and refuses what changes in place and is read again."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.found: dict[fx.Node, torch.Size] = {}
        self.is_float32: dict[fx.Node, bool] = {}
        self._versions: dict[fx.Node, int] = {}

    def run_node(self, n: fx.Node) -> Any:
        for read in n.all_input_nodes:
            if read in self._versions and self.env[read]._version != self._versions[read]:
                raise UnfusableError(f"{read} is read by {n} after a change in place")
        result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            self.found[n], self._versions[n] = result.shape, result._version
            self.is_float32[n] = result.dtype == torch.float32
        return result


def _note_shapes(graph: fx.GraphModule, net: nn.Module, example: Inputs) -> None:
    """Note in each node how many numbers one more item adds, and the shape of those that stages can read."""
    one, two = (_repeated(example, n) for n in (1, 2))
    single, double = _Shapes(graph), _Shapes(graph)
    with torch.no_grad(), floating_point(graph), floating_point(net):
        single.run(*in_order(graph.graph, one))
        outputs = double.run(*in_order(graph.graph, two))
        untraced = _repeated(example, 2).into(net)
    if any(tensor._version > 0 for tensor in (*one.tensors, *two.tensors)):
        raise UnfusableError("the network changes its inputs in place")
    # hooks of the network, for one; `y += x` and what reads `y` again, which torch.fx takes for `y + x`
    if not _alike(outputs, untraced):
        raise UnfusableError("the network computes something else when it is traced")
    for node in graph.graph.nodes:
        found, of_two = (tuple(run.found.get(node, ())) for run in (single, double))
        is_known = found[:1] == (1,) and of_two == (2, *found[1:]) and single.is_float32[node]
        node.meta["elements"] = math.prod(of_two) - math.prod(found)
        node.meta["shape"] = found if is_known else None


def _repeated(example: Inputs, n: int) -> Inputs:
    return Inputs(
        tuple(tensor.repeat(n, *[1] * (tensor.ndim - 1)) for tensor in example.tensors), example.names
    )


def _alike(found: Any, wanted: Any) -> bool:
    """Whether outputs are the same but for sums in another order, and so is their structure."""
    found_leaves, wanted_leaves = (tree_flatten(outputs)[0] for outputs in (found, wanted))
    return len(found_leaves) == len(wanted_leaves) and all(
        torch.allclose(one.double(), other.double(), atol=1e-5 * float(other.abs().max()), equal_nan=True)
        if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) and one.shape == other.shape
        else one is other
        for one, other in zip(found_leaves, wanted_leaves, strict=True)
    )
