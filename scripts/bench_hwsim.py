"""How fast hwsim is, as ratios to plain digital torch, measured in one run: best of several repeats.

Reference job: a ResNet-8 of about 78,000 parameters on 32 × 32 × 3 inputs. `digital` is the same number of plain eager
float32 forward passes (or training steps) of the torch model, at its fastest batch size. `--network` takes a ResNet-18
of 11.2 million parameters instead, on inputs of 32 × 32 or 224 × 224. `--memory` measures peak memory alone: each job
once, in a process of its own, digital batches of 64. Peers take minutes at theirs: one chip and 250 images are timed
and counted as many times. Repeats of all jobs alternate, so that a busy machine disturbs them alike. On a GPU, chips
run as a batch; one chip after the other is the job `…-looped`, and reading the chips alone, without any inference, the
job `…-reading`.

    python scripts/bench_hwsim.py [--threads N] [--device cuda] [--chips 25] [--images 1000] [--peers] [--json]
    python scripts/bench_hwsim.py --memory --network resnet18 [--threads N] [--chips 25] [--images 100]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from peers import PEERS, peers_here
from torch import nn
from torch.nn import functional as F

import hwsim

TIMES_S = (1.0, 3600.0, 86_400.0, 2_592_000.0, 31_536_000.0)
DIGITAL_BATCHES = (64, 125, 250)
PEER_BATCHES = (8, 32, 250)
PEER_CHIPS, PEER_IMAGES = 1, 250
TRAINING_BATCH = 128
CALIBRATION_BATCH = 16  # more at once would take more memory than the validation


class Block(nn.Module):
    """A basic residual block; `norm` is what follows the convolution of its shortcut."""

    def __init__(
        self, inputs: int, outputs: int, stride: int, norm: Callable[[int], nn.Module] | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.skip: nn.Module = nn.Identity()
        if stride > 1:
            skip = nn.Conv2d(inputs, outputs, 1, stride, bias=norm is None)
            self.skip = skip if norm is None else nn.Sequential(skip, norm(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        out = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(out)) + self.skip(x))


def resnet8() -> nn.Module:
    """Return MLPerf Tiny's ResNet-8 (77,946 parameters)."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        Block(16, 16, 1),
        Block(16, 32, 2),
        Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def resnet18(*stem: nn.Module) -> nn.Module:
    """Return the ResNet-18 of He et al. 2016 behind a stem of 64 channels, for 10 classes (11.2 million parameters)."""
    widths = (64, 64, 128, 256, 512)
    blocks = [
        Block(before if first else width, width, 2 if first and before != width else 1, nn.BatchNorm2d)
        for before, width in pairwise(widths)
        for first in (True, False)
    ]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def small_stem() -> list[nn.Module]:
    """Return the stem for inputs of 32 × 32, which keeps their size."""
    return [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]


def large_stem() -> list[nn.Module]:
    """Return the stem for inputs of 224 × 224, which leaves 56 × 56."""
    return [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet8": (resnet8, 32),
    "resnet18": (lambda: resnet18(*small_stem()), 32),
    "resnet18-224": (lambda: resnet18(*large_stem()), 224),
}
"""Name → what makes the network, and the width and height of its inputs."""


def best_of(repeats: int, jobs: dict[str, Callable[[], None]], device: torch.device) -> dict[str, float]:
    """Return each job's shortest time, s; repeats alternate between the jobs after one unmeasured round."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for repeat in range(repeats + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if repeat:
                times[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in times.items()}


class Validation:
    """The validation jobs: every chip at every time on every image."""

    def __init__(self, network: str, chips: int, images: int, device: torch.device) -> None:
        torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
        make, size = NETWORKS[network]
        self.model = make().eval().to(device)
        generator = torch.Generator().manual_seed(1)
        self.x = torch.randn(images, 3, size, size, generator=generator).to(device)
        self.y = torch.randint(10, (images,), generator=generator)
        self.chips = chips

    def job(self, name: str) -> Callable[[], None]:
        """Return `digital-<batch>`, `<peer>-<batch>`, or a preset of hwsim (looped, or its reading alone) to run."""
        if name.startswith("digital-"):
            return self._digital(int(name.removeprefix("digital-")))
        peer, _, batch = name.rpartition("-")
        if peer in PEERS:
            return self._aihwkit(int(batch)) if peer == "aihwkit" else self._lightning(int(batch))
        if name.endswith("-reading"):
            return self._reading(name.removesuffix("-reading"))
        return self._hwsim(name.removesuffix("-looped"), 1 if name.endswith("-looped") else self.chips)

    def _digital(self, batch: int) -> Callable[[], None]:
        def job() -> None:
            with torch.inference_mode():
                for _ in range(self.chips * len(TIMES_S)):
                    for part in self.x.split(batch):
                        self.model(part)

        return job

    def _analog(self, preset: str) -> nn.Module:
        net = hwsim.to_analog(self.model, hwsim.preset(preset))
        hwsim.calibrate(net, self.x[:64].split(CALIBRATION_BATCH))
        return net

    def _hwsim(self, preset: str, chips_at_once: int) -> Callable[[], None]:
        net = self._analog(preset)

        def job() -> None:
            chips = hwsim.program(net, n=self.chips)
            hwsim.accuracy_over_time(chips, self.x, self.y, TIMES_S, chips_at_once=chips_at_once)

        return job

    def _reading(self, preset: str) -> Callable[[], None]:
        net = self._analog(preset)

        def job() -> None:
            chips = hwsim.program(net, n=self.chips)
            for chip in range(self.chips):
                for t_s in TIMES_S:
                    chips.at(t_s, chip)

        return job

    def _aihwkit(self, batch: int) -> Callable[[], None]:
        net = PEERS["aihwkit"](self.model, training=False)

        def job() -> None:
            with torch.no_grad():
                for _ in range(self.chips):
                    net.program_analog_weights()
                    for t_s in TIMES_S:
                        net.drift_analog_weights(t_s)
                        for part in self.x.split(batch):
                            net(part)

        return job

    def _lightning(self, batch: int) -> Callable[[], None]:
        """As many forward passes: it has no devices, and no noise outside training."""
        net = PEERS["aihwkit_lightning"](self.model, training=False)

        def job() -> None:
            with torch.no_grad():
                for _ in range(self.chips * len(TIMES_S)):
                    for part in self.x.split(batch):
                        net(part)

        return job


def training_job(name: str, network: str, device: torch.device) -> Callable[[], None]:
    """Return a training step: `digital`, a peer, or hardware-aware with a preset of hwsim."""
    make, size = NETWORKS[network]
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(TRAINING_BATCH, 3, size, size, generator=generator).to(device)
    y = torch.randint(10, (TRAINING_BATCH,), generator=generator).to(device)
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net: Any = make().to(device)
    if name == "digital" or name in PEERS:
        if name in PEERS:
            net = PEERS[name](net, training=True)
        if name == "aihwkit":
            from aihwkit.optim import AnalogSGD

            optimizer: Any = AnalogSGD(net.parameters(), lr=0.01, momentum=0.9)
        else:
            optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

        def plain_step() -> None:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()

        return plain_step
    net = hwsim.to_analog(net, hwsim.preset(name))
    hwsim.calibrate(net, [x])
    hwa = hwsim.HwaTraining(net, generator=generator)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        with hwa.step():
            F.cross_entropy(net(x), y).backward()
        optimizer.step()
        hwa.after_update()

    return step


def own_peak_mb() -> float:
    """Return the largest resident memory of this process, MB (Linux; getrusage would include the parent's)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def peak_memory_mb(job: str, options: argparse.Namespace) -> float:
    """Return the largest resident memory of one job in a process of its own, MB."""
    command = [sys.executable, __file__, "--only", job, "--threads", str(options.threads)]
    chips = 1 if job.startswith("digital-") else options.chips  # more passes take no more memory
    command += ["--chips", str(chips), "--images", str(options.images), "--device", options.device]
    command += ["--network", options.network]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(said.splitlines()[-1])  # a peer may have said something before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where everything runs")
    parser.add_argument("--network", choices=NETWORKS, default="resnet8")
    parser.add_argument("--memory", action="store_true", help="measure peak memory alone")
    parser.add_argument("--chips", type=int, default=25)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--peers", action="store_true", help="aihwkit and aihwkit-lightning as well, where they are installed"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name in ("threads", "chips", "images", "repeats"):
        if getattr(options, name) < 1:
            parser.error(f"`--{name} >= 1` must hold, got {getattr(options, name)}")
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    on_gpu = device.type == "cuda"
    if on_gpu and not torch.cuda.is_available():
        parser.error(
            f"`--device {options.device}`: torch {torch.__version__} sees no GPU; leave it out for the CPU"
        )
    validation = Validation(options.network, options.chips, options.images, device)
    peer_images = min(PEER_IMAGES, options.images)

    def job(name: str) -> Callable[[], None]:
        if name.rpartition("-")[0] in PEERS:
            return Validation(options.network, PEER_CHIPS, peer_images, device).job(name)
        return validation.job(name)

    if options.only is not None:
        job(options.only)()
        print(torch.cuda.max_memory_allocated(device) / 2**20 if on_gpu else own_peak_mb())
        return 0
    ours = ["pcm-analognas", "pcm-rasch2023"]
    if options.memory:
        digital = f"digital-{DIGITAL_BATCHES[0]}"
        memory = {name: peak_memory_mb(name, options) for name in (digital, *ours)}
        report = {"memory_mb": memory, "ratios": {name: memory[name] / memory[digital] for name in ours}}
        if options.json:
            print(json.dumps(report))
            return 0
        print(f"{options.network}, {options.threads} threads, {options.chips} chips, {len(TIMES_S)} times")
        print(f"peak memory {memory[digital]:.0f} MB digital")
        for name, ratio in report["ratios"].items():
            print(f"peak memory {name:<21} {ratio:6.2f} x digital")
        return 0
    peers = peers_here() if options.peers else []
    parts = [f"{name}-{part}" for name in ours for part in ("looped", "reading")] if on_gpu else []
    batches = (*DIGITAL_BATCHES, options.images) if on_gpu else DIGITAL_BATCHES
    at_batches = [f"{peer}-{batch}" for peer in peers for batch in PEER_BATCHES]
    names = [*(f"digital-{batch}" for batch in batches), *ours, *parts, *at_batches]
    seconds = best_of(options.repeats, {name: job(name) for name in names}, device)
    for name in at_batches:
        seconds[name] *= options.chips * options.images / (PEER_CHIPS * peer_images)
    digital = min((name for name in names if name.startswith("digital-")), key=seconds.__getitem__)
    steps = {name: training_job(name, options.network, device) for name in ["digital", *ours, *peers]}
    training = best_of(4 * options.repeats, steps, device)
    fastest = {
        peer: min((f"{peer}-{batch}" for batch in PEER_BATCHES), key=seconds.__getitem__) for peer in peers
    }
    measured = {name: name for name in [digital, *ours, *parts]} | fastest
    memory = {name: peak_memory_mb(measured[name], options) for name in [digital, "pcm-analognas", *peers]}
    result = {
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "threads": options.threads,
        "cpus": os.cpu_count(),
        "chips": options.chips,
        "images": options.images,
        "digital_job": digital,
        "validation_s": seconds,
        "training_step_s": training,
        "memory_mb": memory,
        "ratios": {
            "validation": {
                name: seconds[measured[name]] / seconds[digital] for name in [*ours, *parts, *peers]
            },
            "training step": {name: training[name] / training["digital"] for name in [*ours, *peers]},
            "peak memory": {name: memory[name] / memory[digital] for name in ["pcm-analognas", *peers]},
        },
    }
    if options.json:
        print(json.dumps(result))
        return 0
    print(f"{options.threads} threads, {options.chips} chips, {options.images} images, {len(TIMES_S)} times")
    print(f"validation {seconds[digital]:.3f} s, training step {training['digital']:.4f} s digital")
    for what, ratios in result["ratios"].items():
        for name, ratio in ratios.items():
            print(f"{what:>14} {name:<21} {ratio:6.2f} x digital")
    return 0


if __name__ == "__main__":
    sys.exit(main())
