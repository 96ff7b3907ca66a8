"""What each part of the compiled evaluation brings: ratios to plain digital torch, network by network, in one run.

    plain       layer by layer, torch's own operations
    converters  layer by layer, compiled converters
    compiled    traced into compiled stages, where the network can be

Published networks, candidates of both search spaces, and small networks in the style of other people's code, each on
as many images as digital torch classifies in `--seconds`. The repeats of all ways alternate, and each counts with its
fastest. With one thread processor time counts, which a busy machine disturbs less; with several, time by the clock.

    python scripts/bench_fused_ablation.py [--threads N] [--preset pcm-analognas] [--networks resnet8 …] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim import inference
from hwsim.fused.executor import FusedNetwork
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from search_spaces import NasBench201Space, ResNetSpace, genotypes
from search_spaces.published import published

SHAPE, CLASSES = (3, 32, 32), 10
DIGITAL_BATCH = 125
TIMES_S = (1.0, 86_400.0)
CANDIDATES, MOST_MACS = 2, 30e6
FEWEST_IMAGES, MOST_IMAGES = 25, 250


class Inception(nn.Module):
    """Branches side by side, concatenated."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(inputs, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.three = nn.Sequential(
            nn.Conv2d(inputs, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(inputs, width, 1), nn.ReLU(inplace=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the concatenated branches."""
        return torch.cat([self.one(x), self.three(x), self.pool(x)], 1)


class InPlace(nn.Module):
    """A residual network with activations and sums in place, as torchvision writes it, and a `view`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.first, self.norm1 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.second, self.norm2 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.relu, self.last = nn.ReLU(inplace=True), nn.Linear(16 * 8 * 8, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores."""
        x = self.relu(self.norm(self.stem(x)))
        out = self.relu(self.norm1(self.first(x)))
        out = self.norm2(self.second(out))
        out += x
        out = F.max_pool2d(self.relu(out), 4)
        return self.last(out.view(out.size(0), -1))


class Unpacking(nn.Module):
    """Unpacks a shape, and shuffles channels with it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU())
        self.depth = nn.Sequential(nn.Conv2d(32, 32, 3, 1, 1, groups=32), nn.BatchNorm2d(32))
        self.point = nn.Sequential(nn.Conv2d(32, 64, 1), nn.BatchNorm2d(64), nn.ReLU())
        self.last = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores."""
        x = self.stem(x)
        n, channels, height, width = x.shape
        x = x.view(n, 2, channels // 2, height, width).transpose(1, 2).reshape(n, channels, height, width)
        return self.last(self.point(self.depth(x)).mean((2, 3)))


class Deciding(Unpacking):
    """Decides by the size of its input, and takes more than one argument."""

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return the scores."""
        x = self.stem(x)
        while x.shape[-1] > 8:
            x = F.max_pool2d(x, 2)
        if mask is not None:
            x = x * mask
        return self.last(self.point(self.depth(x)).mean((2, 3)))


class Encoder(nn.Module):
    """Patches and two layers of a transformer, whose attention stays digital."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 64, 4, 4)
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.last = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores."""
        return self.last(self.encoder(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


def separable() -> nn.Module:
    """Return depthwise-separable convolutions and adaptive pooling."""

    def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        return [
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU6(),
            nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU6(),
        ]  # fmt: skip

    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6()]
    return nn.Sequential(
        *stem, *block(16, 32, 1), *block(32, 64, 2), *block(64, 64, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, CLASSES),
    )  # fmt: skip


def inception() -> nn.Module:
    """Return two inception blocks."""
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, CLASSES)]
    return nn.Sequential(Inception(3, 16), nn.MaxPool2d(2), Inception(48, 32), *pool)


def _published(name: str) -> Callable[[], nn.Module]:
    return lambda: published(name, SHAPE, CLASSES)


def _candidate(space: ResNetSpace | NasBench201Space, number: int) -> Callable[[], nn.Module]:
    population = space.sample(1000, np.random.default_rng(7))
    small = population[space.macs(population) < MOST_MACS]
    return lambda: space.build(genotypes(small)[number])


SPACES: dict[str, ResNetSpace | NasBench201Space] = {
    "resnet": ResNetSpace(SHAPE, CLASSES),
    "nasbench201": NasBench201Space(SHAPE, CLASSES),
}
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    **{name: _published(name) for name in ("resnet8", "mobilenet-v1-0.25", "analognas-cifar10-t100")},
    **{
        f"{name}-{number}": _candidate(space, number)
        for name, space in SPACES.items()
        for number in range(CANDIDATES)
    },
    "inception": inception,
    "separable": separable,
    "in-place": InPlace,
    "unpacking": Unpacking,
    "deciding": Deciding,
    "encoder": Encoder,
}


def _refuse(*_: object) -> None:
    raise inference.UnfusableError("measured without")


@contextlib.contextmanager
def way(name: str) -> Iterator[None]:
    """Leave out what a way of evaluation does without."""
    with contextlib.ExitStack() as stack:
        if name != "compiled":
            stack.enter_context(mock.patch.object(inference, "FusedNetwork", _refuse))
        if name == "plain":
            stack.enter_context(mock.patch.object(kernels, "library", lambda: None))
        yield


def seconds_of(job: Callable[[], object]) -> float:
    """Return what a job takes, s: of the processor with one thread, by the clock with several."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    job()
    return clock() - start


def ratios(build: Callable[[], nn.Module], options: argparse.Namespace) -> dict[str, Any]:
    """Return the time of each way over that of digital inference, and whether the network is traced."""
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = build().eval()
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(MOST_IMAGES, *SHAPE, generator=generator)
    y = torch.randint(CLASSES, (MOST_IMAGES,), generator=generator)
    net = hwsim.to_analog(model, options.preset, nn.MultiheadAttention)
    hwsim.calibrate(net, [x[:64]])
    chips = hwsim.program(net, options.chips)
    with torch.inference_mode():
        few = min(seconds_of(lambda: model(x[:FEWEST_IMAGES])) for _ in range(2))
    share = options.seconds / (few * options.chips * len(TIMES_S))
    images = int(min(MOST_IMAGES, max(1.0, share) * FEWEST_IMAGES))
    x, y = x[:images], y[:images]

    def digital() -> None:
        with torch.inference_mode():
            for _ in range(options.chips * len(TIMES_S)):
                for part in x.split(DIGITAL_BATCH):
                    model(part)

    def analog(name: str) -> Callable[[], None]:
        def job() -> None:
            with way(name):
                hwsim.accuracy_over_time(chips, x, y, TIMES_S, batch_size=options.batch)

        return job

    jobs = {"digital": digital} | {name: analog(name) for name in ("plain", "converters", "compiled")}
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for repeat in range(options.repeats + 1):
        for name, job in jobs.items():
            taken = seconds_of(job)
            if repeat:
                times[name].append(taken)
    seconds = {name: min(values) for name, values in times.items()}
    try:
        traced = bool(FusedNetwork(chips, Inputs((x[:1],))).plan.steps)
    except inference.UnfusableError:
        traced = False
    found = {name: seconds[name] / seconds["digital"] for name in jobs if name != "digital"}
    return {"images": images, "digital_s": seconds["digital"], **found, "traced": traced}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch threads")
    parser.add_argument("--preset", default="pcm-analognas", choices=hwsim.preset_names())
    parser.add_argument("--networks", nargs="+", choices=tuple(NETWORKS), default=tuple(NETWORKS))
    parser.add_argument("--chips", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.3, help="of digital torch for each network")
    parser.add_argument("--batch", type=int, default=512, help="images in a pass layer by layer")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    for name in ("threads", "chips", "batch", "repeats"):
        if getattr(options, name) < 1:
            parser.error(f"`--{name} >= 1` must hold, got {getattr(options, name)}")
    torch.set_num_threads(options.threads)
    if not options.json:
        print(f"{options.preset}, {options.threads} threads, {options.chips} chips")
        print(
            f"{'network':<24} {'images':>6} {'digital s':>9} {'plain':>7} {'converters':>10} {'compiled':>9}"
        )
    for name in options.networks:
        found = ratios(NETWORKS[name], options)
        if options.json:
            print(json.dumps({"network": name, **found}), flush=True)
            continue
        values = f"{found['plain']:7.2f} {found['converters']:10.2f} {found['compiled']:9.2f}"
        path = "" if found["traced"] else "  layer by layer"
        print(f"{name:<24} {found['images']:>6} {found['digital_s']:9.3f} {values}{path}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
