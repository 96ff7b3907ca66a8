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

from torch import fx

from hwsim.chips import Chips, Reading
from hwsim.collected import Collected
from hwsim.conversion import analog_layers
from hwsim.fused.graph import Plan, StagePlan, plan
from hwsim.fused.stage import DacInputs, StageRunner
from hwsim.fused.tracing import UnfusableError, in_order
from hwsim.inputs import Inputs
from hwsim.keep import Keep
from hwsim.kernels import library as kernels
from hwsim.modules import NOMINAL, AnalogComposite
from hwsim.noise import NoiseStream

CHUNK_ELEMENTS: Final = 1 << 19
"""Largest activation of a chunk of images, 2 MiB: small for the caches, large for the cost of a call."""


class FusedNetwork:
    """A network, planned once for all chips and times.

    Args:
        chips: programmed chips of the network.
        example: inputs of one item.

    Attributes:
        plan: the stages.
        chunk: images to run at once.
        last_reads: for each step, the nodes whose values nobody reads after it.

    Raises:
        UnfusableError: if there is no compiled kernel, or the network cannot be planned.
    """

    def __init__(self, chips: Chips, example: Inputs) -> None:
        if kernels.library() is None:
            raise UnfusableError("there is no compiled kernel")
        where = {chips.torch_device.type, *(tensor.device.type for tensor in example.tensors)}
        if chips.is_nonlinear:
            raise UnfusableError("devices are not linear in their inputs")
        if where != {"cpu"} or any(tensor.is_complex() for tensor in example.tensors):
            raise UnfusableError("only real numbers on the CPU are compiled")
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
        composites = {
            str(node.target): module
            for node in network.plan.graph.graph.nodes
            if node.op == "call_module"
            and isinstance(module := network.plan.graph.get_submodule(str(node.target)), AnalogComposite)
        }
        self._composites = {name: _copied(module) for name, module in composites.items()}
        self._plain = {name: copy.copy(layer) for name, layer in network.layers.items() if name not in fused}
        for name, composite in self._composites.items():
            self._plain.update({f"{name}.{part}": layer for part, layer in analog_layers(composite)})

    def fetch_attr(self, target: str) -> Any:
        """Return a parameter or module of the network."""
        own = self._composites.get(target) or self._plain.get(target)
        return super().fetch_attr(target) if own is None else own

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

    def evaluate(self, reading: Reading, noise: NoiseStream, inputs: Inputs, keep: Keep) -> Any:
        """Return, for all items, what `keep` keeps of what a chip makes of them at one time."""
        self.load(reading, noise)
        del reading  # of which the stages have what they need
        kept, chunk = Collected(len(inputs)), self._network.chunk
        for start in range(0, len(inputs), chunk):
            part = inputs.part(start, start + chunk)
            kept.add(keep(self(part, start), start, start + len(part)), len(part))
        self.unload()
        return kept.result()

    def __call__(self, inputs: Inputs, first_image: int) -> Any:
        """Return the network's outputs for a chunk of items, `first_image` being its first one's number."""
        for name, layer in self._plain.items():
            noise = self._noise.child(self._index[name])
            layer.execution = self._reading.execution(name, noise, first_image, channels_last=True)
        self.env, self.args_iter = {}, iter(in_order(self._network.plan.graph.graph, inputs))
        waiting = DacInputs()
        for step, finished in zip(self._network.plan.steps, self._network.last_reads, strict=True):
            if isinstance(step, StagePlan):
                self._stages[id(step)].run(self.env, waiting, first_image)
            else:
                self.env[step] = self.run_node(step)
            for node in finished:
                self.env.pop(node, None)
        outputs = self._network.plan.outputs
        found = self.env[outputs] if isinstance(outputs, fx.Node) else self._structure(outputs)
        self.env.clear()
        return found

    def _structure(self, outputs: Any) -> Any:
        """Return the values of nodes in tuples, lists and dictionaries: torch.fx has types of its own for them."""
        if isinstance(outputs, fx.Node):
            return self.env[outputs]
        if isinstance(outputs, dict):
            return {name: self._structure(part) for name, part in outputs.items()}
        if isinstance(outputs, list | tuple):
            parts = [self._structure(part) for part in outputs]
            return parts if isinstance(outputs, list) else tuple(parts)
        return outputs


def _copied(module: AnalogComposite) -> AnalogComposite:
    """Return a copy with the tensors of `module`."""
    shared = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in shared})


def _last_reads(planned: Plan) -> list[list[fx.Node]]:
    last: dict[fx.Node, int] = {}
    for index, step in enumerate(planned.steps):
        reads: Sequence[fx.Node | None] = (
            (step.anchor, step.before, step.after, step.result)
            if isinstance(step, StagePlan)
            else (step, *step.all_input_nodes)
        )
        last.update({node: index for node in reads if node is not None})
    for node in planned.read_at_the_end:
        last.pop(node, None)
    ends: list[list[fx.Node]] = [[] for _ in planned.steps]
    for node, index in last.items():
        ends[index].append(node)
    return ends
