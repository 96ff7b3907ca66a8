"""A planned network with the weights of one chip at one time.

Activations are channels-last. Each stage is one convolution or product by torch, and one pass of the
compiled kernel. A worker serves one thread; several threads run several chips, so that results do not
depend on their number.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch import fx

from hwsim.chips import Chips, Reading
from hwsim.fused.graph import Plan, StagePlan, plan
from hwsim.fused.stage import DacInputs, StageRunner
from hwsim.fused.tracing import UnfusableError
from hwsim.kernels import library as kernels
from hwsim.modules import NOMINAL
from hwsim.noise import NoiseStream

CHUNK_ELEMENTS: Final = 1 << 19
"""Largest activation of a chunk of images, 2 MiB: small for the caches, large for the cost of a call."""


class FusedNetwork:
    """A network, planned once for all chips and times.

    Args:
        chips: programmed chips of the network.
        example: one input, `(1, ...)`.

    Attributes:
        plan: the stages.
        chunk: images to run at once.
        last_reads: for each step, the nodes whose values nobody reads after it.

    Raises:
        UnfusableError: if there is no compiled kernel, or the network cannot be planned.
    """

    def __init__(self, chips: Chips, example: torch.Tensor) -> None:
        if kernels.library() is None:
            raise UnfusableError("there is no compiled kernel")
        if example.dtype != torch.float32 or {example.device.type, chips.torch_device.type} != {"cpu"}:
            raise UnfusableError("only float32 on the CPU is compiled")
        self.layers = chips.layers
        fusible = frozenset(name for name, layer in chips.layers.items() if layer.is_fusible)
        self.plan: Plan = plan(chips.net, example, fusible)
        largest = max(node.meta["elements"] for node in self.plan.graph.graph.nodes)
        self.chunk = max(1, CHUNK_ELEMENTS // largest)
        self.signed_inputs = {
            tap.layer: tap.activation == kernels.IDENTITY
            and not (step.ends_nonnegative and tap.affine is None)
            for step in self.plan.steps
            if isinstance(step, StagePlan)
            for tap in step.taps
        }
        self.last_reads = _last_reads(self.plan)

    def worker(self) -> Worker:
        """Return a worker for one thread."""
        return Worker(self)


class Worker(fx.Interpreter):
    """Runs a `FusedNetwork` on one thread; not to be shared between threads."""

    def __init__(self, network: FusedNetwork) -> None:
        super().__init__(network.plan.graph)
        self._network = network
        self._index = {name: index for index, name in enumerate(network.layers)}
        stages = [step for step in network.plan.steps if isinstance(step, StagePlan)]
        self._stages = {id(stage): StageRunner(stage, network.layers) for stage in stages}
        fused = {stage.layer for stage in stages}
        # its own copies, because each thread sets their weights
        self._plain = {name: copy.copy(layer) for name, layer in network.layers.items() if name not in fused}

    def fetch_attr(self, target: str) -> Any:
        """Return a parameter or module of the network."""
        return self._plain[target] if target in self._plain else super().fetch_attr(target)

    def load(self, reading: Reading, noise: NoiseStream) -> None:
        """Take the weights of one chip at one time."""
        of_plain = {name: reading.weights[name] for name in self._plain}
        self._reading, self._noise = replace(reading, weights=of_plain), noise
        for stage in self._stages.values():
            if stage.layer_name is not None:
                name = stage.layer_name
                stage.load(self._index[name], reading, noise, self._network.signed_inputs[name])

    def unload(self) -> None:
        """Let go of the weights, which would take the room of the next ones."""
        self._reading = replace(self._reading, weights={})
        for layer in self._plain.values():
            layer.execution = NOMINAL
        for stage in self._stages.values():
            stage.unload()

    def classes(self, reading: Reading, noise: NoiseStream, x: torch.Tensor) -> torch.Tensor:
        """Return the `(images,)` int64 classes that a chip finds at one time."""
        self.load(reading, noise)
        del reading  # of which the stages have what they need
        chunk = self._network.chunk
        found = torch.cat([self(x[at : at + chunk], at).argmax(1) for at in range(0, len(x), chunk)])
        self.unload()
        return found

    def __call__(self, x: torch.Tensor, first_image: int) -> torch.Tensor:
        """Return the network's output for a chunk of images, `first_image` being its first one's number."""
        for name, layer in self._plain.items():
            noise = self._noise.child(self._index[name])
            layer.execution = self._reading.execution(name, noise, first_image, channels_last=True)
        self.env, self.args_iter = {}, iter([x])
        inputs = DacInputs()
        for step, finished in zip(self._network.plan.steps, self._network.last_reads, strict=True):
            if isinstance(step, StagePlan):
                self._stages[id(step)].run(self.env, inputs, first_image)
            else:
                self.env[step] = self.run_node(step)
            for node in finished:
                self.env.pop(node, None)
        result: torch.Tensor = self.env.pop(self._network.plan.output)
        return result


def _last_reads(planned: Plan) -> list[list[fx.Node]]:
    last: dict[fx.Node, int] = {}
    for index, step in enumerate(planned.steps):
        reads: Sequence[fx.Node | None] = (
            (step.anchor, step.before, step.after, step.result)
            if isinstance(step, StagePlan)
            else (step, *step.all_input_nodes)
        )
        last.update({node: index for node in reads if node is not None})
    last.pop(planned.output, None)
    ends: list[list[fx.Node]] = [[] for _ in planned.steps]
    for node, index in last.items():
        ends[index].append(node)
    return ends
