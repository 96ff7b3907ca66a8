"""Learning rules for physical systems on digits: accuracies, mismatched devices, a chip after an hour, and gradients.

    python scripts/reproduce/physical_training.py PART [--seeds N] [--table]

PART is `rules`, `mismatch`, `pcm` or `gradients`. Results go to `physical_training.jsonl` beside this script, one line
a run; runs that are there already are not repeated, so that an interrupted script goes on. `--table` prints what is
there, and computes nothing. Differences of two rows pair their seeds; their 95 % interval is Student's.

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
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

import torch
from sklearn.datasets import load_digits
from students_t import difference
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
    "direct-random-target-projection": {"lr": 0.03, "epochs": 60},
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


def network(
    widths: tuple[int, ...], seed: int, activation: type[nn.Module] = nn.ReLU, ends_with_it: bool = False
) -> nn.Sequential:
    """Return a network with weights N(0, 2 / inputs) and no biases to start with."""
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for before, after in pairwise(widths):
        layer = nn.Linear(before, after)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(after, before, generator=generator) * (2 / before) ** 0.5)
            layer.bias.zero_()
        modules += [layer, activation()]
    return nn.Sequential(*modules if ends_with_it else modules[:-1])


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
        system = rules.MismatchedNetwork(network((74, 128, 128), seed, ends_with_it=True), gap, seed)
        adam = torch.optim.Adam(system.parameters, lr=settings["adam"])
        return system, kind(adam, 10, seed=seed)  # type: ignore[arg-type, call-arg]
    activation = nn.Tanh if name == "direct-random-target-projection" else nn.ReLU
    system = rules.MismatchedNetwork(network(WIDTHS, seed, activation), gap, seed)
    optimizer = torch.optim.SGD(system.parameters, lr=run.get("lr", settings["lr"]), momentum=0.9)
    if name in ("in-silico", "physics-aware", "in-situ-backpropagation"):
        return system, kind(optimizer)
    return system, kind(optimizer, seed=seed)  # type: ignore[call-arg]


def batches(epochs: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Yield the training images of each batch."""
    for _ in range(epochs):
        yield from torch.randperm(N_TRAIN, generator=generator).split(BATCH)


def train(system: rules.PhysicalSystem, rule: rules.Rule, epochs: int, generator: torch.Generator) -> None:
    """Take a step for each batch."""
    x, y = data()
    for part in batches(epochs, generator):
        rule.step(system, x[part], y[part])


def digits(run: Run) -> float:
    """Return the test accuracy in percent, measured on the device."""
    x, y = data()
    system, rule = system_and_rule(run)
    epochs = SETTINGS[run["rule"]]["epochs"]
    train(system, rule, epochs, torch.Generator().manual_seed(run["seed"]))
    return percent(rule.scores(system, x[N_TRAIN:]), y[N_TRAIN:])


# --- phase-change memory ---
HARDWARE: Final = "pcm-analognas"
TIME: Final = "1 hour"
DIGITAL_EPOCHS: Final = 30
FURTHER_EPOCHS: Final = 20
FURTHER_LR: Final = 0.01
CHIPS: Final = 10
HARDWARE_AWARE: Final = {
    "hardware-aware": ("gaussian", 0.06),
    "hardware-aware, device noise": ("device", 1.0),
}
"""Kind and strength of the weight noise."""


def pcm(run: Run) -> float:
    """Return the mean accuracy of ten chips after an hour, in percent."""
    x, y = data()
    digital = network(WIDTHS, run["seed"])
    generator = torch.Generator().manual_seed(run["seed"])
    system = rules.MismatchedNetwork(digital, gap=0.0)
    optimizer = torch.optim.SGD(system.parameters, lr=0.05, momentum=0.9)
    train(system, rules.InSilico(optimizer), DIGITAL_EPOCHS, generator)
    net = hwsim.to_analog(digital, HARDWARE)
    hwsim.calibrate(net, [x[:512]])
    if run["training"] == "physics-aware":
        chip = rules.ProgrammedNetwork(net, TIME, run["seed"])
        optimizer = torch.optim.SGD(chip.parameters, lr=FURTHER_LR, momentum=0.9)
        train(chip, rules.PhysicsAware(optimizer), FURTHER_EPOCHS, generator)
    elif run["training"] != "digital":
        kind, strength = HARDWARE_AWARE[run["training"]]
        hwa = hwsim.HwaTraining(
            net,
            seed=run["seed"],
            modifier=kind,
            weight_noise=strength,
            clip_sigma=None,  # type: ignore[arg-type]
        )
        optimizer = torch.optim.SGD(net.parameters(), lr=FURTHER_LR, momentum=0.9)
        for part in batches(FURTHER_EPOCHS, generator):
            with hwa.step():
                optimizer.zero_grad()
                F.cross_entropy(net(x[part]), y[part]).backward()
            optimizer.step()
            hwa.after_update()
    net.requires_grad_(False)
    hwsim.calibrate(net, [x[:512]])
    chips = hwsim.program(net, CHIPS, seed=1000 + run["seed"])
    curve = hwsim.accuracy_over_time(chips, x[N_TRAIN:], y[N_TRAIN:], [3600.0], progress=False)
    return 100 * float(curve.accuracy.mean())


# --- gradients ---
SETTLED: Final = 500
"""Steps after which the energy network does not move any more."""


def gradients(run: Run) -> float:
    """Return the cosine of a rule's gradient with that of autograd, on an exact device after one epoch."""
    x, y = data()
    name, seed = run["rule"], run["seed"]
    if name == "equilibrium-propagation":
        return equilibrium_cosine(run)
    activation = nn.Tanh if name == "direct-random-target-projection" else nn.ReLU
    system = rules.MismatchedNetwork(network(WIDTHS, seed, activation), gap=0.0)
    optimizer = torch.optim.SGD(system.parameters, lr=0.05, momentum=0.9)
    options = {"seed": seed} if name not in ("in-silico", "physics-aware", "in-situ-backpropagation") else {}
    if "directions" in run:
        options |= {"directions": run["directions"], "size": 1e-3}
    rule = rules.RULES[name](optimizer, **options)  # type: ignore[arg-type]
    trains = (
        rule
        if name in ("feedback-alignment", "direct-feedback-alignment", "direct-random-target-projection")
        else rules.InSilico(optimizer)
    )
    train(system, trains, 1, torch.Generator().manual_seed(seed))
    return cosine(system, rule, rules.InSilico(optimizer), x[:256], y[:256])


def cosine(
    system: rules.PhysicalSystem, rule: rules.Rule, reference: rules.Rule, x: torch.Tensor, y: torch.Tensor
) -> float:
    """Return the cosine of two rules' gradients."""
    found = []
    for one in (rule, reference):
        one.gradient(system, x, y)
        found.append(torch.cat([p.grad.flatten() for p in system.parameters if p.grad is not None]))
    return float(F.cosine_similarity(found[0], found[1], dim=0))


def equilibrium_cosine(run: Run) -> float:
    """Return the cosine for a settled network: autograd goes back through the steps of its dynamics."""
    x, y = data()
    x, y = x[:256], y[:256]
    system, rule = system_and_rule(run)
    assert isinstance(system, rules.EnergyNetwork)
    train(system, rule, 1, torch.Generator().manual_seed(run["seed"]))
    exact = rules.EquilibriumPropagation(
        rule.optimizer, nudge=run["nudge"], free_steps=SETTLED, nudged_steps=run["steps"]
    )
    exact.gradient(system, x, y)
    found = torch.cat([p.grad.flatten() for p in system.parameters if p.grad is not None])
    state = [x.new_zeros(len(x), 128), x.new_zeros(len(x), 10)]
    for _ in range(SETTLED):
        hidden = system.biases[0] + x @ system.weights[0] + state[1] @ system.weights[1].T
        output = system.biases[1] + state[0] @ system.weights[1]
        state = [(s + 0.5 * (d - s)).clamp(0, 1) for s, d in zip(state, (hidden, output), strict=True)]
    loss = (state[1] - F.one_hot(y, 10)).square().sum(1).mean()
    true = torch.cat([g.flatten() for g in torch.autograd.grad(loss, system.parameters)])
    return float(F.cosine_similarity(found, true, dim=0))


def percent(scores: torch.Tensor, y: torch.Tensor) -> float:
    """Return the share of right answers in percent."""
    return 100 * float((scores.argmax(1) == y).float().mean())


# --- runs ---
def rule_runs(seeds: int) -> Iterator[Run]:
    """Yield the runs of every rule on an exact device."""
    for seed in range(seeds):
        for name in SETTINGS:
            yield {"part": "rules", "rule": name, "seed": seed}


MISMATCHED: Final = (
    "in-silico", "physics-aware", "in-situ-backpropagation", "feedback-alignment", "direct-feedback-alignment",
)  # fmt: skip
SLOW_AT: Final = 1.0
SLOW: Final = ("physical-local-learning", "forward-forward", "equilibrium-propagation")
"""Rules that take longer, at the largest gap alone."""


def mismatch_runs(seeds: int) -> Iterator[Run]:
    """Yield the runs on devices that differ from the model; physics-aware training also at a lower rate."""
    for seed in range(seeds):
        for gap in GAPS:
            for name in MISMATCHED:
                yield {"part": "mismatch", "gap": gap, "rule": name, "seed": seed}
            if gap > 0.6:
                yield {"part": "mismatch", "gap": gap, "rule": "physics-aware", "lr": 0.005, "seed": seed}
        for name in SLOW:
            yield {"part": "mismatch", "gap": SLOW_AT, "rule": name, "seed": seed}


def pcm_runs(seeds: int) -> Iterator[Run]:
    """Yield the runs on phase-change memory."""
    for seed in range(seeds):
        for training in ("digital", *HARDWARE_AWARE, "physics-aware"):
            yield {"part": "pcm", "training": training, "seed": seed}


def gradient_runs(seeds: int) -> Iterator[Run]:
    """Yield the comparisons with autograd."""
    for seed in range(seeds):
        for name in SETTINGS:
            if name in CONTRASTIVE:
                continue  # they have losses of their own
            if name in ("forward-gradient", "spsa"):
                for directions in (8, 512):
                    yield {"part": "gradients", "rule": name, "directions": directions, "seed": seed}
            elif name == "equilibrium-propagation":
                for nudge, steps in ((0.5, 8), (0.01, SETTLED), (0.001, SETTLED)):
                    yield {"part": "gradients", "rule": name, "nudge": nudge, "steps": steps, "seed": seed}
            else:
                yield {"part": "gradients", "rule": name, "seed": seed}


PARTS: Final[dict[str, tuple[Callable[[int], Iterator[Run]], Callable[[Run], float]]]] = {
    "rules": (rule_runs, digits),
    "mismatch": (mismatch_runs, digits),
    "pcm": (pcm_runs, pcm),
    "gradients": (gradient_runs, gradients),
}
"""Runs by seeds, and what is measured."""


def results() -> dict[str, float]:
    """Return the results that are there, by their runs."""
    if not RESULTS.exists():
        return {}
    lines = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    return {key(line["run"]): line["result"] for line in lines}


def key(run: Run) -> str:
    """Return a run as text."""
    return json.dumps(run, sort_keys=True)


DIFFERENCES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "mismatch": tuple(
        (f"{gap}  {first}", f"{gap}  {second}")
        for first, second in (
            ("physics-aware", "in-silico"),
            ("in-situ-backpropagation", "feedback-alignment"),
            ("in-situ-backpropagation", "direct-feedback-alignment"),
        )
        for gap in GAPS
    ),
    "pcm": tuple((training, "digital") for training in (*HARDWARE_AWARE, "physics-aware")),
}
"""Rows of a part that are compared, by their names."""


def show(part: str, seeds: int) -> None:
    """Print means over seeds, with the standard deviation where there are several, and differences of rows."""
    found, rows = results(), defaultdict[str, dict[int, float]](dict)
    for run in PARTS[part][0](seeds):
        if key(run) in found:
            kept = {name: value for name, value in run.items() if name not in ("part", "seed")}
            rows["  ".join(str(value) for value in kept.values())][run["seed"]] = found[key(run)]
    for name, values in rows.items():
        spread = f" +- {stdev(values.values()):.3f}" if len(values) > 1 else ""
        print(f"{name:40} {fmean(values.values()):.3f}{spread}  ({len(values)} seeds)")
    for first, second in DIFFERENCES.get(part, ()):
        print(f"{f'{first} minus {second}':60} {difference(rows[first], rows[second])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=list(PARTS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--table", action="store_true", help="print what is there, compute nothing")
    arguments = parser.parse_args()
    runs, measure = PARTS[arguments.part]
    torch.set_num_threads(1)
    for run in () if arguments.table else runs(arguments.seeds):
        if key(run) in results():
            continue
        start = time.process_time()
        result = measure(run)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"run": run, "result": round(result, 5)}) + "\n")
        print(*run.values(), f"{result:.3f} {time.process_time() - start:.1f} s", flush=True)
    show(arguments.part, arguments.seeds)


if __name__ == "__main__":
    main()
