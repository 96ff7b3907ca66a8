"""A network of one chip at one time, layer by layer: what runs where stages are not compiled.

A worker serves one thread and has modules of its own, which share the parameters; several threads run several chips.
"""

from __future__ import annotations

import copy
from typing import Final

import torch
from torch import nn

from hwsim.adabs import adapted_batch_norm
from hwsim.calibration import bears_channels_last, floating_point
from hwsim.chips import Chips, Reading
from hwsim.conversion import analog_layers
from hwsim.mapping import near_equal_split
from hwsim.modules import NOMINAL
from hwsim.noise import NoiseStream

PASS_ELEMENTS: Final = 1 << 22
"""Largest output of an analog layer in a pass on the CPU, 16 MiB: as many threads as there are hold as many."""

FEWEST_ADAPTED: Final = 3
"""Least batch size of AdaBS: near-equal parts of so many inputs, or more, have two images at least."""


class LayerByLayer:
    """What the workers of all threads share.

    Args:
        chips: programmed chips.
        example: one input, `(1, ...)`.
        batch_size: images in one pass, fewer where the outputs of a layer are large.
        adabs_inputs: inputs on which batch-norm statistics are measured anew; None keeps those of training.
    """

    def __init__(
        self, chips: Chips, example: torch.Tensor, batch_size: int, adabs_inputs: torch.Tensor | None = None
    ) -> None:
        example = example.to(chips.torch_device)
        self.chips = chips
        self.adabs_inputs = adabs_inputs
        self.adabs_batch = max(batch_size, FEWEST_ADAPTED)
        self.channels_last = bears_channels_last(chips.net, example)
        on_cpu = chips.torch_device.type == "cpu"
        at_once = max(1, PASS_ELEMENTS // _largest_output(chips.net, example)) if on_cpu else batch_size
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

    def classes(self, reading: Reading, noise: NoiseStream, x: torch.Tensor) -> torch.Tensor:
        """Return the `(images,)` int64 classes, on the CPU, that a chip finds at one time."""
        size, inputs, parts = self._shared.batch_size, self._shared.adabs_inputs, self._shared.adabs_batch
        if inputs is None:
            return self.scores(reading, noise, x, size).argmax(1).cpu()
        with adapted_batch_norm(
            self._net, lambda: _ignore(self.scores(reading, noise.child(-2), inputs, parts))
        ):
            return self.scores(reading, noise, x, size).argmax(1).cpu()

    def scores(self, reading: Reading, noise: NoiseStream, x: torch.Tensor, batch_size: int) -> torch.Tensor:
        """Return the `(images, classes)` scores, on the chip's device."""
        scores = []
        for start, end in near_equal_split(len(x), batch_size):
            for index, (name, layer) in enumerate(self._layers.items()):
                layer.execution = reading.execution(
                    name, noise.child(index), start, self._shared.channels_last
                )
            scores.append(self._net(x[start:end].to(self._shared.chips.torch_device, copy=True)))
        for layer in self._layers.values():
            layer.execution = NOMINAL  # the weights would take the room of the next ones
        return torch.cat(scores)


def _with_shared_tensors(net: nn.Module) -> nn.Module:
    """Return a copy with the tensors of `net`, but for what digital layers may change as they run."""
    kept = [*net.parameters()] + [buffer for _, layer in analog_layers(net) for buffer in layer.buffers()]
    return copy.deepcopy(net, {id(tensor): tensor for tensor in kept})


def _largest_output(net: nn.Module, example: torch.Tensor) -> int:
    """Return how many numbers the largest output of an analog layer has for one image."""
    found = [1]
    hooks = [
        layer.register_forward_hook(lambda _layer, _inputs, outputs: found.append(outputs.numel()))
        for _, layer in analog_layers(net)
    ]
    try:
        with torch.no_grad(), floating_point(net):
            net(example.clone())
    finally:
        for hook in hooks:
            hook.remove()
    return max(found)


def _ignore(_: object) -> None:
    """AdaBS wants what the batch norms see, not what the network says."""
