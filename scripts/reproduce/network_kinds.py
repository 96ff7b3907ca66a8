"""Which networks lose least on noisy chips: a convolutional, a recurrent and an attention network at equal noise.

    python scripts/reproduce/network_kinds.py [--preset pcm-rasch2023] [--seeds 5] [--chips 10] [--out FILE]
        [--figure FILE.svg] [--table]

Three networks of 17,000 to 20,000 weights read the digits of scikit-learn: `cnn` as images, `lstm` and `encoder` row by
row. They are trained in floating point and mapped as they are (`direct`), or trained on for a fifth of the epochs with
weight noise, clipping and calibrated ranges (`aware`). Relative accuracy is 1 - (e - e_fp) / (e_chance - e_fp), with
the errors e on chips and e_fp in floating point: 1 for no loss, 0 for chance. One JSON line a result goes to `--out`;
what is there already is not computed again.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023: recurrent networks lose least, convolutional ones most.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F

import hwsim
from analognas.report.picture.files import write_picture
from analognas.report.picture.plot import picture

TIMES: Final = ("1 s", "1 h", "1 day", "1 year")
CHANCE: Final = 0.9
LABELS: Final = {"cnn": "convolutional", "lstm": "LSTM", "encoder": "encoder"}
EPOCHS: Final = 40
HARDWARE_AWARE_EPOCHS: Final = 8


def cnn() -> nn.Module:
    """Return three convolutions and a matrix."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 24), (24, 32), (32, 40)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(160, 10))


class Rows(nn.Module):
    """Reads an image row by row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.last = nn.Linear(width, 10)


class Recurrent(Rows):
    """An LSTM of 64, whose last state decides."""

    def __init__(self) -> None:
        super().__init__(64)
        self.memory = nn.LSTM(8, 64, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores."""
        return self.last(self.memory(x.squeeze(1))[0][:, -1])


class Encoder(Rows):
    """Two encoder layers of width 32."""

    def __init__(self) -> None:
        super().__init__(32)
        self.first, self.places = nn.Linear(8, 32), nn.Parameter(0.1 * torch.randn(8, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.stack = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores."""
        return self.last(self.stack(self.first(x.squeeze(1)) + self.places).mean(1))


KINDS: Final[dict[str, Callable[[], nn.Module]]] = {"cnn": cnn, "lstm": Recurrent, "encoder": Encoder}


def train(
    net: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, lr: float, hwa: hwsim.HwaTraining | None
) -> None:
    """Train with Adam and a cosine of learning rates."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam([parameter for parameter in net.parameters() if parameter.requires_grad], lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    net.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).split(64):
            optimizer.zero_grad()
            if hwa is None:
                F.cross_entropy(net(x[rows]), y[rows]).backward()
                optimizer.step()
                continue
            with hwa.step():
                F.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
            hwa.after_update()
        schedule.step()
    net.eval()


def measure(kind: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield what one network finds, mapped directly and after hardware-aware training."""
    images, classes = load_digits(return_X_y=True)
    parts = train_test_split(images, classes, test_size=0.3, random_state=seed, stratify=classes)
    x, x_test = (torch.from_numpy(part / 16).float().view(-1, 1, 8, 8) for part in parts[:2])
    y, y_test = (torch.from_numpy(part) for part in parts[2:])
    torch.manual_seed(seed)  # the initial weights; torch.nn takes no generator
    model = KINDS[kind]()
    train(model, x, y, EPOCHS, 3e-3, None)
    with torch.no_grad():
        fp = float((model(x_test).argmax(1) == y_test).float().mean())
    for how in ("direct", "aware"):
        net = hwsim.to_analog(model, options.preset)
        hwsim.calibrate(net, x[:512])
        if how == "aware":
            train(net, x, y, HARDWARE_AWARE_EPOCHS, 1e-3, hwsim.HwaTraining(net, seed=seed))
            hwsim.calibrate(net, x[:512])
        curve = hwsim.evaluate(
            hwsim.program(net, n=options.chips, seed=seed), (x_test, y_test), TIMES, progress=False
        )
        yield {
            "preset": options.preset,
            "kind": kind,
            "seed": seed,
            "how": how,
            "weights": sum(layer.n_weights for layer in hwsim.tile_map(net).layers.values()),
            "fp": fp,
            "accuracy": curve.values.tolist(),
        }


def relative(row: dict[str, Any]) -> np.ndarray:
    """Return relative accuracies, `(times, chips)`."""
    return 1 - (row["fp"] - np.array(row["accuracy"])) / (row["fp"] - 1 + CHANCE)


def show(rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Print accuracies and losses, and write the figure."""
    curves = {}
    for kind in KINDS:
        for how in ("direct", "aware"):
            group = [
                row for row in rows if (row["kind"], row["how"], row["preset"]) == (kind, how, options.preset)
            ]
            if not group:
                continue
            by_seed = np.stack([relative(row).mean(1) for row in group])
            drop = [
                100 * np.mean([row["fp"] - np.mean(row["accuracy"][at]) for row in group])
                for at in range(len(TIMES))
            ]
            parts = []
            for time, found, lost in zip(TIMES, by_seed.T, drop, strict=True):
                spread = 100 * found.std(ddof=min(1, len(found) - 1))
                parts.append(f"{time} {100 * (1 - found.mean()):.2f} ± {spread:.2f} ({lost:+.2f})")
            fp = np.mean([row["fp"] for row in group])
            print(
                f"{kind:<8} {how:<7} {len(group)} seeds, {group[0]['weights']:,} weights, fp {100 * fp:.2f} %; "
                f"{', '.join(parts)}"
            )
            if how == "direct":
                curves[LABELS[kind]] = hwsim.DriftCurve(
                    (1.0, 3600.0, 86_400.0, 31_536_000.0),
                    100 * (1 - by_seed.T),
                    metric="relative loss of a seed's chips, mapped as they are, %",
                )
    print("relative loss 100 (1 - relative accuracy), mean ± deviation over seeds (points of accuracy lost)")
    if options.figure is not None and curves:
        drawn = picture(hwsim.plot(curves), 720.0)
        write_picture(options.figure, drawn, "Relative loss of three kinds of networks over time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=hwsim.preset_names(), default="pcm-rasch2023")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--chips", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("network_kinds.jsonl"))
    parser.add_argument("--figure", type=Path, help="an SVG file")
    parser.add_argument("--table", action="store_true", help="print what the file holds, compute nothing")
    options = parser.parse_args()
    if options.seeds < 1 or options.chips < 2:
        parser.error(f"`--seeds >= 1` and `--chips >= 2` must hold, got {options.seeds} and {options.chips}")
    lines = options.out.read_text("utf-8").splitlines() if options.out.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    for seed in range(0 if options.table else options.seeds):
        for kind in KINDS:
            if any((row["preset"], row["kind"], row["seed"]) == (options.preset, kind, seed) for row in rows):
                continue
            found = list(measure(kind, seed, options))
            rows += found
            with options.out.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in found)
    show(rows, options)


if __name__ == "__main__":
    main()
