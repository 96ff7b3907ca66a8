"""A network of one chip at one time, layer by layer: what runs where stages are not compiled.

A worker serves one thread and has modules of its own, which share the parameters; several threads run several chips.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import nn

from hwsim.adabs import adapted_batch_norm
from hwsim.calibration import bears_channels_last, floating_point
from hwsim.chips import Chips, Reading
from hwsim.collected import Collected
from hwsim.conversion import analog_layers
from hwsim.inputs import Inputs
from hwsim.keep import Keep
from hwsim.mapping import near_equal_split
from hwsim.modules import NOMINAL, AnalogConv2d, AnalogRecurrent
from hwsim.noise import NoiseStream

PASS_ELEMENTS: Final = 1 << 22
"""Largest output of an analog layer in a pass on the CPU, 16 MiB: as many threads as there are hold as many."""

RECURRENT_SHARE: Final = 8
"""How many times as much an array of a recurrent layer may return for all steps: each step reads all of its weights."""

FEWEST_ADAPTED: Final = 3
"""Least batch size of AdaBS: near-equal parts of so many inputs, or more, have two images at least."""


class LayerByLayer:
    """What the workers of all threads share.

    Args:
        chips: programmed chips.
        example: inputs of one item.
        batch_size: items in one pass, fewer where the outputs of a layer are large.
        adabs_inputs: inputs on which batch-norm statistics are measured again; None keeps those of training.
        largest_output: what `largest_outputs` found for one item; None finds it.
    """

    def __init__(
        self,
        chips: Chips,
        example: Inputs,
        batch_size: int,
        adabs_inputs: Inputs | None = None,
        largest_output: int | None = None,
    ) -> None:
        example = example.copied_to(chips.torch_device)
        self.chips = chips
        self.adabs_inputs = adabs_inputs
        self.adabs_batch = max(batch_size, FEWEST_ADAPTED)
        named = zip(example.names or (), example.tensors, strict=False)
        by_position = example.tensors if example.names is None else ()
        has_images = any(isinstance(layer, AnalogConv2d) for layer in chips.layers.values())
        self.channels_last = has_images and bears_channels_last(chips.net, *by_position, **dict(named))
        on_cpu = chips.torch_device.type == "cpu"
        if on_cpu and largest_output is None:
            with (
                torch.no_grad(),
                floating_point(chips.net),
                largest_outputs(chips.net, len(example)) as found,
            ):
                example.copied_to(chips.torch_device).into(chips.net)
            largest_output = max(found)
        at_once = max(1, PASS_ELEMENTS // largest_output) if on_cpu and largest_output else batch_size
        self.batch_size = min(batch_size, at_once)

    def worker(self) -> LayeredWorker:
        """Return a worker for one thread."""
        return LayeredWorker(self)


class LayeredWorker:
    """Runs the layers on one thread; not to be shared between threads."""

    def __init__(self, shared: LayerByLayer) -> None:
        self._shared = shared
        self._net = _with_shared_tensors(shared.chips.net)
        self._layers = dict(analog_layers(self._net))

    def evaluate(self, reading: Reading, noise: NoiseStream, inputs: Inputs, keep: Keep) -> Any:
        """Return, for all items on the CPU, what `keep` keeps of what a chip makes of them at one time."""
        adapting, size = self._shared.adabs_inputs, self._shared.batch_size
        if adapting is None:
            return self._kept(reading, noise, inputs, size, keep)
        with adapted_batch_norm(self._net, lambda: self._adapt(reading, noise.child(-2), adapting)):
            return self._kept(reading, noise, inputs, size, keep)

    def passes(
        self, reading: Reading, noise: NoiseStream, inputs: Inputs, batch_size: int
    ) -> Iterator[tuple[int, int, Any]]:
        """Yield the outputs of each pass, on the chip's device, with its first item and that behind its last."""
        for start, end in near_equal_split(len(inputs), batch_size):
            for index, (name, layer) in enumerate(self._layers.items()):
                layer.execution = reading.execution(
                    name, noise.child(index), start, self._shared.channels_last
                )
            yield (
                start,
                end,
                inputs.part(start, end).copied_to(self._shared.chips.torch_device).into(self._net),
            )
        for layer in self._layers.values():
            layer.execution = NOMINAL  # the weights would take the room of the next ones

    def _kept(self, reading: Reading, noise: NoiseStream, inputs: Inputs, batch_size: int, keep: Keep) -> Any:
        kept = Collected(len(inputs))
        for start, end, outputs in self.passes(reading, noise, inputs, batch_size):
            kept.add(keep(outputs, start, end), end - start)
        return kept.result()

    def _adapt(self, reading: Reading, noise: NoiseStream, inputs: Inputs) -> None:
        """Run for what the batch norms see, not for what the network says."""
        for _ in self.passes(reading, noise, inputs, self._shared.adabs_batch):
            pass


def _with_shared_tensors(net: nn.Module) -> nn.Module:
    """Return a copy with the tensors of `net`, but for what digital layers may change as they run."""
    kept = [*net.parameters()] + [buffer for _, layer in analog_layers(net) for buffer in layer.buffers()]
    return copy.deepcopy(net, {id(tensor): tensor for tensor in kept})


@contextmanager
def largest_outputs(net: nn.Module, n_items: int) -> Iterator[list[int]]:
    """Yield a list of how many numbers each output of an analog layer has for one item, of runs in the context.

    Args:
        net: an analog network.
        n_items: that it runs on at once.
    """
    found = [1]
    recurrent = {
        part for module in net.modules() if isinstance(module, AnalogRecurrent) for part in module.modules()
    }

    def note(layer: nn.Module, _inputs: Any, outputs: torch.Tensor) -> None:
        found.append(-(-outputs.numel() // (n_items * (RECURRENT_SHARE if layer in recurrent else 1))))

    hooks = [layer.register_forward_hook(note) for _, layer in analog_layers(net)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
