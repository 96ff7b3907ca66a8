"""In-memory training against the literature: the 20 × 20 study, the model of update times, digits, and characters.

    ANALOGNAS_DATA=FOLDER python scripts/reproduce/in_memory_training.py PART [--seeds N] [--table]

PART is `study`, `asymmetry`, `times`, `digits` or `characters`. Results go to `in_memory_training.jsonl` beside this
script, one line a run; runs that are there already are not repeated, so that an interrupted script goes on. `--table`
prints what is there, and computes nothing. Differences to floating point pair the seeds; their 95 % interval is
Student's.

`study`: a 20 × 20 layer learns a random linear map (weights N(0, 0.3), inputs N(0, 1)) on soft-bounds devices of 20 or
200 states, one sample a step, with an error of the stored reference of the fast array; the measure is the root mean
square error of the weights after 20,000 steps. Constants are those of Rasch et al., Nat. Commun. 15:7133, 2024.

`asymmetry`: the same with bounds that are scaled at a constant step: wider bounds are a more symmetric device.

`digits`: a fully connected network (64-256-256-10, batch norm, ReLU) on the digits of scikit-learn, with its layers on
arrays and the periphery of the presets, forward and backward; test accuracy on the last 360.

`characters`: a recurrent network (LSTM of 64 on one-hot characters) on War and Peace, from the folder `text` of
ANALOGNAS_DATA, trained from its gradients; the share of characters that are predicted, on a part of the text without
training.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

import torch
from data_file import data_file
from sklearn.datasets import load_digits
from students_t import difference
from torch import nn
from torch.nn import functional as F

from hwsim import learning
from hwsim.learning.update_time import ALGORITHMS, update_cost

RESULTS: Final = Path(__file__).with_suffix(".jsonl")
Run = dict[str, Any]

# --- the 20 x 20 study ---
SIZE: Final = 20
STEPS: Final = 20_000
LR: Final = 0.1
OFFSETS: Final = (0.0, 0.1, 0.5, 1.0)
STATES: Final = (20, 200)
WIDTHS: Final = (1.0, 4.0, 16.0)


def soft_bounds(step: float, bound_spread: float, width: float = 1.0) -> learning.SoftBounds:
    """Return the device of the study."""
    return learning.SoftBounds(
        step=step,
        w_max=width,
        w_min=-width,
        step_spread=0.3,
        step_spread_kind="log-normal",
        up_down_spread=0.1,
        w_max_spread=bound_spread,
        w_min_spread=bound_spread,
        crossed_bounds="zero",
        cycle_noise=0.3,
    )


def study_optimizer(run: Run, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the algorithm of a run with the constants of the publication."""
    step = 2 / run["states"]
    width = run.get("width", 1.0)
    common: dict[str, Any] = {"weight_range": 1.0, "seed": run["seed"]}
    slow, fast = soft_bounds(step, 0.0, width), soft_bounds(step, 0.3, width)
    if run["algorithm"] == "sgd":
        return learning.AnalogSGD(parameters, slow, lr=LR / SIZE, most_slots=5, **common)
    common |= {
        "periphery": "ideal",
        "lr": LR,
        "fast_device": fast,
        "fast_lr": 1.0,
        "gradient_slots": 5,
        "buffer_states": 200.0,
        "transfer_every": 5,
        "momentum": 0.0,
        "reference": "exact",
        "reference_spread": run["offset"],
    }
    match run["algorithm"]:
        case "ttv2":
            return learning.TTv2(parameters, slow, **common)
        case "c-ttv2":
            return learning.ChoppedTTv2(parameters, slow, chop_probability=0.1, **common)
        case "agad":
            return learning.AGAD(parameters, slow, chop_probability=0.1, chopper="random", tail=5.0, **common)
    raise ValueError(f"`algorithm` must be sgd, ttv2, c-ttv2 or agad, got {run['algorithm']!r}")


def study(run: Run) -> float:
    """Return the root mean square error of the weights."""
    generator = torch.Generator().manual_seed(run["seed"])
    target = torch.randn(SIZE, SIZE, generator=generator) * 0.3
    weight = learning.TileParameter(torch.zeros(SIZE, SIZE))
    optimizer = study_optimizer(run, [weight])
    for x in torch.randn(STEPS, 1, SIZE, generator=generator):
        d = x @ (weight.detach() - target).T  # of half the squared error; without autograd, in half the time
        weight.grad, weight.factors = d.T @ x, [(x, d)]
        optimizer.step()
    return float((weight.detach() - target).square().mean().sqrt())


def study_runs(seeds: int) -> Iterator[Run]:
    """Yield the runs of the study."""
    for seed, states in itertools.product(range(seeds), STATES):
        yield {"part": "study", "algorithm": "sgd", "states": states, "offset": 0.0, "seed": seed}
        for offset, algorithm in itertools.product(OFFSETS, ("ttv2", "c-ttv2", "agad")):
            yield {"part": "study", "algorithm": algorithm, "states": states, "offset": offset, "seed": seed}


def asymmetry_runs(seeds: int) -> Iterator[Run]:
    """Yield the runs over the width of the bounds at the step of 200 states, with a reference that is off by 0.1."""
    for seed, width, algorithm in itertools.product(range(seeds), WIDTHS, ("sgd", "ttv2", "c-ttv2", "agad")):
        yield {
            "part": "asymmetry",
            "algorithm": algorithm,
            "states": 200,
            "width": width,
            "offset": 0.0 if algorithm == "sgd" else 0.1,
            "seed": seed,
        }


# --- digits and characters ---
SETTINGS: Final[dict[str, tuple[str, ...]]] = {
    "floating-point": ("none",),
    "sgd": ("reram-es",),
    "mixed-precision": ("reram-sb", "ecram"),
    "c-ttv2": ("reram-sb", "ecram"),
    "agad": ("reram-sb", "ecram"),
}
"""Devices of each algorithm."""
WIDTH: Final = 256
EPOCHS: Final = 40
SLOWLY: Final = 2
"""How many times as long, at a rate so many times lower, two arrays of `reram-sb` learn, whose writes draw noise."""
BATCH: Final = 32
BUFFER: Final = {"digits": 100, "characters": 300}
"""Learning rate of a buffer, in units of that of plain descent."""
DECAY: Final = 1.5
"""Power of the learning rate's way to zero."""


def optimizer_of(run: Run, parameters: Any, lr: float, columns: int) -> torch.optim.Optimizer:
    """Return the algorithm of a run.

    The two with two arrays read many columns a step and flip signs every ten reads, as these trainings are short: the
    published presets are for some hundred times as many steps.
    """
    if run["algorithm"] == "floating-point":
        return torch.optim.SGD(parameters, lr)
    common: dict[str, Any] = {"device": run["device"], "seed": run["seed"]}
    if run["algorithm"] == "sgd":
        return learning.AnalogSGD(parameters, lr=lr, **common)
    if run["algorithm"] == "mixed-precision":
        return learning.MixedPrecision(parameters, lr=lr, **common)
    common |= {
        "lr": BUFFER[run["part"]] * lr / slowly(run),
        "digital_lr": lr,
        "transfer_columns": columns,
        "chop_probability": 0.1,
    }
    if run["algorithm"] == "c-ttv2":
        return learning.ChoppedTTv2(parameters, **common)
    return learning.AGAD(parameters, tail=5.0, **common)


def slowly(run: Run) -> int:
    """Return how many times as long a run is."""
    return SLOWLY if run["device"] == "reram-sb" and run["algorithm"] in ("c-ttv2", "agad") else 1


def digits(run: Run) -> float:
    """Return the test accuracy in percent."""
    images, classes = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(classes)
    torch.manual_seed(run["seed"])  # the initial weights; torch.nn takes no generator
    net: nn.Module = nn.Sequential(
        nn.Linear(64, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(),
        nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(),
        nn.Linear(WIDTH, 10), nn.BatchNorm1d(10),
    )  # fmt: skip
    if run["algorithm"] != "floating-point":
        net = learning.on_tiles(net, weight_range=0.5, seed=run["seed"])
    optimizer = optimizer_of(run, net.parameters(), 0.1, columns=64)
    generator = torch.Generator().manual_seed(run["seed"])
    epochs = EPOCHS * slowly(run)
    steps = math.ceil(1437 / BATCH) * epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps) ** DECAY)
    for _ in range(epochs):
        for part in torch.randperm(1437, generator=generator).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(net(x[part]), y[part]).backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        return 100 * float((net(x[1437:]).argmax(1) == y[1437:]).float().mean())


HIDDEN: Final = 64
LENGTH: Final = 32
TEXTS: Final = 16
CHARACTER_STEPS: Final = 1000
TEST_CHARACTERS: Final = 64_000
CHARACTER_LR: Final = 0.3


class CharacterModel(nn.Module):
    """A recurrent network that predicts the next character."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(symbols, HIDDEN, batch_first=True)
        self.norm = nn.LayerNorm(HIDDEN)
        self.out = nn.Linear(HIDDEN, symbols)
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Return `(texts, length, symbols)` of `(texts, length)`."""
        one_hot = F.one_hot(codes, self.out.out_features).float()
        return self.out(self.norm(self.lstm(one_hot)[0])) * self.gain


def characters(run: Run) -> float:
    """Return the share of characters of the test text that are predicted, in percent."""
    text = data_file("text/war_and_peace.txt").read_text(encoding="utf-8", errors="replace")
    symbols = sorted(set(text))
    index = {symbol: code for code, symbol in enumerate(symbols)}
    codes = torch.tensor([index[symbol] for symbol in text])
    cut = len(codes) * 9 // 10
    torch.manual_seed(run["seed"])  # the initial weights; torch.nn takes no generator
    net = CharacterModel(len(symbols))
    optimizer = optimizer_of(run, net.parameters(), CHARACTER_LR, columns=32)
    generator = torch.Generator().manual_seed(run["seed"])
    steps = CHARACTER_STEPS * slowly(run)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps) ** DECAY)
    for _ in range(steps):
        starts = torch.randint(cut - LENGTH - 1, (TEXTS, 1), generator=generator)
        part = codes[starts + torch.arange(LENGTH + 1)]
        optimizer.zero_grad()
        F.cross_entropy(net(part[:, :-1]).flatten(0, 1), part[:, 1:].flatten()).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        test = codes[cut : cut + TEST_CHARACTERS + 1]
        guessed = net(test[:-1].view(-1, 128)).argmax(-1).flatten()
        return 100 * float((guessed == test[1:]).float().mean())


def network_runs(part: str) -> Callable[[int], Iterator[Run]]:
    """Return the runs of a part by seed."""

    def runs(seeds: int) -> Iterator[Run]:
        for seed in range(seeds):
            for algorithm, devices in SETTINGS.items():
                for device in devices:
                    yield {"part": part, "algorithm": algorithm, "device": device, "seed": seed}

    return runs


PARTS: Final[dict[str, tuple[Callable[[int], Iterator[Run]], Callable[[Run], float], int]]] = {
    "study": (study_runs, study, 3),
    "asymmetry": (asymmetry_runs, study, 3),
    "digits": (network_runs("digits"), digits, 5),
    "characters": (network_runs("characters"), characters, 5),
}
"""Runs by seeds, what is measured, and the seeds that are meant."""


def results() -> dict[str, float]:
    """Return the results that are there, by their runs."""
    if not RESULTS.exists():
        return {}
    lines = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    return {key(line["run"]): line["result"] for line in lines}


def key(run: Run) -> str:
    """Return a run as text."""
    return json.dumps(run, sort_keys=True)


def show(part: str, seeds: int) -> None:
    """Print means over seeds, with the standard deviation where there are several, and distances to floating point."""
    found, rows = results(), defaultdict[str, dict[int, float]](dict)
    for run in PARTS[part][0](seeds):
        if key(run) in found:
            kept = {name: value for name, value in run.items() if name not in ("part", "seed")}
            rows["  ".join(str(value) for value in kept.values())][run["seed"]] = found[key(run)]
    digital = rows.get("floating-point  none")
    for name, values in rows.items():
        spread = f" +- {stdev(values.values()):.4f}" if len(values) > 1 else ""
        apart = (
            f"  minus floating point {difference(values, digital)}" if digital not in (None, values) else ""
        )
        print(f"{name:40} {fmean(values.values()):.4f}{spread}  ({len(values)} seeds){apart}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=[*PARTS, "times"])
    parser.add_argument("--seeds", type=int, help="default: 3 for the studies, 5 for the networks")
    parser.add_argument("--table", action="store_true", help="print what is there, compute nothing")
    arguments = parser.parse_args()
    if arguments.part == "times":
        for algorithm in ALGORITHMS:
            cost = update_cost(algorithm)
            print(
                f"{algorithm:16} {cost.time_ns:8.1f} ns {cost.storage_bytes:10,.0f} B {cost.memory_bits:10,.0f} bits"
            )
        return
    runs, measure, meant = PARTS[arguments.part]
    seeds = arguments.seeds or meant
    torch.set_num_threads(1)
    for run in () if arguments.table else runs(seeds):
        if key(run) in results():
            continue
        start = time.perf_counter()
        result = measure(run)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"run": run, "result": round(result, 5)}) + "\n")
        print(*run.values(), f"{result:.4f} {time.perf_counter() - start:.0f} s", flush=True)
    show(arguments.part, seeds)


if __name__ == "__main__":
    main()
