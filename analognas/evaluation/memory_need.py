"""How much memory an evaluation needs at least, before it takes any: a candidate that cannot fit is never trained.

A training step holds, in float32 and for `P` parameters and `A` values of layer outputs of a batch,

    4 · (weights + gradients + moments) · P + 4 · kept · A   bytes

where `kept` is what backward keeps of each output of a convolution or linear layer, measured on the networks of the
spaces: the output, what batch norm and ReLU make of it, and on tiles the quantised inputs and what the ADC read.
Hardware-aware training holds the digital network, its copy on tiles and the noisy weights of a step. Chips hold both
conductances of every weight. What the library needs besides is left out: the estimate is a lower one.

`P` and the multiply-accumulates come from the space and cost nothing. Each layer output takes at least one of these, so
that only candidates near the limit are looked at layer by layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from analognas.errors import EvaluationError
from analognas.evaluation.training import TrainingBudget
from analognas.executors.memory import GIGABYTE, OWN_BOUND, TOO_LARGE, usable_memory
from search_spaces.cost import layer_table

if TYPE_CHECKING:
    from torch import nn

FLOAT_BYTES: Final = 4
KEPT_DIGITAL: Final = 1.5
KEPT_ON_TILES: Final = 2.5
OUT_OF_MEMORY: Final = "out of memory"
"""Makes an executor try again with more memory, where it bounds it."""


class NetworkSize(NamedTuple):
    """Trainable parameters, and multiply-accumulates of one inference."""

    parameters: int
    macs: int


@dataclass(frozen=True)
class MemoryNeed:
    """What an evaluation needs at least.

    Attributes:
        budget: of the training.
        chips: programmed together.
        inputs: that a training draws from.
        section: of the configuration that says how many chips, `evaluation` or `final`.
    """

    budget: TrainingBudget
    chips: int
    inputs: int
    section: str = "evaluation"

    def n_bytes(self, parameters: int, outputs: int) -> int:
        """Return what training and chips need, whichever needs more.

        Args:
            parameters: of the network.
            outputs: values of its layer outputs for one input.
        """
        trained = self._copies() * parameters + self._kept() * outputs
        # of the digital and two analog networks, and both conductances on each chip
        programmed = (3 + 2 * self.chips) * parameters
        return round(FLOAT_BYTES * max(trained, programmed))

    def _copies(self) -> int:
        on_tiles = bool(self.budget.hardware_aware.epochs)
        schedule = self.budget.hardware_aware if on_tiles else self.budget.digital
        moments = 2 if schedule.optimizer == "adam" else 1
        # weights and gradients; on tiles those of the digital network stay, and the noisy weights come
        return (5 if on_tiles else 2) + moments

    def _kept(self) -> float:
        """Return how many values backward keeps of a batch for each value of a layer output."""
        budget = self.budget
        schedules = ((budget.digital, KEPT_DIGITAL), (budget.hardware_aware, KEPT_ON_TILES))
        batches = [
            min(schedule.batch_size, self.inputs) * kept for schedule, kept in schedules if schedule.epochs
        ]
        return max(batches, default=0.0)


def network_that_fits(
    build: Callable[[], nn.Module],
    size: NetworkSize,
    need: MemoryNeed,
    input_shape: Sequence[int],
    device: torch.device,
) -> nn.Module:
    """Return an untrained network, which is not even built where it cannot fit into memory.

    Args:
        build: builds it.
        size: of the network.
        need: of the evaluation.
        input_shape: of one example, without the batch axis.
        device: where it will be.

    Raises:
        EvaluationError: with what it needs, what there is, and what helps.
    """
    usable, limit = _usable(device)
    if (needed := need.n_bytes(size.parameters, 0)) > usable:
        remedy = f"bound `constraints.parameters`, or lower `{need.section}.chips`"
        raise _too_large(needed, usable, limit, remedy)
    network = build()
    if need.n_bytes(size.parameters, size.macs) > usable:
        outputs = sum(math.prod(layer.output_shape) for layer in layer_table(network, input_shape))
        if (needed := need.n_bytes(size.parameters, outputs)) > usable:
            remedy = "lower `batch_size` in `training`, or bound `constraints.macs`"
            raise _too_large(needed, usable, limit, remedy)
    return network


def too_large(parameters: npt.NDArray[np.int64], need: MemoryNeed, device: torch.device) -> float:
    """Return the share of networks with these parameters, `(n,)`, that cannot fit into memory."""
    usable, _ = _usable(device)
    needed = np.array([need.n_bytes(n, 0) for n in parameters.tolist()])
    return float((needed > usable).mean()) if len(needed) else 0.0


def _usable(device: torch.device) -> tuple[int, str]:
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory, str(device)
    return usable_memory()


def _too_large(needed: int, usable: int, limit: str, remedy: str) -> EvaluationError:
    begins = f"{OUT_OF_MEMORY} before it began: it" if limit == OWN_BOUND else f"{TOO_LARGE}: it"
    return EvaluationError(
        f"{begins} needs about {needed / GIGABYTE:.3g} GB, {limit} has {usable / GIGABYTE:.3g} GB; {remedy}"
    )
