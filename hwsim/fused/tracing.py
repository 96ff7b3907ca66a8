"""A network as a graph of operations (torch.fx), with the shapes of what one image makes.

The graph stands for evaluation with all but the first argument at their defaults. It is refused where it would
compute something else than the network: changes in place that are read again, or that tracing takes for others.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import fx, nn

from hwsim.calibration import floating_point
from hwsim.conversion import copied
from hwsim.fused.sizes import Sizes, UnfusableError
from hwsim.modules import AnalogLayer


def traced(net: nn.Module, example: torch.Tensor) -> fx.GraphModule:
    """Return the graph of `net`, with the `elements` of each node, what one more image adds, and its `shape`.

    Args:
        net: an analog network in evaluation mode.
        example: one input, `(1, ...)`.

    Raises:
        UnfusableError: if the network cannot be traced, or changes in place its inputs or what is read again.
    """
    try:
        root = copied("net", net)  # what tracing leaves in it, like proxies in a cache, is gone with it
        graph = fx.GraphModule(root, _with_reshape(_Tracer(example).trace(root)))
        _note_shapes(graph, net, example)
    except Exception as error:  # whatever a user's forward raises when it meets a proxy
        raise UnfusableError(str(error)) from error
    return graph


def shape(node: fx.Node) -> tuple[int, ...] | None:
    """Return the shape `(1, ...)` of what `node` makes of one image; None unless it is float32, images first."""
    found: tuple[int, ...] | None = node.meta["shape"]
    return found


class _Traced(fx.Proxy):
    """Keeps `y *= 2` apart from `y = y * 2`, which torch.fx takes it for, and is a number where it is a size."""

    tracer: _Tracer

    def __index__(self) -> int:
        return int(self.tracer.sizes.value(self.node, operator.index))

    def __int__(self) -> int:
        return int(self.tracer.sizes.value(self.node, int))

    def __float__(self) -> float:
        return float(self.tracer.sizes.value(self.node, float))

    def __len__(self) -> int:
        return int(self.tracer.sizes.value(self.node, len))

    def __getattr__(self, k: str) -> fx.proxy.Attribute:
        return _Attribute(self, k)


class _Attribute(_Traced, fx.proxy.Attribute):
    """Something of a tensor, which may be a size."""


def _in_place(operation: Callable[[Any, Any], Any]) -> Callable[[_Traced, Any], Any]:
    return lambda y, other: y.tracer.create_proxy("call_function", operation, (y, other), {})


for _operation in (operator.iadd, operator.isub, operator.imul, operator.itruediv):
    setattr(_Traced, f"__{_operation.__name__}__", _in_place(_operation))


class _Tracer(fx.Tracer):
    def __init__(self, example: torch.Tensor) -> None:
        super().__init__()
        self._example = example

    @functools.cached_property
    def sizes(self) -> Sizes:
        """Return the sizes of what has been traced."""
        return Sizes(self.root, self.graph, self._example)

    def trace(
        self, root: nn.Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None
    ) -> fx.Graph:
        """Return the graph, without what only decisions read."""
        graph = super().trace(root, concrete_args)
        self.sizes.forget()
        return graph

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Trace a module, unless it runs to tell sizes."""
        return (
            forward(*args, **kwargs)
            if self.sizes.measuring
            else super().call_module(m, forward, args, kwargs)
        )

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Trace a parameter, unless its module runs to tell sizes."""
        return attr_val if self.sizes.measuring else super().getattr(attr, attr_val, parameter_proxy_cache)

    def to_bool(self, obj: fx.Proxy) -> bool:
        """Decide by sizes."""
        return bool(self.sizes.value(obj.node, bool))

    def iter(self, obj: fx.Proxy) -> Iterator[Any]:
        """Take sizes, which are as many for any number of images, one by one."""
        return map(obj.__getitem__, range(self.sizes.value(obj.node, len)))

    def proxy(self, node: fx.Node) -> _Traced:
        """Return what stands for the value of `node` while the network runs."""
        return _Traced(node, self)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if isinstance(m, AnalogLayer):
            return True
        # torch's own transformer layers, leaves by default, hold layers that are analog
        holds_analog = any(isinstance(part, AnalogLayer) for part in m.modules())
        return not holds_analog and super().is_leaf_module(m, module_qualified_name)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
        proxy_factory_fn: Any = None,
    ) -> Any:
        """Let every argument of the network but the first have its default."""
        if kind == "placeholder" and args and len(self.graph.nodes) > 0:
            return args[0]
        return super().create_proxy(kind, target, args, kwargs, name, type_expr, proxy_factory_fn)


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


def _note_shapes(graph: fx.GraphModule, net: nn.Module, example: torch.Tensor) -> None:
    """Note in each node how many numbers one more image adds, and the shape of those that stages can read."""
    for node in graph.graph.nodes:
        if node.op == "placeholder" and str(node.target).startswith("*") and node.users:
            raise UnfusableError(f"the network reads {node.target}")
    one, two = (example.repeat(n, *[1] * (example.ndim - 1)) for n in (1, 2))
    single, double = _Shapes(graph), _Shapes(graph)
    with torch.no_grad(), floating_point(graph), floating_point(net):
        single.run(one)
        outputs = double.run(two.clone())
        untraced = net(two)
    if one._version + two._version > 0:
        raise UnfusableError("the network changes its inputs in place")
    noise = 1e-5 * float(untraced.abs().max())  # of sums in another order
    if not torch.allclose(outputs, untraced, atol=noise, equal_nan=True):  # of hooks of the network, for one
        raise UnfusableError("the network computes something else when it is traced")
    for node in graph.graph.nodes:
        found, of_two = (tuple(run.found.get(node, ())) for run in (single, double))
        is_known = found[:1] == (1,) and of_two == (2, *found[1:]) and single.is_float32[node]
        node.meta["elements"] = math.prod(of_two) - math.prod(found)
        node.meta["shape"] = found if is_known else None
