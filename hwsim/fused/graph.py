"""A network as a sequence of fused stages.

The network is traced (torch.fx). Each analog layer, and each other tensor that feeds one, becomes the
anchor of a stage that takes in the element-wise operations which follow it:

    anchor → affine → (+ sum) → activation → affine → (+ sum) → activation → result, and the DACs that read it

Batch norm in evaluation mode is an affine. A sum is taken in when its other operand exists before the
anchor runs. Whatever fits nowhere runs as the plain torch operation that it is.
"""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import fx, nn

from hwsim.fused.tracing import shape, traced
from hwsim.inputs import Inputs
from hwsim.kernels.library import IDENTITY, RELU, RELU6
from hwsim.modules import AnalogLayer
from hwsim.tracer import BATCH_NORMS, PASSES, RELUS, RELUS6, is_call

_ADD: Final = (operator.add, operator.iadd, torch.add, "add", "add_")


@dataclass(frozen=True)
class Affine:
    """``scale * x + shift`` for each channel, `(channels,)` float32."""

    scale: torch.Tensor
    shift: torch.Tensor

    def then(self, after: Affine) -> Affine:
        """Return this affine followed by `after`."""
        return Affine(self.scale * after.scale, self.shift * after.scale + after.shift)


@dataclass(frozen=True)
class TapPlan:
    """A layer's DAC as part of the stage that makes its input."""

    layer: str
    block: int
    affine: Affine | None
    activation: int


@dataclass
class StagePlan:
    """One fused stage.

    Attributes:
        anchor: node whose value comes in; an analog layer's node, or any other tensor's.
        layer: name of the analog layer, None for a digital tensor.
        channel_dim: dimension that counts channels, negative.
        result: last node that the stage computes.
        first, before, first_activation, second, after, second_activation: the operations, in this order.
        taps: the DACs that read the result.
        wants_result: whether anything but the taps reads it.
    """

    anchor: fx.Node
    layer: str | None
    channel_dim: int
    result: fx.Node
    first: Affine | None = None
    before: fx.Node | None = None
    first_activation: int = IDENTITY
    second: Affine | None = None
    after: fx.Node | None = None
    second_activation: int = IDENTITY
    taps: list[TapPlan] = field(default_factory=list)
    wants_result: bool = True

    @property
    def ends_nonnegative(self) -> bool:
        """Whether the result cannot be negative."""
        if self.second_activation != IDENTITY:
            return True
        return self.first_activation != IDENTITY and self.second is None and self.after is None


@dataclass(frozen=True)
class Plan:
    """A network in the order in which it runs.

    Attributes:
        graph: the traced network.
        steps: stages, and nodes that run as they are.
        outputs: the node whose value the network returns, or nodes in tuples, lists and dictionaries.
        read_at_the_end: these nodes.
    """

    graph: fx.GraphModule
    steps: tuple[StagePlan | fx.Node, ...]
    outputs: Any
    read_at_the_end: tuple[fx.Node, ...]


def plan(net: nn.Module, example: Inputs, fusible: frozenset[str]) -> Plan:
    """Return `net` as fused stages.

    Args:
        net: an analog network in evaluation mode.
        example: inputs of one item, for the shapes.
        fusible: names of the analog layers whose arithmetic a stage can do.

    Raises:
        UnfusableError: if the network cannot be traced, or changes in place its inputs or what is read again.
    """
    graph = traced(net, example)
    calls = [node for node in graph.graph.nodes if node.op == "call_module"]
    times = Counter(str(node.target) for node in calls)
    by_image = {str(node.target) for node in calls if shape(node) is not None}
    fusible = frozenset(name for name in fusible & by_image if times[name] == 1)
    while True:
        planned = _Planner(graph, fusible).plan()
        untapped = fusible - {
            tap.layer for step in planned.steps if isinstance(step, StagePlan) for tap in step.taps
        }
        if not untapped:
            return planned
        fusible -= untapped  # no stage can make their input: they run as they are


class _Planner:
    def __init__(self, graph: fx.GraphModule, fusible: frozenset[str]) -> None:
        self._graph = graph
        self._modules = dict(graph.named_modules())
        self._fusible = fusible
        self._done: set[fx.Node] = set()
        self._steps: list[StagePlan | fx.Node] = []

    def plan(self) -> Plan:
        output = next(node for node in self._graph.graph.nodes if node.op == "output")
        for node in self._graph.graph.nodes:
            if node in self._done or node.op in ("output", "get_attr"):
                if node.op == "get_attr":
                    self._steps.append(node)
                continue
            layer = self._analog_name(node)
            if layer is not None:
                self._stage(node, layer, self._layer(layer).channel_dim)
                continue
            self._steps.append(node)
            self._done.add(node)
            channel_dim = self._consumers_channel_dim(node)
            if channel_dim is not None and len(shape(node) or ()) > -channel_dim:
                self._stage(node, None, channel_dim)
        return Plan(self._graph, tuple(self._steps), output.args[0], tuple(output.all_input_nodes))

    def _stage(self, anchor: fx.Node, layer: str | None, channel_dim: int) -> None:
        stage = StagePlan(anchor, layer, channel_dim, anchor)
        self._done.add(anchor)
        while len(stage.result.users) == 1:
            (user,) = stage.result.users
            if not self._take(stage, user):
                break
            stage.result = user
            self._done.add(user)
        wants_result = False
        for user in stage.result.users:
            taps = self._taps(stage.result, user, channel_dim)
            if taps is None:
                wants_result = True
            else:
                stage.taps.extend(taps)
        stage.wants_result = wants_result
        if layer is not None or stage.taps or stage.result is not anchor:
            self._steps.append(stage)

    def _take(self, stage: StagePlan, node: fx.Node) -> bool:
        """Take `node` into the stage, and return whether it fits."""
        if self._is(node, PASSES):
            return True
        activation = self._activation(node)
        if activation != IDENTITY:
            if stage.second is None and stage.after is None and stage.first_activation == IDENTITY:
                stage.first_activation = activation
                return True
            if stage.second_activation == IDENTITY:
                stage.second_activation = activation
                return True
            return False
        affine = self._affine(node, stage.channel_dim)
        if affine is not None:
            if stage.second_activation != IDENTITY or stage.after is not None:
                return False
            if stage.first_activation == IDENTITY and stage.before is None and stage.second is None:
                stage.first = affine if stage.first is None else stage.first.then(affine)
            else:
                stage.second = affine if stage.second is None else stage.second.then(affine)
            return True
        other = self._other_operand(node, stage.result)
        if other is None or not self._available(other) or stage.second_activation != IDENTITY:
            return False
        if stage.first_activation == IDENTITY and stage.second is None and stage.before is None:
            stage.before = other
            return True
        if stage.after is None:
            stage.after = other
            return True
        return False

    def _available(self, node: fx.Node) -> bool:
        """Whether the value of `node` exists by now: it runs as it is, or is the result of a stage."""
        return any(
            step is node or (isinstance(step, StagePlan) and step.result is node) for step in self._steps
        )

    def _taps(self, source: fx.Node, user: fx.Node, channel_dim: int) -> list[TapPlan] | None:
        """Return the DACs through which alone `user` reads `source`, or None."""
        affine: Affine | None = None
        activation = IDENTITY
        path: list[fx.Node] = []
        node = user
        while self._analog_name(node) is None:
            norm, kind = self._affine(node, channel_dim), self._activation(node)
            if norm is not None and activation == IDENTITY:
                affine = norm if affine is None else affine.then(norm)
            elif kind != IDENTITY and activation == IDENTITY:
                activation = kind
            elif not self._is(node, PASSES):
                return None
            path.append(node)
            names = [self._analog_name(reader) for reader in node.users]
            if len(node.users) != 1 and (None in names or not names):
                return None
            if len(node.users) != 1:
                break
            (node,) = node.users
        layers = [node] if self._analog_name(node) is not None else list(node.users)
        names = [self._analog_name(reader) for reader in layers]
        if any(name is None or self._layer(name).channel_dim != channel_dim for name in names):
            return None
        self._done.update(path)
        return [
            TapPlan(name, block, affine, activation)
            for name in names
            if name is not None
            for block in range(len(self._layer(name).mapping.blocks))
        ]

    def _consumers_channel_dim(self, node: fx.Node) -> int | None:
        """Return which dimension counts channels for the analog layers that `node` leads to, if any."""
        reader = node
        for _ in range(8):
            for user in reader.users:
                name = self._analog_name(user)
                if name is not None:
                    return self._layer(name).channel_dim
            if len(reader.users) != 1:
                return None
            (reader,) = reader.users
            known = self._is(reader, (*BATCH_NORMS, *PASSES)) or self._activation(reader) != IDENTITY
            if not known and not self._is(reader, _ADD):
                return None
        return None

    def _analog_name(self, node: fx.Node) -> str | None:
        if node.op == "call_module" and str(node.target) in self._fusible:
            return str(node.target)
        return None

    def _layer(self, name: str) -> AnalogLayer:
        layer = self._modules[name]
        assert isinstance(layer, AnalogLayer)
        return layer

    def _is(self, node: fx.Node, kinds: tuple[object, ...]) -> bool:
        return is_call(node, kinds, self._modules)

    def _activation(self, node: fx.Node) -> int:
        if self._is(node, RELUS):
            return RELU
        return RELU6 if self._is(node, RELUS6) else IDENTITY

    def _affine(self, node: fx.Node, channel_dim: int) -> Affine | None:
        if not self._is(node, BATCH_NORMS):
            return None
        norm = self._modules[str(node.target)]
        assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
        counts_channels = len(shape(node) or ()) + channel_dim == 1
        if norm.running_mean is None or norm.running_var is None or not counts_channels:
            return None
        scale = torch.rsqrt(norm.running_var + norm.eps)
        if norm.weight is not None:
            scale = scale * norm.weight.detach()
        shift = -norm.running_mean * scale
        return Affine(scale, shift if norm.bias is None else shift + norm.bias.detach())

    def _other_operand(self, node: fx.Node, operand: fx.Node) -> fx.Node | None:
        """Return what a sum adds to `operand`, if both are tensors of one shape."""
        if not self._is(node, _ADD) or node.kwargs or len(node.args) != 2:
            return None
        others = [argument for argument in node.args if argument is not operand]
        if len(others) != 1 or not isinstance(others[0], fx.Node):
            return None
        same = shape(others[0]) == shape(operand) == shape(node) is not None
        return others[0] if same else None
