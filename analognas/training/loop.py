"""The training loop that digital and hardware-aware training share.

Data are tensors in memory: a step draws the inputs of a slice of a shuffled index, without a DataLoader. The learning
rate ramps up linearly and then follows a cosine to zero (Loshchilov and Hutter 2017, arXiv 1608.03983).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from analognas.errors import EvaluationError
from analognas.training.averaging import RunningAverage
from analognas.training.fused_norm import fused
from analognas.training.memory import keep_memory


@dataclass(frozen=True)
class Schedule:
    """The budget of one training.

    Attributes:
        epochs: passes over the data.
        batch_size: inputs a step; a last batch of a single input is left out, batch norm cannot use it.
        optimizer: `adam` (AdamW, Loshchilov and Hutter 2019) or `sgd` (Nesterov momentum 0.9).
        learning_rate: peak learning rate.
        warmup: fraction of the steps that ramps the learning rate up.
        weight_decay: of weight matrices; batch norm and biases have none.
        updates: fewest updates: a small data set is passed over more often than `epochs` say.
        epoch_size: inputs of an epoch; the next epoch goes on with those that have not been seen. None: all of them.
        label_smoothing: share of the target that is spread over all classes (Szegedy et al. 2016, arXiv 1512.00567).
        average_last: fraction of the steps, at the end, whose weights and statistics are averaged into the network
            (Izmailov et al. 2018, arXiv 1803.05407); 0 keeps those of the last step.
        hold: the rate stays at its peak to the end, for a training that another one goes on from.
        clip_gradient: largest norm of the gradient of a step (Pascanu et al. 2013, arXiv 1211.5063); None: any.
    """

    epochs: int
    batch_size: int
    optimizer: Literal["adam", "sgd"]
    learning_rate: float
    warmup: float
    weight_decay: float
    updates: int = 0
    epoch_size: int | None = None
    label_smoothing: float = 0.0
    average_last: float = 0.0
    hold: bool = False
    clip_gradient: float | None = None

    def n_epochs(self, n_inputs: int) -> int:
        """Number of passes over `n_inputs` inputs; none where there are no epochs.

        >>> Schedule(5, 32, "adam", 0.01, 0.1, 0.0, updates=400).n_epochs(1000)
        13
        """
        if not self.epochs:
            return 0
        return max(self.epochs, math.ceil(self.updates / max(1, self._steps_an_epoch(n_inputs))))

    def n_steps(self, n_inputs: int) -> int:
        """Number of steps over `n_inputs` inputs."""
        return self.n_epochs(n_inputs) * self._steps_an_epoch(n_inputs)

    def inputs_an_epoch(self, n_inputs: int) -> int:
        """Inputs of one pass."""
        return n_inputs if self.epoch_size is None else min(n_inputs, self.epoch_size)

    def _steps_an_epoch(self, n_inputs: int) -> int:
        full, rest = divmod(self.inputs_an_epoch(n_inputs), self.batch_size)
        return full + (rest > 1)

    def rate(self, step: int, n_steps: int) -> float:
        """Learning rate of a step."""
        n_ramp = round(self.warmup * n_steps)
        if step < n_ramp:
            return self.learning_rate * (step + 1) / (n_ramp + 1)
        if self.hold:
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - n_ramp) / max(1, n_steps - n_ramp)))


Step = Callable[[Tensor, Tensor], Tensor]
"""Takes inputs and labels, runs forward and backward, and returns the loss."""


class Inputs(Protocol):
    """Training inputs, drawn batch by batch."""

    def __len__(self) -> int: ...

    def draw(self, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the inputs and labels at `(batch,)` indices; `generator` is of what is changed in them."""
        ...


def plain_step(network: nn.Module, *, mixed_precision: bool = False, label_smoothing: float = 0.0) -> Step:
    """Return a step that minimises the cross-entropy of `network`.

    Args:
        network: with float32 weights.
        mixed_precision: run convolutions and matrix products in bfloat16, everything else in float32 as before.
        label_smoothing: share of the target that is spread over all classes.
    """

    def step(x: Tensor, y: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16) if mixed_precision else nullcontext():
            logits = network(x)
        loss = F.cross_entropy(logits.float(), y, label_smoothing=label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return loss.detach()

    return step


def train(
    network: nn.Module,
    inputs: Inputs,
    schedule: Schedule,
    generator: torch.Generator,
    step: Step,
    *,
    after_update: Callable[[], None] | None = None,
    after_epoch: Callable[[int], None] | None = None,
    ranges: Sequence[nn.Parameter] = (),
    optimizer: torch.optim.Optimizer | None = None,
) -> list[float]:
    """Train `network` in place, on the device that it is on, and leave it in evaluation mode.

    Args:
        network: its parameters that require gradients are trained.
        inputs: where batches come from, on the device of the network.
        schedule: the budget.
        generator: of the shuffling and of what is changed in the inputs; one on the CPU draws the same for all devices.
        step: forward and backward.
        after_update: called after each update.
        after_epoch: called with the number of epochs done; what it raises ends the training.
        ranges: parameters of any magnitude, which learn as fractions of their size at the start do.
        optimizer: of one's own, whose groups have a `factor` on the learning rate; None for that of the schedule.

    Returns:
        The mean loss of each epoch.

    Raises:
        EvaluationError: when the loss is no longer finite.
    """
    keep_memory()
    with fused(network):
        if optimizer is None:
            optimizer = _optimizer(network, schedule, ranges)
        losses = _epochs(network, inputs, schedule, generator, step, after_update, after_epoch, optimizer)
    network.eval()
    return losses


def _epochs(
    network: nn.Module,
    inputs: Inputs,
    schedule: Schedule,
    generator: torch.Generator,
    step: Step,
    after_update: Callable[[], None] | None,
    after_epoch: Callable[[int], None] | None,
    optimizer: torch.optim.Optimizer,
) -> list[float]:
    n_steps = schedule.n_steps(len(inputs))
    device = next(network.parameters()).device
    done = 0
    losses: list[float] = []
    average = RunningAverage(network)
    n_averaged = round(schedule.average_last * n_steps)
    orders = _orders(len(inputs), schedule.inputs_an_epoch(len(inputs)), generator)
    network.train()
    n_epochs = schedule.n_epochs(len(inputs))
    for epoch in range(n_epochs):
        total = torch.zeros((), device=device)
        n_batches = 0
        for index in torch.split(next(orders).to(device), schedule.batch_size):
            if len(index) < 2:
                continue
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(done, n_steps) * group["factor"]
            optimizer.zero_grad(set_to_none=True)
            total += step(*inputs.draw(index, generator))
            if schedule.clip_gradient is not None:
                nn.utils.clip_grad_norm_(network.parameters(), schedule.clip_gradient)
            optimizer.step()
            if after_update is not None:
                after_update()
            done += 1
            n_batches += 1
            if done > n_steps - n_averaged:
                average.add()
        losses.append(float(total) / max(1, n_batches))
        if not math.isfinite(losses[-1]):
            raise EvaluationError(
                f"training diverged: the loss was {losses[-1]} in epoch {epoch + 1} of {n_epochs}"
            )
        if after_epoch is not None:
            after_epoch(epoch + 1)
    average.put_back()
    return losses


def _orders(n: int, each: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the indices of one epoch after the other, shuffled; no input comes again before all have come."""
    left = torch.empty(0, dtype=torch.int64, device=generator.device)
    while True:
        while len(left) < each:
            left = torch.cat([left, torch.randperm(n, generator=generator, device=generator.device)])
        yield left[:each]
        left = left[each:]


def _optimizer(
    network: nn.Module, schedule: Schedule, ranges: Sequence[nn.Parameter] = ()
) -> torch.optim.Optimizer:
    apart = {id(parameter) for parameter in ranges}
    trained = [
        parameter
        for parameter in network.parameters()
        if parameter.requires_grad and id(parameter) not in apart
    ]
    decayed = [parameter for parameter in trained if parameter.ndim > 1 and schedule.weight_decay > 0]
    others = [parameter for parameter in trained if parameter.ndim <= 1 or schedule.weight_decay == 0]
    groups: list[dict[str, Any]] = [  # a group costs a call in every step
        {"params": parameters, "weight_decay": decay, "factor": 1.0}
        for parameters, decay in ((decayed, schedule.weight_decay), (others, 0.0))
        if parameters
    ]
    power = (
        1 if schedule.optimizer == "adam" else 2
    )  # steps of SGD follow the gradient, which has the size once more
    groups += [
        {
            "params": [parameter],
            "weight_decay": 0.0,
            "factor": float(parameter.detach().abs().mean()) ** power,
        }
        for parameter in ranges
    ]
    if schedule.optimizer == "adam":
        return torch.optim.AdamW(groups, lr=schedule.learning_rate, fused=True)
    return torch.optim.SGD(groups, lr=schedule.learning_rate, momentum=0.9, nesterov=True, fused=True)


@torch.inference_mode()
def accuracy(network: nn.Module, x: Tensor, y: Tensor, batch_size: int = 512) -> float:
    """Return the fraction of `(n, …)` inputs, on the device of the network, whose largest logit is at the label.

    Where every step has a label, `(n, steps)`, the steps count alike.

    Raises:
        EvaluationError: when a logit is not finite.
    """
    correct = torch.zeros((), dtype=torch.int64, device=x.device)
    finite = torch.ones((), dtype=torch.bool, device=x.device)
    for inputs, labels in zip(torch.split(x, batch_size), torch.split(y, batch_size), strict=True):
        logits = network(inputs)
        finite &= torch.isfinite(logits).all()
        correct += (logits.argmax(dim=1) == labels).sum()
    if not finite:
        raise EvaluationError("the network's outputs are not finite")
    return int(correct) / y.numel()


@torch.inference_mode()
def bits_per_step(network: nn.Module, x: Tensor, y: Tensor, batch_size: int = 512) -> float:
    """Return the mean cross-entropy of the labels `(n, steps)` of `(n, …)` inputs, in bits."""
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    for inputs, labels in zip(torch.split(x, batch_size), torch.split(y, batch_size), strict=True):
        total += F.cross_entropy(network(inputs), labels, reduction="sum").double()
    return float(total) / y.numel() / math.log(2)
