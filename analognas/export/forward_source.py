"""The body of a `forward` method, written from a traced graph.

Each call becomes one assignment. Variables are re-used as soon as their value is no longer needed, so that a
chain of layers reads `x = self.conv(x)` and a residual connection `x = x + y`, and memory is freed where the
network frees it. Only public functions of torch, methods of tensors, and Python's arithmetic can be written;
everything else is an error.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import fx
from torch.nn import functional

from analognas.export.constructor import literal
from analognas.export.error import ExportError
from analognas.export.flat_graph import FlatNetwork

_INFIX: Final[dict[Callable[..., Any], str]] = {
    operator.add: "+",
    operator.iadd: "+",
    operator.sub: "-",
    operator.isub: "-",
    operator.mul: "*",
    operator.imul: "*",
    operator.truediv: "/",
    operator.itruediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
}
_FIRST_VARIABLES: Final = ("x", "y", "z")


def forward_lines(flat: FlatNetwork) -> list[str]:
    """Return the statements of `forward(self, x)` after the standardisation, without indentation.

    Raises:
        ExportError: when a call cannot be written as plain torch.
    """
    return _Writer(flat).lines()


class _Writer:
    """Turns the nodes of one graph into statements."""

    def __init__(self, flat: FlatNetwork) -> None:
        self._flat = flat
        self._last_use = {
            argument: position
            for position, node in enumerate(flat.graph.nodes)
            for argument in node.all_input_nodes
        }
        self._variables: dict[fx.Node, str] = {}
        self._free: list[str] = []
        self._count = 0

    def lines(self) -> list[str]:
        lines: list[str] = []
        inputs = 0
        for position, node in enumerate(self._flat.graph.nodes):
            if node.op == "placeholder":
                inputs += 1
                if inputs > 1:
                    raise ExportError(
                        f"`forward` must take one input, but it also takes `{node.target}`; give that "
                        "argument its value inside the network"
                    )
                self._variables[node] = self._new()
            elif node.op == "output":
                returned = self._value(node.args[0])
                assigned, _, expression = lines[-1].partition(" = ") if lines else ("", "", "")
                if assigned == returned:  # the last call is returned without a name
                    lines[-1] = f"return {expression}"
                else:
                    lines.append(f"return {returned}")
            elif node.op == "get_attr":
                # a tensor of the module needs no variable of its own
                self._variables[node] = f"self.{self._flat.tensors[str(node.target)][0]}"
            else:
                expression = self._call(node)
                self._release(node, position)
                self._variables[node] = self._new()
                lines.append(f"{self._variables[node]} = {expression}")
                if node not in self._last_use:
                    self._free.append(self._variables[node])
        return lines

    def _new(self) -> str:
        if self._free:
            return self._free.pop()
        self._count += 1
        if self._count <= len(_FIRST_VARIABLES):
            return _FIRST_VARIABLES[self._count - 1]
        return f"v{self._count}"

    def _release(self, node: fx.Node, position: int) -> None:
        """Free the variables whose last use is `node`; the first argument's is taken up again first."""
        done = [
            self._variables[argument]
            for argument in node.all_input_nodes
            if self._last_use[argument] == position and argument.op != "get_attr"
        ]
        self._free.extend(reversed(done))

    def _call(self, node: fx.Node) -> str:
        if node.op == "call_module":
            name, _ = self._flat.layers[str(node.target)]
            return f"self.{name}({self._arguments(node)})"
        if node.op == "call_method":
            name = str(node.target)
            if name.startswith("_") or getattr(torch.Tensor, name, None) is None:
                raise ExportError(f"`{name}` is not a method of torch.Tensor, so `{node}` cannot be written")
            rest = ", ".join([*map(self._value, node.args[1:]), *self._named(node)])
            return f"{self._value(node.args[0])}.{name}({rest})"
        assert callable(node.target)
        return self._function(node, node.target)

    def _function(self, node: fx.Node, target: Callable[..., Any]) -> str:
        if target is operator.getitem:
            return f"{self._value(node.args[0])}[{self._index(node.args[1])}]"
        values = [self._value(argument) for argument in node.args]
        if target in _INFIX and len(values) == 2:
            left = f"({values[0]})" if values[0].startswith("-") else values[0]
            sign = "**" if target is operator.pow else f" {_INFIX[target]} "
            return f"{left}{sign}{values[1]}"
        if target is operator.neg:
            return f"-{values[0]}"
        if target is getattr and node.args[1] in ("shape", "T", "mT", "dtype", "ndim"):
            return f"{values[0]}.{node.args[1]}"
        name = getattr(target, "__name__", "")
        # functional first: its names are the documented ones where both have them
        for prefix, module in (("functional", functional), ("torch", torch)):
            if name.isidentifier() and not name.startswith("_") and getattr(module, name, None) is target:
                return f"{prefix}.{name}({self._arguments(node)})"
        raise ExportError(
            f"the function `{getattr(target, '__module__', '')}.{name}` cannot be written as plain torch; "
            "use a public function of torch or torch.nn.functional, or a layer of torch.nn"
        )

    def _arguments(self, node: fx.Node) -> str:
        return ", ".join([*map(self._value, node.args), *self._named(node)])

    def _named(self, node: fx.Node) -> Iterator[str]:
        return (f"{name}={self._value(value)}" for name, value in node.kwargs.items())

    def _index(self, index: object) -> str:
        """Write what stands in square brackets."""
        if isinstance(index, tuple) and index:
            return ", ".join(self._index(entry) for entry in index) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            parts = ["" if part is None else self._value(part) for part in (index.start, index.stop)]
            return ":".join(parts if index.step is None else [*parts, self._value(index.step)])
        if index is Ellipsis:
            return "..."
        return self._value(index)

    def _value(self, value: object) -> str:
        if isinstance(value, fx.Node):
            return self._variables[value]
        if isinstance(value, tuple | list):
            inner = ", ".join(self._value(entry) for entry in value)
            if isinstance(value, list):
                return f"[{inner}]"
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        return literal(value, "forward")
