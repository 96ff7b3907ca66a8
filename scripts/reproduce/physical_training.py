"""Learning rules for physical systems on digits: accuracies, mismatched devices, a chip after an hour, and gradients.

    python scripts/reproduce/physical_training.py PART [--seeds N] [--table]

PART is `rules`, `mismatch`, `pcm` or `gradients`. Results go to `physical_training.jsonl` beside this script, one line a
run; runs that are there already are not repeated, so that an interrupted script goes on. `--table` prints what is
there, and computes nothing.

`rules`: digits of scikit-learn in their order, the first 1,437 for training and the last 360 for the test, a network
64-128-128-10 with ReLU; every rule on an exact device. `mismatch`: the same on devices whose weights differ from what
was written by a relative error of 0.3 to 1. `pcm`: phase-change devices an hour after each programming; networks that
were trained digitally go on in silico, hardware-aware or physics-aware, and are then measured on ten chips.
`gradients`: the cosine of each rule's gradient with that of autograd, on a network after one epoch.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim import rules

RESULTS: Final = Path(__file__).with_suffix(".jsonl")
Run = dict[str, Any]

BATCH: Final = 32
N_TRAIN: Final = 1437
WIDTHS: Final = (64, 128, 128, 10)
GAPS: Final = (0.3, 0.6, 0.8, 1.0)

SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "in-silico": {"lr": 0.05, "epochs": 60},
    "physics-aware": {"lr": 0.05, "epochs": 60},
    "in-situ-backpropagation": {"lr": 0.05, "epochs": 60},
    "feedback-alignment": {"lr": 0.05, "epochs": 60},
    "direct-feedback-alignment": {"lr": 0.05, "epochs": 60},
    "direct-random-target-projection": {"lr": 0.01, "epochs": 60},
    "physical-local-learning": {"adam": 0.003, "epochs": 120},
    "forward-forward": {"adam": 0.003, "epochs": 120},
    "equilibrium-propagation": {"epochs": 40},
    "forward-gradient": {"lr": 3e-4, "epochs": 60},
    "spsa": {"lr": 3e-4, "epochs": 60},
}
"""Learning rates with momentum 0.9, or of Adam, and epochs."""
CONTRASTIVE: Final = ("forward-forward", "physical-local-learning")


def data() -> tuple[torch.Tensor, torch.Tensor]:
    """Return images `(1797, 64)` from 0 to 1 and classes."""
    images, classes = load_digits(return_X_y=True)
    return torch.tensor(images / 16, dtype=torch.float32), torch.tensor(classes)


def network(widths: tuple[int, ...], seed: int, last_relu: bool = False) -> nn.Sequential:
    """Return a network with weights N(0, 2 / inputs) and no biases to start with."""
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for before, after in zip(widths[:-1], widths[1:], strict=True):
        layer = nn.Linear(before, after)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(after, before, generator=generator) * (2 / before) ** 0.5)
            layer.bias.zero_()
        modules += [layer, nn.ReLU()]
    return nn.Sequential(*modules if last_relu else modules[:-1])


def system_and_rule(run: Run) -> tuple[rules.PhysicalSystem, rules.Rule]:
    """Return the system of a run and its rule."""
    name, seed, settings = run["rule"], run["seed"], SETTINGS[run["rule"]]
    gap, kind = run.get("gap", 0.0), rules.RULES[run["rule"]]
    if name == "equilibrium-propagation":
        energy = rules.EnergyNetwork((64, 128, 10), gap=gap, seed=seed)
        groups = [
            {"params": [energy.weights[0], energy.biases[0]], "lr": 0.1},
            {"params": [energy.weights[1], energy.biases[1]], "lr": 0.05},
        ]
        return energy, rules.EquilibriumPropagation(torch.optim.SGD(groups))
    if name in CONTRASTIVE:
        system = rules.MismatchedNetwork(network((74, 128, 128), seed, last_relu=True), gap, seed)
        adam = torch.optim.Adam(system.parameters, lr=settings["adam"])
        return system, kind(adam, 10, seed=seed)  # type: ignore[arg-type, call-arg]
    system = rules.MismatchedNetwork(network(WIDTHS, seed), gap, seed)
    optimizer = torch.optim.SGD(system.parameters, lr=run.get("lr", settings["lr"]), momentum=0.9)
    if name in ("in-silico", "physics-aware", "in-situ-backpropagation"):
        return system, kind(optimizer)
    return system, kind(optimizer, seed=seed)  # type: ignore[call-arg]


def digits(run: Run) -> float:
    """Return the test accuracy in percent, measured on the device."""
    x, y = data()
    system, rule = system_and_rule(run)
    generator = torch.Generator().manual_seed(run["seed"])
    for _ in range(SETTINGS[run["rule"]]["epochs"]):
        for part in torch.randperm(N_TRAIN, generator=generator).split(BATCH):
            rule.step(system, x[part], y[part])
    return percent(rule.scores(system, x[N_TRAIN:]), y[N_TRAIN:])


def percent(scores: torch.Tensor, y: torch.Tensor) -> float:
    """Return the share of right answers in percent."""
    return 100 * float((scores.argmax(1) == y).float().mean())
