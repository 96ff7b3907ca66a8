"""Attention by random features on chips: its error, and small Performers that read ListOps or images pixel by pixel.

    python scripts/reproduce/performer.py error [--seeds 5] [--out FILE]
    python scripts/reproduce/performer.py listops [--steps 10000] [--checkpoint FILE] [--out FILE]
    ANALOGNAS_DATA=FOLDER python scripts/reproduce/performer.py cifar [--steps 20000] [--pool 1] …

`error` compares attention matrices with softmax attention, ‖A - Â‖ / ‖A‖, for normal queries and keys of d = 64 whose
size is such that floating point errs by 0.10 at s = d, and s = 64 k - 1 rows, k = 1 … 7.

`listops` and `cifar` train an encoder as in the paper: two pre-norm layers of width 64 with 2 heads and a projection of
128 rows, drawn anew every 1,500 updates, sinusoidal positions, mean pooling. ListOps is generated as for the Long Range
Arena, but of `--shortest` to `--longest` symbols; CIFAR-10 is the grey JPEG re-encoded copy, whose accuracies are not
those of CIFAR-10. The network then computes on `pcm-hermes-2` without any retraining: with its random projections alone
on tiles (`attention`), and with all its layers (`all`), 1 s and 1 day after programming. Differences to floating point
are means with 95 % intervals over chips and test items, of one training.

A training goes on from `--checkpoint` where it stopped. One JSON line a result goes to `--out`.

References:
    Büchel et al., Kernel approximation using analog in-memory computing, arXiv 2411.03375.
    Tay et al., Long Range Arena, ICLR 2021, arXiv 2011.04006 (tasks). Nangia, Bowman, ListOps, NAACL 2018.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import random
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from data_file import data_file
from PIL import Image
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim.paired_bootstrap import interval
from hwsim.random_features import kernel_attention

HARDWARE: Final = "pcm-hermes-2"
TIMES: Final = ("1 s", "1 day")
OPERATORS: Final = {
    "MIN": min,
    "MAX": max,
    "MED": lambda x: int(statistics.median(x)),
    "SM": lambda x: sum(x) % 10,
}
SYMBOLS: Final = ("<pad>", *map(str, range(10)), *OPERATORS, "]")
REDRAW: Final = 1500
MOST_TRIES: Final = 1_000_000
"""Expressions in a row that are of another length, or known."""
SETTINGS: Final = (
    "task",
    "seed",
    "batch",
    "lr",
    "warm_up",
    "train",
    "shortest",
    "longest",
    "depth",
    "arguments",
    "pool",
)
"""What a checkpoint is of."""


class Layer(nn.Module):
    """An encoder layer with attention by random features, norms first."""

    def __init__(self, width: int, heads: int, hidden: int, components: int, seed: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = hwsim.KernelAttention(width, heads, components, seed=seed)
        self.front, self.back = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor, padding: torch.Tensor | None) -> torch.Tensor:
        """Return `(batch, steps, width)`."""
        x = x + self.dropout(self.attention(self.before(x), key_padding_mask=padding))
        return x + self.dropout(self.back(F.gelu(self.front(self.between(x)))))


class Performer(nn.Module):
    """Classifies sequences of symbols, `(batch, steps)` int64 with 0 for padding, or of numbers, float32."""

    def __init__(self, symbols: int | None, longest: int, classes: int, components: int = 128) -> None:
        super().__init__()
        width = 64
        self.symbols = nn.Linear(1, width) if symbols is None else nn.Embedding(symbols, width)
        angles = torch.arange(longest)[:, None] * torch.exp(
            torch.arange(0, width, 2) * (-math.log(10_000) / width)
        )
        self.register_buffer("positions", torch.stack([angles.sin(), angles.cos()], -1).flatten(1))
        self.layers = nn.ModuleList(Layer(width, 2, 128, components, seed) for seed in range(2))
        self.norm, self.hidden, self.last = (
            nn.LayerNorm(width),
            nn.Linear(width, 128),
            nn.Linear(128, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores, `(batch, classes)`."""
        padding = None if x.is_floating_point() else x == 0
        h = self.symbols(x.unsqueeze(-1) if padding is None else x) + self.positions[: x.shape[1]]
        for layer in self.layers:
            h = layer(h, padding)
        h = self.norm(h)
        if padding is None:
            pooled = h.mean(1)
        else:
            counts = (~padding).float().unsqueeze(-1)
            pooled = (h * counts).sum(1) / counts.sum(1)
        return self.last(F.gelu(self.hidden(pooled)))


def tree(rng: random.Random, depth: int, most_depth: int, most_arguments: int) -> tuple[int, list[str]]:
    """Return value and symbols of a random expression."""
    if depth >= most_depth or rng.random() > 0.25:
        digit = rng.randrange(10)
        return digit, [str(digit)]
    name = rng.choice(list(OPERATORS))
    parts = [tree(rng, depth + 1, most_depth, most_arguments) for _ in range(rng.randint(2, most_arguments))]
    symbols = [symbol for _, part in parts for symbol in part]
    return OPERATORS[name]([value for value, _ in parts]), [name, *symbols, "]"]


def listops(n: int, seed: int, options: argparse.Namespace) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `(n, longest)` symbols and `(n,)` values of different expressions."""
    rng, codes = random.Random(seed), {symbol: code for code, symbol in enumerate(SYMBOLS)}
    found: dict[tuple[int, ...], int] = {}
    idle = 0
    while len(found) < n:
        idle += 1
        if idle > MOST_TRIES:
            print(
                f"--shortest and --longest: {n} different expressions of {options.shortest + 1} to "
                f"{options.longest - 1} symbols are hardly to be had with `--depth {options.depth} --arguments "
                f"{options.arguments}`, {len(found)} found: deepen them, or allow other lengths",
                file=sys.stderr,
            )
            raise SystemExit(2)
        value, symbols = tree(rng, 1, options.depth, options.arguments)
        if options.shortest < len(symbols) < options.longest:
            before = len(found)
            found.setdefault(tuple(codes[symbol] for symbol in symbols), value)
            idle = idle if len(found) == before else 0
    x = torch.zeros(n, options.longest, dtype=torch.int64)
    for row, symbols in enumerate(found):
        x[row, : len(symbols)] = torch.tensor(symbols)
    return x, torch.tensor(list(found.values()))


def cifar(pool: int) -> list[torch.Tensor]:
    """Return grey pixels and classes of the training and test images, `(images, pixels)` float32.

    The file has them class by class; here they are in a random order, so that the first ones are of all classes.
    """
    found = np.load(data_file("cifar10_jpeg/cifar10_jpeg.npz"))
    rng, parts = np.random.default_rng(0), []
    for split in ("train", "test"):
        data, offsets = found[f"jpeg_{split}"].tobytes(), found[f"offsets_{split}"]
        images = [np.asarray(Image.open(io.BytesIO(data[a:b])).convert("L")) for a, b in pairwise(offsets)]
        order = rng.permutation(len(images))
        x = (torch.from_numpy(np.stack(images)[order]).float() / 255 - 0.48) / 0.24
        y = torch.from_numpy(found[f"y_{split}"][order]).long()
        parts += [F.avg_pool2d(x[:, None], pool).flatten(1), y]
    return parts


def train(net: Performer, x: torch.Tensor, y: torch.Tensor, options: argparse.Namespace) -> None:
    """Train up to `--steps` updates, from where the checkpoint is; its name says how far it is."""
    optimizer = torch.optim.Adam((p for p in net.parameters() if p.requires_grad), 1.0, (0.9, 0.98))
    path, first, start = options.checkpoint, 0, time.perf_counter()
    settings = {name: getattr(options, name) for name in SETTINGS}
    if path.exists():
        held = torch.load(path, weights_only=True)
        if held.get("settings") != settings or held["steps"] > options.steps:
            print(
                f"{path}: has {held['steps']} steps with {held.get('settings')}, asked for are {options.steps} with "
                f"{settings}: name another --checkpoint",
                file=sys.stderr,
            )
            raise SystemExit(2)
        net.load_state_dict(held["net"])
        optimizer.load_state_dict(held["optimizer"])
        first = held["steps"]
    torch.manual_seed(options.seed + first)  # dropout
    for step in range(first, options.steps):
        if step % REDRAW == 0:
            for number, layer in enumerate(net.layers):
                layer.attention.redraw(2 * (step // REDRAW) + number)
        warmth = options.warm_up
        optimizer.param_groups[0]["lr"] = options.lr * min((step + 1) / warmth, (warmth / (step + 1)) ** 0.5)
        rows = torch.randint(len(x), (options.batch,), generator=torch.Generator().manual_seed(step))
        net.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x[rows]), y[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
        if (step + 1) % options.save_every == 0 or step + 1 == options.steps:
            held = {"net": net.state_dict(), "optimizer": optimizer.state_dict()}
            held |= {"steps": step + 1, "settings": settings}
            torch.save(held, f"{path}.part")
            Path(f"{path}.part").replace(path)
            print(f"step {step + 1}: loss {loss.item():.3f}, {time.perf_counter() - start:.0f} s", flush=True)


def classify(options: argparse.Namespace) -> dict[str, Any]:
    """Return accuracies in percent, in floating point and on chips."""
    if options.task == "listops":
        x, y = listops(options.train, options.seed, options)
        x_test, y_test = listops(options.test, options.seed + 1_000_003, options)
        symbols, longest = len(SYMBOLS), options.longest
    else:
        x, y, x_test, y_test = cifar(options.pool)
        x_test, y_test = x_test[: options.test], y_test[: options.test]
        symbols, longest = None, x.shape[1]
    torch.manual_seed(options.seed)  # the initial weights; torch.nn takes no generator
    net = Performer(symbols, longest, 10)
    train(net, x, y, options)
    net.eval()
    with torch.no_grad():
        right = torch.cat([net(part).argmax(1) for part in x_test.split(256)]) == y_test
    names = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    digital = {
        "attention": [name for name in names if "random_projection" not in name],
        "all": [name for name in names if name == "symbols"],
    }
    row: dict[str, Any] = {
        "task": options.task,
        "steps": options.steps,
        "batch": options.batch,
        "test": len(x_test),
        "chips": options.chips,
        "most frequent class": 100 * float(y_test.bincount().max() / len(y_test)),
        "fp": 100 * float(right.float().mean()),
    }
    for what, kept in digital.items():
        analog = hwsim.to_analog(net, HARDWARE, kept)
        hwsim.calibrate(analog, x[:512].split(128))
        chips = hwsim.program(analog, n=options.chips, seed=options.seed)
        curve = hwsim.evaluate(chips, (x_test, y_test), TIMES, progress=False)
        row[what] = {
            at: [100 * float(mean), 100 * float(std)]
            for at, mean, std in zip(TIMES, curve.mean, curve.std, strict=True)
        }
        assert curve.correct is not None  # of an accuracy
        row[f"{what} minus fp"] = {
            at: [100 * end for end in interval(correct.astype(np.float32) - right.numpy().astype(np.float32))]
            for at, correct in zip(TIMES, curve.correct, strict=True)
        }
    return row


@torch.no_grad()
def errors(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the errors of attention for each number of rows and each seed."""
    found, d, steps = [], 64, 256
    for seed in range(options.seeds):
        generator = torch.Generator().manual_seed(seed)
        qk = torch.randn(2, steps, 1, d, generator=generator)
        low, high = 0.0, 2.0
        projection = hwsim.KernelAttention(d, 1, d - 1, seed=seed).random_projection
        for _ in range(20):  # the size for which floating point errs by 0.10 at s = d
            middle = (low + high) / 2
            low, high = (middle, high) if _error(middle * qk, projection) < 0.10 else (low, middle)
        x = low * qk
        for multiple in range(1, 8):
            projection = hwsim.KernelAttention(d, 1, multiple * d - 1, seed=seed).random_projection
            analog = hwsim.to_analog(nn.Sequential(projection), HARDWARE)
            hwsim.calibrate(analog, x * d**-0.25)
            row: dict[str, Any] = {"seed": seed, "s/d": multiple, "fp": _error(x, projection)}
            for result in hwsim.outputs(hwsim.program(analog, n=1, seed=seed), x * d**-0.25, TIMES):
                at = "1 s" if result.t_s == 1 else "1 day"
                row[at] = _error(x, iter(result.outputs.split(1)).__next__, is_given=True)
            found.append(row)
    for multiple in range(1, 8):
        rows = [row for row in found if row["s/d"] == multiple]
        mean = {name: sum(row[name] for row in rows) / len(rows) for name in ("fp", *TIMES)}
        ratios = ", ".join(f"{at} {mean[at]:.4f} ({mean[at] / mean['fp']:.2f} ×)" for at in TIMES)
        print(f"s/d = {multiple}: floating point {mean['fp']:.4f}, {ratios}")
    return found


def _error(qk: torch.Tensor, project: Any, is_given: bool = False) -> float:
    """Return the error of attention; `is_given`: products of queries and keys come one after the other, unasked."""
    q, k = qk.split(1)
    steps, d = q.shape[1], q.shape[3]
    exact = (q[0, :, 0] @ k[0, :, 0].T / d**0.5).softmax(-1)
    found = kernel_attention(
        q, k, torch.eye(steps)[None, :, None], (lambda _: project()) if is_given else project
    )[0, :, 0]
    return float((found - exact).norm() / exact.norm())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("error", "listops", "cifar"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5, help="of `error`")
    parser.add_argument("--steps", type=int, default=10_000, help="updates of the training")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--warm-up", type=int, default=1000)
    parser.add_argument("--train", type=int, default=96_000, help="expressions of ListOps")
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--shortest", type=int, default=50)
    parser.add_argument("--longest", type=int, default=200)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--arguments", type=int, default=10)
    parser.add_argument(
        "--pool", type=int, choices=(1, 2, 4), default=1, help="pixels of an image joined to one"
    )
    parser.add_argument("--chips", type=int, default=10)
    parser.add_argument("--save-every", type=int, default=500)
    parser.add_argument("--checkpoint", type=Path, default=Path("performer.pt"))
    parser.add_argument("--out", type=Path, default=Path("performer.jsonl"))
    options = parser.parse_args()
    for name in ("seeds", "steps", "batch", "warm_up", "train", "test", "chips", "save_every"):
        if getattr(options, name) < 1:
            parser.error(f"`--{name.replace('_', '-')} >= 1` must hold, got {getattr(options, name)}")
    if not 0 < options.shortest < options.longest - 1:
        parser.error(f"`0 < --shortest < --longest - 1` must hold, got {options.shortest}, {options.longest}")
    rows = errors(options) if options.task == "error" else [classify(options)]
    with options.out.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    if options.task != "error":
        print(json.dumps(rows[0], indent=1))


if __name__ == "__main__":
    main()
