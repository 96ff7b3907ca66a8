"""The graph of an analog network (torch.fx): analog layers, and those that hold some, are its leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

import torch
from torch import fx, nn
from torch.nn import functional as F

from hwsim.inputs import Inputs
from hwsim.modules import AnalogComposite, AnalogLayer
from hwsim.modules.parameter_product import ParameterProduct, Transposed, product

RELUS: Final = (nn.ReLU, F.relu, torch.relu, "relu")
RELUS6: Final = (nn.ReLU6, F.relu6)
PASSES: Final = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
"""What passes its input on in evaluation."""
BATCH_NORMS: Final = (nn.BatchNorm1d, nn.BatchNorm2d)


def is_call(node: fx.Node, kinds: tuple[object, ...], modules: Mapping[str, nn.Module]) -> bool:
    """Return whether a node runs one of `kinds`: types of modules, functions, or names of methods.

    Args:
        node: of a graph.
        kinds: what it may run; a module with hooks is none of them, because only calling it runs these.
        modules: of the network, by name.
    """
    if node.op == "call_module":
        module = modules[str(node.target)]
        return type(module) in kinds and not (module._forward_hooks or module._forward_pre_hooks)
    return node.op in ("call_function", "call_method") and node.target in kinds


@final
class Tracer(fx.Tracer):
    """Traces into torch's own layers that hold analog ones; arguments that are not given have their defaults.

    Args:
        given: what the network is called with; no tensors give a graph of all arguments without a default.
    """

    def __init__(self, given: Inputs) -> None:
        super().__init__()
        self._given = given

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether `m` is one node of the graph."""
        if isinstance(m, AnalogLayer | AnalogComposite):
            return True
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
        """Let arguments of the network that are not given have their defaults, and matrices on tiles be layers."""
        if kind == "placeholder" and args and not self._is_given(str(target)):
            return args[0]
        if any(isinstance(value, ParameterProduct | Transposed) for value in (*args, *kwargs.values())):
            return product(target, args, kwargs)
        return super().create_proxy(kind, target, args, kwargs, name, type_expr, proxy_factory_fn)

    def _is_given(self, argument: str) -> bool:
        if self._given.names is not None:
            return argument in self._given.names
        return len(self.graph.nodes) < len(
            self._given.tensors
        )  # before any operation the nodes are arguments
