"""Measures options of a training that a search could offer: does one pay in the short trainings of its trials?

    python scripts/reproduce/training_options.py RECORD.jsonl [--tasks digits,fsdd,cifar10] [--networks 6] [--seeds 2]
    python scripts/reproduce/training_options.py RECORD.jsonl --table

Random staged networks near the bound on the parameters are trained as `collections/TASK.yaml` says and measured on
chips on the validation split. Every option sees the same batches:

=============  =====================================================================================================
`plain`        as it is
`zero`         the last batch norm of every branch starts at zero, so that blocks begin as their skips
`teacher`      digital training learns from a network four times as wide, trained first, as well as from the labels
`branches`     every k x k convolution before a batch norm is trained as a sum of itself, a 1 x 1 convolution and the
               identity, where the shape is kept, each with a batch norm of its own; they are folded into one kernel
               before the hardware-aware part
=============  =====================================================================================================

A measurement is a line of RECORD; what is there is not measured again. The table has the differences to `plain` with
95 % intervals (Student's t) over networks; seeds are averaged first.

References:
    P. Goyal et al., Accurate, large minibatch SGD, 2017, arXiv 1706.02677 (zero).
    G. Hinton et al., Distilling the knowledge in a neural network, 2015, arXiv 1503.02531 (teacher).
    X. Ding et al., RepVGG: Making VGG-style ConvNets great again, CVPR 2021, arXiv 2101.03697 (branches).
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import records
import torch
from students_t import interval
from torch import Tensor, nn

import hwsim
from analognas.compose import Composition, compose, trial_budget
from analognas.config.loader import load_config
from analognas.evaluation.measure import curves_on_chips, drift_metrics, drift_record
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import (
    DigitalTraining,
    TrainingBudget,
    go_on_digitally,
    train_digitally,
    train_network,
)
from analognas.seeds import derive_seed
from analognas.training.channels_last import to_channels_last
from analognas.training.loop import accuracy, train
from search_spaces import StagedRanges, StagedSpace, initialise
from search_spaces.staged.network import StagedBlock

COLLECTIONS: Final = Path(__file__).parent / "collections"
TEMPERATURE, TEACHER_SHARE = 4.0, 0.5
TEACHER_UPDATES: Final = 3
"""How many times as long the teacher is trained."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure options of a training.")
    parser.add_argument("record", type=Path)
    parser.add_argument("--tasks", default="digits,fsdd,cifar10")
    parser.add_argument("--options", default=",".join(OPTIONS))
    parser.add_argument("--networks", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if not arguments.table:
        torch.set_num_threads(1)
        for task in arguments.tasks.split(","):
            measure(arguments.record, task, arguments.options.split(","), arguments.networks, arguments.seeds)
    print(table(records.read(arguments.record)))


def measure(record: Path, name: str, options: Sequence[str], n_networks: int, seeds: int) -> None:
    """Measure what the record lacks of a task."""
    done = {(row["task"], row["network"], row["option"], row["seed"]) for row in records.read(record)}
    composition = compose(load_config(COLLECTIONS / f"{name}.yaml")[0])
    try:
        for number, genotype in enumerate(_candidates(composition, n_networks)):
            for seed in range(seeds):
                for option in options:
                    if (name, number, option, seed) in done:
                        continue
                    row = {"task": name, "network": number, "option": option, "seed": seed}
                    row |= _measured(composition, name, genotype, option, seed)
                    records.add(record, row)
                    print(row, flush=True)
    finally:
        composition.site.close()


def _candidates(composition: Composition, n: int) -> list[tuple[int, ...]]:
    """Return random admissible networks with more than half of the parameters allowed."""
    problem = composition.problem
    population = problem.space.sample(4000, np.random.default_rng(7))
    population = population[problem.admissible(population)]
    share = problem.space.parameters(population) / problem.upper_bounds["parameters"]
    return [tuple(row) for row in population[share > 0.5][:n].tolist()]


def _measured(
    composition: Composition, name: str, genotype: tuple[int, ...], option: str, seed: int
) -> dict[str, Any]:
    digitally = OPTIONS[option](composition, name)  # which trains the teacher, once
    start = time.perf_counter()
    task, budget = composition.prepared, trial_budget(composition.config.training)
    trained = train_network(
        composition.problem.space.build(genotype),
        task,
        composition.evaluator.hardware,
        budget,
        seed,
        digitally=digitally,
    )
    curves = curves_on_chips(
        trained.analog, task.validation, chips=8, times_s=(1.0, 86_400.0, 2_592_000.0), seed=seed
    )
    return {
        **drift_metrics(drift_record(*curves)),
        "digital_before": trained.digital_accuracy_before,
        "seconds": time.perf_counter() - start,
    }


def _plain(_composition: Composition, _name: str) -> DigitalTraining:
    return train_digitally


def _zero(_composition: Composition, _name: str) -> DigitalTraining:
    def trained(network: nn.Module, task: PreparedTask, budget: TrainingBudget, seed: int) -> list[float]:
        initialise(network, _generator(seed, "initialisation"))
        for block in network.modules():
            if isinstance(block, StagedBlock):
                norm = [layer for layer in block.branch if isinstance(layer, nn.BatchNorm2d)][-1]
                nn.init.zeros_(norm.weight)
        return go_on_digitally(network, task, budget, _generator(seed, "digital"))

    return trained


def _teacher(composition: Composition, name: str) -> DigitalTraining:
    teacher = _trained_teacher(name)

    def trained(network: nn.Module, task: PreparedTask, budget: TrainingBudget, seed: int) -> list[float]:
        initialise(network, _generator(seed, "initialisation"))
        to_channels_last(network)

        def step(x: Tensor, y: Tensor) -> Tensor:
            with torch.no_grad():
                taught = teacher(x)
            loss = hwsim.distillation_loss(
                network(x), taught, y, temperature=TEMPERATURE, teacher_share=TEACHER_SHARE
            )
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            return loss.detach()

        return train(network, task.train, budget.digital, _generator(seed, "digital"), step)

    return trained


@cache
def _trained_teacher(name: str) -> nn.Module:
    """Return three stages of 64, 128 and 192 channels, two blocks each, trained in floating point."""
    composition = compose(load_config(COLLECTIONS / f"{name}.yaml")[0])
    task, budget = composition.prepared, trial_budget(composition.config.training)
    source = task.source
    space = StagedSpace(
        StagedRanges(source.input_shape, source.n_classes, stem_width=(64, 64), width=(64, 192))
    )
    stages = [
        {"depth": 2, "width": width, "type": "B", "kernel": [3, 3], "stride": [stride, stride]}
        for width, stride in ((64, 1), (128, 2), (192, 2))
    ]
    stem = {"width": 64, "kernel": [3, 3], "stride": [1, 1]}
    network = space.build(space.parse({"stem": stem, "stages": stages}))
    train_digitally(network, task, budget.reduced(TEACHER_UPDATES), 0)
    composition.site.close()
    split = task.validation
    print(f"{name}: the teacher reaches {100 * accuracy(network, split.x, split.y):.2f} %", flush=True)
    return network.eval()


class Branches(nn.Module):
    """A convolution as a sum of branches, each with a batch norm of its own.

    Args:
        convolution: k x k, odd, without a bias.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        like, channels = convolution, convolution.out_channels
        point = nn.Conv2d(
            like.in_channels,
            channels,
            1,
            stride=like.stride,
            groups=like.groups,
            bias=False,  # type: ignore[arg-type]
        )
        self.convolutions = nn.ModuleList([convolution, point])
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)])
        self.straight = (
            nn.BatchNorm2d(channels) if like.in_channels == channels and like.stride == (1, 1) else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of the branches."""
        total: Tensor = sum(  # type: ignore[assignment]  # of tensors, one at least
            norm(layer(x)) for layer, norm in zip(self.convolutions, self.norms, strict=True)
        )
        return total if self.straight is None else total + self.straight(x)

    @torch.no_grad()
    def kernel(self) -> tuple[Tensor, Tensor]:
        """Return the kernel and the bias that do the same in evaluation mode."""
        first = self.convolutions[0]
        shape = first.weight.shape
        middle = shape[2] // 2, shape[3] // 2
        kernel, bias = torch.zeros_like(first.weight), torch.zeros(shape[0])
        for layer, norm in zip(self.convolutions, self.norms, strict=True):
            factor, shift = _affine(norm)
            wide = torch.zeros_like(kernel)
            if layer is first:
                wide = layer.weight
            else:
                wide[:, :, middle[0], middle[1]] = layer.weight[:, :, 0, 0]
            kernel, bias = kernel + factor.view(-1, 1, 1, 1) * wide, bias + shift
        if self.straight is not None:
            factor, shift = _affine(self.straight)
            outputs = torch.arange(shape[0])
            kernel[outputs, outputs % shape[1], middle[0], middle[1]] += factor
            bias = bias + shift
        return kernel, bias


def _affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    return factor, norm.bias - factor * norm.running_mean


def _branches(_composition: Composition, _name: str) -> DigitalTraining:
    def trained(network: nn.Module, task: PreparedTask, budget: TrainingBudget, seed: int) -> list[float]:
        twin = copy.deepcopy(network)
        places = {name: Branches(layer) for name, layer in _before_norms(twin)}
        for name, branches in places.items():
            owner, _, own = name.rpartition(".")
            setattr(twin.get_submodule(owner), own, branches)
        losses = train_digitally(twin, task, budget, seed)
        known = network.state_dict().keys()
        network.load_state_dict(
            {key: value for key, value in twin.state_dict().items() if key in known}, strict=False
        )
        with torch.no_grad():
            for name, branches in places.items():
                kernel, bias = branches.kernel()
                network.get_submodule(name).weight.copy_(kernel)
                _after(network, name).running_mean.sub_(bias)
        return losses

    return trained


def _before_norms(network: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """Return the k x k convolutions that a batch norm follows, whose mean takes up a bias of the branches."""
    return [
        (name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d)
        and min(layer.kernel_size) > 1
        and isinstance(_after(network, name), nn.BatchNorm2d)
    ]


def _after(network: nn.Module, name: str) -> nn.Module:
    owner, _, own = name.rpartition(".")
    return network.get_submodule(owner)[int(own) + 1]


OPTIONS: Final[dict[str, Callable[[Composition, str], DigitalTraining]]] = {
    "plain": _plain,
    "zero": _zero,
    "teacher": _teacher,
    "branches": _branches,
}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the differences to `plain`, in points, by task and over all networks."""
    lines = [f"{'option':<10}{'task':<10}{'networks':>9}{'1-day accuracy':>32}{'AVM':>30}{'time':>8}"]
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    for option in list(OPTIONS)[1:]:
        for chosen in [*([task] for task in tasks), tasks]:
            found = _differences(rows, option, chosen)
            if not len(found):
                continue
            shown = [_interval(found[:, column]) for column in range(2)]
            name = chosen[0] if len(chosen) == 1 else "all"
            lines.append(
                f"{option:<10}{name:<10}{len(found):>9}{shown[0]:>32}{shown[1]:>30}{np.median(found[:, 2]):>7.2f}x"
            )
    return "\n".join(lines)


def _differences(
    rows: Sequence[dict[str, Any]], option: str, tasks: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return differences of accuracy and AVM in points and the ratio of times, `(networks, 3)`."""
    by_key = {(row["task"], row["network"], row["option"], row["seed"]): row for row in rows}
    networks: dict[tuple[str, int], list[list[float]]] = {}
    for (task, network, own, seed), row in by_key.items():
        plain = by_key.get((task, network, "plain", seed))
        if own == option and task in tasks and plain is not None:
            pair = [100 * (row[metric] - plain[metric]) for metric in ("accuracy_1d", "avm")]
            networks.setdefault((task, network), []).append([*pair, row["seconds"] / plain["seconds"]])
    return np.array([np.mean(values, axis=0) for values in networks.values()]).reshape(-1, 3)


def _interval(values: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    if len(values) < 2:
        return f"{values.mean():+.2f}"
    low, mean, high = interval(values.tolist())
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]{', level' if low <= 0 <= high else ''}"


def _generator(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, purpose))


if __name__ == "__main__":
    main()
