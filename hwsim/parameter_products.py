"""Matrices of a module's own that only multiply what comes in: they can lie on tiles as a layer's weights do.

The `forward` of a module that is none of torch's is traced by itself (torch.fx), the modules in it as they are. A
parameter counts if each use of it is one of

    x @ P, torch.matmul(x, P), torch.mm(x, P)      columns of P are outputs
    F.linear(x, P), x @ P.T, x @ P.t()             rows of P are outputs

and all of them are of one kind. What cannot be traced, decides by its tensors or uses a parameter otherwise, or lets a
module around it use it, stays digital, and `hwsim.summary` says so.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, final

import torch
from torch import fx, nn
from torch.nn.parameter import UninitializedParameter

from hwsim.modules.parameter_product import LINEAR, MATMULS, Orientation

_TURNS: Final = ("T", "mT")


class FoundParameter(NamedTuple):
    """A parameter that can lie on tiles.

    Attributes:
        module: whose it is.
        name: its name there.
        orientation: of its products.
    """

    module: nn.Module
    name: str
    orientation: Orientation


def parameter_products(model: nn.Module, digital: set[nn.Module]) -> Iterator[FoundParameter]:
    """Yield the parameters of a digital model that can lie on tiles.

    Args:
        model: any torch network.
        digital: modules that stay as they are.
    """
    found = [
        FoundParameter(module, name, kinds.pop())
        for module, names in _candidates(model, digital)
        for graph in [_graph(module)[0]]
        for name in (names if graph is not None else ())
        if (kinds := _kinds(graph, name)) in ({"right"}, {"weight"})
    ]
    elsewhere = _used_from_outside(model, {one.module for one in found})
    yield from (one for one in found if id(one.module._parameters[one.name]) not in elsewhere)


def why_untraced(model: nn.Module, digital: set[nn.Module]) -> str:
    """Return which module has a matrix of its own and a `forward` that cannot be traced, and why; empty for none."""
    for module, names in _candidates(model, digital):
        why = _graph(module)[1]
        if why:
            return f"torch.fx cannot trace the `forward` of {type(module).__name__}, which has `{names[0]}`: {why}"
    return ""


def _candidates(model: nn.Module, digital: set[nn.Module]) -> Iterator[tuple[nn.Module, list[str]]]:
    """Yield modules of nobody's but the user's, with the names of their matrices."""
    owners = Counter(
        id(parameter)
        for module in model.modules()
        for parameter in module._parameters.values()
        if parameter is not None
    )
    for module in model.modules():
        if module in digital or not _is_users(module):
            continue
        names = [
            name
            for name, parameter in module._parameters.items()
            if parameter is not None and owners[id(parameter)] == 1 and _may_lie_on_tiles(parameter)
        ]
        if names and not module._forward_hooks and not module._forward_pre_hooks:
            yield module, names


def _is_users(module: nn.Module) -> bool:
    return not type(module).__module__.startswith("torch.") and not isinstance(module, fx.GraphModule)


def _kinds(graph: fx.Graph | None, name: str) -> set[Any]:
    """Return the orientations of the products that a module's parameter is in; `None` among them for another use."""
    nodes = () if graph is None else graph.nodes
    return {kind for node in nodes if node.op == "get_attr" and node.target == name for kind in _uses(node)}


def _used_from_outside(model: nn.Module, owners: set[nn.Module]) -> set[int]:
    """Return the ids of parameters that a module takes out of a module inside it."""
    found: set[int] = set()
    for module in model.modules() if owners else ():
        if not _is_users(module) or owners.isdisjoint(set(module.modules()) - {module}):
            continue
        graph = _graph(module)[0]
        targets = [node.target for node in graph.nodes if node.op == "get_attr"] if graph is not None else []
        parameters = dict(module.named_parameters(remove_duplicate=False))
        found |= {id(parameters[target]) for target in targets if "." in target and target in parameters}
    return found


def _may_lie_on_tiles(parameter: nn.Parameter) -> bool:
    is_known = not isinstance(parameter, UninitializedParameter)
    return (
        is_known
        and parameter.ndim == 2
        and parameter.dtype == torch.float32
        and parameter.numel() > 0
        and bool(torch.isfinite(parameter).all())
    )


def _graph(module: nn.Module) -> tuple[fx.Graph | None, str]:
    """Return the graph of a module's own operations; None where torch.fx cannot trace it, and why."""
    shared = [*module.parameters(), *module.buffers()]
    try:
        alone = copy.deepcopy(module, {id(tensor): tensor for tensor in shared})  # tracing may leave proxies
        return _OwnOperations().trace(alone), ""
    except Exception as error:  # whatever a user's forward raises when it meets a proxy
        return None, str(error).partition("\n")[0]


@final
class _OwnOperations(fx.Tracer):
    """Traces what a module does by itself: the modules in it are nodes."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def _uses(node: fx.Node, turned: bool = False) -> set[Any]:
    """Return the orientations of the products that a parameter is in; `None` among them for another use."""
    found: set[Any] = set()
    for user in node.users:
        if _turns(user, node) and not turned:
            found |= _uses(user, turned=True)
        elif _multiplies(user, node):
            found.add("weight" if (user.target is LINEAR) != turned else "right")
        else:
            found.add(None)
    return found or {None}


def _turns(user: fx.Node, node: fx.Node) -> bool:
    if user.op == "call_function" and user.target is getattr:
        return user.args[0] is node and user.args[1] in _TURNS
    if user.op != "call_method" or user.args[0] is not node or user.kwargs:
        return False
    return user.target == "t" or (user.target == "transpose" and _is_swap(user.args[1:]))


def _is_swap(sides: tuple[Any, ...]) -> bool:
    return all(isinstance(side, int) for side in sides) and {side % 2 for side in sides} == {0, 1}


def _multiplies(user: fx.Node, node: fx.Node) -> bool:
    is_call = (user.op == "call_function" and user.target in (*MATMULS, LINEAR)) or (
        user.op == "call_method" and user.target in ("matmul", "mm", "__matmul__")
    )
    given = [argument is node for argument in (*user.args, *user.kwargs.values())]
    is_matrix = len(user.args) > 1 and user.args[1] is node
    return is_call and is_matrix and sum(given) == 1
