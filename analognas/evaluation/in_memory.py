"""Training in the memory array: every chip of a candidate learns on its own, and is judged as it then is.

A chip is the network on arrays of pulsed devices. All chips of a candidate start from the same weights and see the same
batches; cells and pulses differ, and chip k has the same cells in all candidates of the same shapes. Published devices
of training have no statistics of retention: at each time a chip is read again, with new noise, and nothing else is
different.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

import hwsim
from analognas.evaluation.prepared import PreparedTask
from analognas.seeds import derive_seed
from analognas.tasks import Split
from analognas.training.in_memory_spec import TAKES
from analognas.training.loop import Schedule, plain_step, train

ALGORITHMS: Final[Mapping[str, Callable[..., torch.optim.Optimizer]]] = {
    "sgd": hwsim.learning.AnalogSGD,
    "mixed-precision": hwsim.learning.MixedPrecision,
    "tiki-taka": hwsim.learning.TikiTaka,
    "ttv2": hwsim.learning.TTv2,
    "c-ttv2": hwsim.learning.ChoppedTTv2,
    "agad": hwsim.learning.AGAD,
}
IMAGES_AT_ONCE: Final = 512


@dataclass(frozen=True)
class InMemory:
    """How candidates learn in the array.

    Attributes:
        algorithm: one of `ALGORITHMS`.
        device: name of a published device.
        learning_rate: of the arrays, or their buffer.
        digital_learning_rate: of biases and norms.
        weight_range: place of the largest initial weight in the range of a cell.
        periphery: name of converters and noise.
        options: further ones of the algorithm.
    """

    algorithm: str
    device: str
    learning_rate: float
    digital_learning_rate: float
    weight_range: float
    periphery: str
    options: Mapping[str, float]


@dataclass(frozen=True)
class LearnedChip:
    """What a chip has learned.

    Attributes:
        state: of the network on tiles, as torch.save writes it: layers keep more than tensors, which safetensors
            cannot hold.
        loss: mean loss of all epochs.
    """

    state: bytes
    loss: float


def learn(
    network: nn.Module,
    task: PreparedTask,
    how: InMemory,
    schedule: Schedule,
    seed: int,
    chip_seed: int,
    after_epoch: Callable[[nn.Module, int], None] | None = None,
) -> LearnedChip:
    """Train a copy of `network` on one chip.

    Args:
        network: with its initial weights; it stays as it is.
        task: the data.
        how: algorithm and device.
        schedule: how long, and on which batches; its learning rate does not count.
        seed: of the batches.
        chip_seed: of the cells, the pulses and the noise.
        after_epoch: looks at the network on tiles after each epoch; what it raises ends the training.

    Raises:
        EvaluationError: when the training diverges.
        ValueError: for a layer that no array can hold.
    """
    tiles = _on_tiles(network, how, chip_seed)
    matrices = [parameter for parameter in tiles.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in tiles.parameters() if parameter.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": matrices, "factor": 1.0}]
    if vectors:
        factor = how.digital_learning_rate / how.learning_rate
        groups.append({"params": vectors, "analog": False, "factor": factor})
    options: dict[str, Any] = dict(how.options)
    if "transfer_columns" in TAKES[how.algorithm]:  # one array is read into another
        options["periphery"] = how.periphery  # of the reads
    optimizer = ALGORITHMS[how.algorithm](
        groups,
        device=how.device,
        lr=how.learning_rate,
        weight_range=how.weight_range,
        seed=derive_seed(chip_seed, "cells"),
        **options,
    )
    losses = train(
        tiles,
        task.train,
        replace(schedule, learning_rate=how.learning_rate),
        torch.Generator().manual_seed(derive_seed(seed, "digital")),
        plain_step(tiles, label_smoothing=schedule.label_smoothing),
        after_epoch=None if after_epoch is None else lambda epoch: after_epoch(tiles, epoch),
        optimizer=optimizer,
    )
    buffer = io.BytesIO()
    torch.save(tiles.state_dict(), buffer)
    return LearnedChip(buffer.getvalue(), fmean(losses))


def as_learned(network: nn.Module, how: InMemory, chip: LearnedChip) -> nn.Module:
    """Return a copy of `network` on the tiles of a chip that has learned, in evaluation mode."""
    tiles = _on_tiles(network, how, 0)
    tiles.load_state_dict(_state(chip))
    return tiles.eval()


def weights_into(network: nn.Module, chip: LearnedChip) -> nn.Module:
    """Return `network` itself, plain torch, with the weights of a chip as an exact read finds them."""
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    state = _state(chip)
    network.load_state_dict({name: state[name].view(shape) for name, shape in shapes.items()})
    return network.eval()


@torch.no_grad()
def learned_curve(
    network: nn.Module, how: InMemory, chips: Sequence[LearnedChip], split: Split, times_s: Sequence[float]
) -> hwsim.DriftCurve:
    """Return what each chip finds on `split`, read again at each time."""
    correct = np.empty((len(times_s), len(chips), len(split)), dtype=np.bool_)
    for number, chip in enumerate(chips):
        tiles = as_learned(network, how, chip)
        for row in range(len(times_s)):
            found = [tiles(part).argmax(1) for part in torch.split(split.x, IMAGES_AT_ONCE)]
            correct[row, number] = (torch.cat(found) == split.y).cpu().numpy()
    return hwsim.DriftCurve(tuple(times_s), correct.mean(axis=2), correct)


def _on_tiles(network: nn.Module, how: InMemory, chip_seed: int) -> nn.Module:
    # the seed of a layer's noise is a multiple of this one, so that it must stay small
    seed = derive_seed(chip_seed, "periphery") % (1 << 31)
    return hwsim.learning.on_tiles(network, periphery=how.periphery, weight_range=how.weight_range, seed=seed)


def _state(chip: LearnedChip) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(io.BytesIO(chip.state), weights_only=True)
    return state
