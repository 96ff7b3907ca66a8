"""The memory-augmented network on Omniglot: a controller trained in episodes, its keys in software and on devices.

    ANALOGNAS_DATA=FOLDER python scripts/reproduce/omniglot.py train [--width 128] [--episodes 50000] [--ways 5]
        [--shots 1] [--attention softabs|softmax] [--softmax-factor 10] [--quarter-turns] [--bfloat16]
        [--checkpoint FILE]
    ANALOGNAS_DATA=FOLDER python scripts/reproduce/omniglot.py test [--checkpoint FILE] [--problems 5w1s 20w5s 100w5s]
        [--episodes 1000] [--device-episodes N] [--seeds 5] [--out FILE]

`train` trains on the 964 background characters: m classes of n supports and 32 queries an episode, cosine similarity,
softabs, binary cross-entropy of the scores, Adam, random rotations and shifts. `--attention softmax` is the control
whose keys are worse, with `--softmax-factor 1`. It keeps the controller with the best validation, on 100 held-out
background characters, and goes on from `--checkpoint` where it stopped, with the rate `--lr`. `--limit-s` ends a run
after so many seconds. `--quarter-turns`: characters turned by 90, 180 and 270 degrees are characters of their own, four
times as many. `--bfloat16` trains the controller's layers in that precision.

`test` measures on the 659 evaluation characters, one query a class and at most 32: real, bipolar and binary keys in
software, binary keys without offset correction, and binary keys on one PCM device a bit (`pcm-hermes-1`, 1-bit inputs,
8-bit ADC) at 1 s, 1 h and 1 day, with `--seeds` programmings. One JSON line a result goes to `--out`; what is there of
the same controller is not computed again.

The paper's controller has `--width 128` (1.76 M parameters); fewer channels are faster and less accurate.

References:
    Karunaratne et al., Robust high-dimensional memory-augmented neural networks, Nat. Commun. 12:2468, 2021.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from data_file import data_file
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim.key_memory import Keys, sharpened

HARDWARE: Final = "pcm-hermes-1"
TIMES: Final = ("1 s", "1 h", "1 day")
N_QUERIES: Final = 32
N_VALIDATION: Final = 100
VALIDATE_EVERY: Final = 500
SOFTMAX_FACTOR: Final = 10.0


class Controller(nn.Module):
    """Images of 32 × 32, ink 1, to vectors: four convolutions, two poolings, one matrix."""

    def __init__(self, width: int, dimensions: int) -> None:
        super().__init__()
        sizes = ((1, 5), (width, 5), (width, 3), (width, 3))
        convolutions = [nn.Conv2d(channels, width, kernel) for channels, kernel in sizes]
        layers: list[nn.Module] = []
        for number, convolution in enumerate(convolutions):
            layers += [convolution, nn.ReLU(), *([nn.MaxPool2d(2)] if number % 2 else [])]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * width, dimensions))
        for layer in self.body:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `(images, dimensions)`."""
        return self.body(x)


def load(split: str) -> torch.Tensor:
    """Return `(characters, 20, 1, 32, 32)` float32, ink 1."""
    found = torch.from_numpy(np.load(data_file(f"omniglot/images_{split}.npz"))["images"])
    ink = torch.cat([F.interpolate(1 - part.float(), size=32, mode="area") for part in found.split(64)])
    return ink.unsqueeze(2)


def episode(
    images: torch.Tensor, ways: int, shots: int, generator: torch.Generator, n_queries: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return supports, class after class, queries, and which class each query has."""
    classes = torch.randperm(len(images), generator=generator)[:ways]
    drawers = torch.stack([torch.randperm(20, generator=generator) for _ in range(ways)])
    supports = images[classes[:, None], drawers[:, :shots]].flatten(0, 1)
    own = torch.randperm(ways, generator=generator)[:n_queries]
    own = own if ways >= n_queries else torch.arange(n_queries) % ways
    which = shots + torch.arange(len(own)) // ways % (20 - shots)
    return supports, images[classes[own], drawers[own, which]], own


def moved(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return images turned by up to 30 degrees and shifted by up to 15 %, each on its own."""
    angle = (2 * torch.rand(len(x), generator=generator) - 1) * (np.pi / 6)
    shift = (2 * torch.rand(2, len(x), generator=generator) - 1) * 0.3
    rows = [
        torch.stack([angle.cos(), -angle.sin(), shift[0]], 1),
        torch.stack([angle.sin(), angle.cos(), shift[1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def class_scores(keys: torch.Tensor, queries: torch.Tensor, ways: int, factor: float | None) -> torch.Tensor:
    """Return the attention on each class, `(queries, ways)`, of keys that come class after class.

    It is that of a softmax of cosines times `factor`; None: of softabs.
    """
    cosines = F.normalize(queries) @ F.normalize(keys).T
    found = sharpened(cosines, "softabs") if factor is None else (factor * cosines).exp()
    return (found / found.sum(1, keepdim=True)).unflatten(1, (ways, -1)).sum(2)


def factor_of(options: argparse.Namespace) -> float | None:
    """Return the factor of a softmax; None for softabs."""
    return None if options.attention == "softabs" else float(options.softmax_factor)


@torch.no_grad()
def validation(net: Controller, images: torch.Tensor, options: argparse.Namespace) -> float:
    """Return the accuracy of 50 episodes."""
    generator, right, n = torch.Generator().manual_seed(1), 0, 0
    vectors = torch.stack([net(character) for character in images])
    for _ in range(50):
        supports, queries, own = episode(vectors, options.ways, options.shots, generator, N_QUERIES)
        found = class_scores(supports, queries, options.ways, factor_of(options)).argmax(1)
        right, n = right + int((found == own).sum()), n + len(own)
    return right / n


def train(options: argparse.Namespace) -> None:
    """Train up to `--episodes`, from where the checkpoint is."""
    images, path = load("background"), options.checkpoint
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    held_out, images = images[order[:N_VALIDATION]], images[order[N_VALIDATION:]]
    if options.quarter_turns:
        images = torch.cat([images.rot90(turns, (-2, -1)) for turns in range(4)])
    torch.manual_seed(options.seed)  # the initial weights; torch.nn takes no generator
    net = Controller(options.width, options.dimensions).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), options.lr)
    settings = {
        name: getattr(options, name) for name in ("width", "dimensions", "ways", "shots", "attention")
    }
    if options.softmax_factor != SOFTMAX_FACTOR:
        settings["softmax_factor"] = options.softmax_factor
    if options.quarter_turns:
        settings["quarter_turns"] = True
    first, best, start = 0, {"accuracy": -1.0, "net": net.state_dict()}, time.perf_counter()
    if path.exists():
        held = torch.load(path, weights_only=True)
        if held["settings"] != settings:
            print(
                f"`--checkpoint` must be of the same controller, got {held['settings']}: name another file",
                file=sys.stderr,
            )
            raise SystemExit(2)
        net.load_state_dict(held["net"])
        optimizer.load_state_dict(held["optimizer"])
        optimizer.param_groups[0]["lr"] = options.lr  # a run may go on with a smaller one
        first, best = held["episodes"], held["best"]
    for number in range(first, options.episodes):
        generator = torch.Generator().manual_seed(1_000_000 * (options.seed + 1) + number)
        supports, queries, own = episode(images, options.ways, options.shots, generator, N_QUERIES)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.bfloat16):
            vectors = net(
                moved(torch.cat([supports, queries]), generator).to(memory_format=torch.channels_last)
            )
        keys, asked = vectors.float().split([len(supports), len(queries)])
        scores = class_scores(keys, asked, options.ways, factor_of(options))
        loss = F.binary_cross_entropy(scores.clamp(1e-6, 1 - 1e-6), F.one_hot(own, options.ways).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        elapsed = time.perf_counter() - start
        is_last = number + 1 == options.episodes or (options.limit_s and elapsed > options.limit_s)
        if (number + 1) % VALIDATE_EVERY == 0 or is_last:
            accuracy = validation(net, held_out, options)
            if accuracy > best["accuracy"]:
                best = {
                    "accuracy": accuracy,
                    "net": {key: value.clone() for key, value in net.state_dict().items()},
                }
            held = {
                "settings": settings,
                "net": net.state_dict(),
                "optimizer": optimizer.state_dict(),
                "episodes": number + 1,
                "best": best,
            }
            torch.save(held, f"{path}.part")
            Path(f"{path}.part").replace(path)
            print(
                f"episode {number + 1}: loss {loss.item():.4f}, validation {100 * accuracy:.2f} %, {elapsed:.0f} s",
                flush=True,
            )
        if is_last:
            break


def hits(memory: hwsim.KeyMemory, queries: torch.Tensor, own: torch.Tensor, t_s: str) -> float:
    """Return the share of queries with the right class."""
    return float((memory.predict(queries, t_s) == own).float().mean())


def problem(
    vectors: torch.Tensor, ways: int, shots: int, options: argparse.Namespace
) -> dict[str, list[float]]:
    """Return the accuracy of each episode by kind of key; on devices of each seed and time, too."""
    software: dict[str, tuple[Keys, bool]] = {
        "real": ("real", True),
        "bipolar": ("bipolar", True),
        "binary": ("binary", True),
        "binary, uncorrected": ("binary", False),
    }
    found: dict[str, list[float]] = {name: [] for name in software}
    d, labels = vectors.shape[2], torch.arange(ways).repeat_interleave(shots)
    memories = {
        name: hwsim.KeyMemory(
            d,
            ways * shots,
            "floating-point",
            keys=keys,
            sharpening="softabs" if keys == "real" else "absolute",
            corrects_offsets=corrects,
        )
        for name, (keys, corrects) in software.items()
    }
    on_devices = [hwsim.KeyMemory(d, ways * shots, HARDWARE, seed=seed) for seed in range(options.seeds)]
    for number in range(options.episodes):
        generator = torch.Generator().manual_seed(10_000_000 + number)
        supports, queries, own = episode(vectors, ways, shots, generator, min(ways, N_QUERIES))
        for name, memory in memories.items():
            memory.clear()
            memory.write(supports, labels)
            found[name].append(hits(memory, queries, own, "1 s"))
        for seed, memory in enumerate(on_devices if number < options.device_episodes else ()):
            memory.clear()
            memory.write(supports, labels)
            for t_s in TIMES:
                found.setdefault(f"devices {t_s}, seed {seed}", []).append(hits(memory, queries, own, t_s))
    return found


@torch.no_grad()
def test(options: argparse.Namespace) -> None:
    """Measure a controller on the evaluation characters."""
    held = torch.load(options.checkpoint, weights_only=True)
    settings = held["settings"]
    net = Controller(settings["width"], settings["dimensions"])
    net.load_state_dict(held["best"]["net"])
    trained = {"trained episodes": held["episodes"], **settings}
    lines = options.out.read_text("utf-8").splitlines() if options.out.exists() else []
    done = [json.loads(line) for line in lines if line.endswith("}")]
    images = load("evaluation")
    vectors = torch.stack([net(character) for character in images])
    for name in options.problems:
        ways, shots = (int(part) for part in name.rstrip("s").split("w"))
        key = {
            **trained,
            "problem": name,
            "episodes": options.episodes,
            "device episodes": options.device_episodes,
        }
        row: dict[str, Any] | None = next((row for row in done if key.items() <= row.items()), None)
        if row is None:
            found = problem(vectors, ways, shots, options)
            row = {**key, "accuracy": {}}
            for kind, values in found.items():
                mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))
                row["accuracy"][kind] = [100 * float(mean), 100 * float(error)]
            row["binary, device episodes"] = 100 * float(np.mean(found["binary"][: options.device_episodes]))
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        show(row)


def show(row: dict[str, Any]) -> None:
    """Print a problem's accuracies in percent, with standard errors over episodes."""
    print(f"{row['problem']}, {row['episodes']} episodes")
    for kind, (mean, error) in row["accuracy"].items():
        if not kind.startswith("devices"):
            print(f"  {kind:<22} {mean:6.2f} ± {error:.2f}")
    print(
        f"  on devices, {row['device episodes']} episodes, binary in software on these: "
        f"{row['binary, device episodes']:.2f}"
    )
    for t_s in TIMES:
        means = [mean for kind, (mean, _) in row["accuracy"].items() if kind.startswith(f"devices {t_s},")]
        if means:
            print(f"  {t_s:<22} {np.mean(means):6.2f}, programmings {min(means):.2f} to {max(means):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("train", "test"):
        sub = commands.add_parser(command)
        sub.add_argument("--checkpoint", type=Path, default=Path("controller.pt"))
        sub.add_argument("--episodes", type=int, default=50_000 if command == "train" else 1000)
        if command == "train":
            sub.add_argument("--width", type=int, default=128, help="channels of the controller")
            sub.add_argument("--dimensions", type=int, default=512, help="numbers of a key")
            sub.add_argument("--ways", type=int, default=5)
            sub.add_argument("--shots", type=int, default=1)
            sub.add_argument("--attention", choices=("softabs", "softmax"), default="softabs")
            sub.add_argument(
                "--softmax-factor", type=float, default=SOFTMAX_FACTOR, help="of cosines, with softmax"
            )
            sub.add_argument("--quarter-turns", action="store_true", help="turned characters are others")
            sub.add_argument("--bfloat16", action="store_true", help="precision of the controller's layers")
            sub.add_argument("--lr", type=float, default=1e-4)
            sub.add_argument("--seed", type=int, default=0)
            sub.add_argument(
                "--limit-s", type=float, default=0.0, help="end after so many seconds; 0 for never"
            )
        else:
            known = ("5w1s", "20w5s", "100w5s")
            sub.add_argument("--problems", nargs="+", choices=known, default=known)
            sub.add_argument("--device-episodes", type=int, help="of `--episodes`; all unless told otherwise")
            sub.add_argument("--seeds", type=int, default=5, help="programmings")
            sub.add_argument("--out", type=Path, default=Path("omniglot.jsonl"))
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "0")) or torch.get_num_threads())
    least = {
        "episodes": 2,
        "device_episodes": 2,
        "width": 1,
        "dimensions": 1,
        "ways": 1,
        "shots": 1,
        "seeds": 1,
    }
    for name, bound in least.items():
        value = getattr(options, name, None)
        if value is not None and value < bound:
            parser.error(f"`--{name.replace('_', '-')} >= {bound}` must hold, got {value}")
    if options.command == "train":
        if options.shots > 10 or options.ways > 800:
            parser.error(
                f"`--shots <= 10` and `--ways <= 800` must hold, got {options.shots} and {options.ways}"
            )
        train(options)
        return
    if not options.checkpoint.exists():
        parser.error(f"`--checkpoint` must be a file of `train`, got {options.checkpoint}")
    options.device_episodes = min(options.device_episodes or options.episodes, options.episodes)
    test(options)


if __name__ == "__main__":
    main()
