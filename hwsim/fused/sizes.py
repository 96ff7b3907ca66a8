"""What a network decides by the sizes of its tensors, while it is traced: `if x.shape[-1] > 2`, `range(x.shape[1])`.

A decision may depend on sizes, types and dimensions of tensors, but on no number in them, and has to be the same for
any number of images. A size of n images is taken as linear in n, from runs with one image and with two. No operation
before it may make as much as the numbers in a tensor say (`nonzero`, `h[h > 0]`).
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import fx, nn
from torch.utils._python_dispatch import TorchDispatchMode

from hwsim.calibration import floating_point

COUNTS: Final = (*range(1, 9), 1 << 20)
"""Numbers of images for which a decision has to be the same; the last is more than any chunk has."""

_ATTRIBUTES: Final = ("shape", "ndim", "dtype", "device", "is_cuda", "is_nested")
_BY_NUMBERS: Final = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
_METHODS: Final = ("size", "dim", "ndimension", "numel", "nelement", "is_floating_point")


class UnfusableError(Exception):
    """The network cannot be traced, or does what fusion would change."""


class Sizes:
    """The values of nodes of a graph that is being traced, as far as they follow from sizes.

    Args:
        net: the network.
        graph: its graph, which grows.
        example: one input, `(1, ...)`.

    Attributes:
        measuring: whether the network runs at the moment, so that nothing is to be traced.
    """

    def __init__(self, net: nn.Module, graph: fx.Graph, example: torch.Tensor) -> None:
        self._net, self._graph = net, graph
        inputs = (example.repeat(n, *[1] * (example.ndim - 1)) for n in (1, 2))
        self._runs = [_Run(net, graph, one) for one in inputs]
        self._read: set[fx.Node] = set()
        self.measuring = False

    def value(self, node: fx.Node, asked: Callable[[Any], Any]) -> Any:
        """Return what is `asked` about the value of `node`, the same for any number of images.

        Raises:
            UnfusableError: if it depends on their number, or on numbers in a tensor.
        """
        needed = self._needed(node)
        single, double = self._measured([read for read in needed if _reads_size(read)])
        values = [asked(self._computed(needed, single, double, images)) for images in COUNTS]
        if any(value != values[0] for value in values):
            raise UnfusableError(f"{node} depends on the number of images")
        self._read.update(needed)
        return values[0]

    def _measured(self, nodes: list[fx.Node]) -> list[dict[fx.Node, Any]]:
        """Return the values of `nodes` for one image and for two."""
        self.measuring = True
        try:
            alone = _SizesAlone()  # type: ignore[no-untyped-call]
            with torch.no_grad(), floating_point(self._net), alone:
                return [{node: run.value(node) for node in nodes} for run in self._runs]
        finally:
            self.measuring = False

    def forget(self) -> None:
        """Take out of the graph what only decisions have read."""
        for node in reversed(self._graph.nodes):
            if node in self._read and not node.users:
                self._graph.erase_node(node)

    def _needed(self, node: fx.Node) -> list[fx.Node]:
        """Return `node` and what it is computed from, down to sizes, in order."""
        found, left = set[fx.Node](), [node]
        while left:
            node = left.pop()
            if node in found:
                continue
            found.add(node)
            if _reads_size(node):
                continue
            if node.op != "call_function" or not _is_plain(node.target):
                raise UnfusableError(f"{node} decides, and is no size")
            left += node.all_input_nodes
        return [one for one in self._graph.nodes if one in found]

    @staticmethod
    def _computed(
        needed: list[fx.Node], single: dict[fx.Node, Any], double: dict[fx.Node, Any], images: int
    ) -> Any:
        values: dict[fx.Node, Any] = {}
        for node in needed:
            if node in single:
                values[node] = _extrapolated(single[node], double[node], images)
            else:
                arguments: Any = fx.map_arg((node.args, node.kwargs), values.__getitem__)
                assert callable(node.target)
                values[node] = node.target(*arguments[0], **arguments[1])
        return values[needed[-1]]


class _SizesAlone(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses operations that make as much as the numbers in a tensor say, or tell what they are."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten.index.Tensor:  # whole numbers find as many elements as they are
            tells = any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1])
        else:
            tells = not _BY_NUMBERS.isdisjoint(func.tags)
        if tells:
            raise UnfusableError(f"{func} depends on numbers in tensors, and a size behind it decides")
        return func(*args, **(kwargs or {}))


class _Run(fx.Interpreter):
    """The network on some images, as far as it has been traced."""

    def __init__(self, net: nn.Module, graph: fx.Graph, images: torch.Tensor) -> None:
        super().__init__(net, garbage_collect_values=False, graph=graph)
        self.args_iter = iter([images])

    def value(self, wanted: fx.Node) -> Any:
        for node in self.graph.nodes:
            if node not in self.env:
                self.env[node] = self.run_node(node)
            if node is wanted:
                break
        return self.env[wanted]


def _reads_size(node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target in _METHODS
    return node.op == "call_function" and node.target is getattr and node.args[1] in _ATTRIBUTES


def _is_plain(target: Any) -> bool:
    """Whether a function computes with plain numbers, and changes nothing."""
    return getattr(target, "__module__", None) in {
        operator.__name__,
        "_operator",
        builtins.__name__,
        math.__name__,
    }


def _extrapolated(single: Any, double: Any, images: int) -> Any:
    """Return a size of `images` images, or several, from those of one and of two."""
    if isinstance(single, tuple):
        return tuple(_extrapolated(one, two, images) for one, two in zip(single, double, strict=True))
    if isinstance(single, int) and not isinstance(single, bool):
        return single + (images - 1) * (double - single)
    return single
