"""How fast hwsim is, as ratios to plain digital torch, measured in one run: best of several repeats.

Reference job: a ResNet-8 of about 78,000 parameters on 32 × 32 × 3 inputs. `digital` is the same number of plain eager
float32 forward passes (or training steps) of the torch model, at its fastest batch size. Repeats of all jobs
alternate, so that a busy machine disturbs them alike.

    python scripts/bench_hwsim.py [--threads N] [--chips 25] [--images 1000] [--peers] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

import hwsim

TIMES_S = (1.0, 3600.0, 86_400.0, 2_592_000.0, 31_536_000.0)
DIGITAL_BATCHES = (64, 125, 250)
TRAINING_BATCH = 128


class Block(nn.Module):
    """A basic residual block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.skip = nn.Identity() if stride == 1 else nn.Conv2d(inputs, outputs, 1, stride)

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


def best_of(repeats: int, jobs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return each job's shortest time, s; repeats alternate between the jobs after one unmeasured round."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for repeat in range(repeats + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if repeat:
                times[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in times.items()}


def validation_jobs(chips: int, images: int) -> dict[str, Callable[[], None]]:
    """Return the validation jobs; `digital-b` is the digital reference at batch size b."""
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = resnet8().eval()
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(images, 3, 32, 32, generator=generator)
    y = torch.randint(10, (images,), generator=generator)

    def digital(batch: int) -> Callable[[], None]:
        def job() -> None:
            with torch.inference_mode():
                for _ in range(chips * len(TIMES_S)):
                    for part in x.split(batch):
                        model(part)

        return job

    def analog(preset: str) -> Callable[[], None]:
        net = hwsim.to_analog(model, hwsim.preset(preset))
        hwsim.calibrate(net, [x[:64]])

        def job() -> None:
            hwsim.accuracy_over_time(hwsim.program(net, n=chips), x, y, TIMES_S)

        return job

    jobs = {f"digital-{batch}": digital(batch) for batch in DIGITAL_BATCHES}
    jobs["pcm-analognas"] = analog("pcm-analognas")
    jobs["pcm-rasch2023"] = analog("pcm-rasch2023")
    return jobs


def training_jobs() -> dict[str, Callable[[], None]]:
    """Return a training step, digital and hardware-aware."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(TRAINING_BATCH, 3, 32, 32, generator=generator)
    y = torch.randint(10, (TRAINING_BATCH,), generator=generator)

    def step(preset: str | None) -> Callable[[], None]:
        torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
        net = resnet8()
        hwa = None
        if preset is not None:
            net = hwsim.to_analog(net, hwsim.preset(preset))
            hwsim.calibrate(net, [x])
            hwa = hwsim.HwaTraining(net, generator=generator)
        optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

        def job() -> None:
            optimizer.zero_grad()
            if hwa is None:
                F.cross_entropy(net(x), y).backward()
                optimizer.step()
                return
            with hwa.step():
                F.cross_entropy(net(x), y).backward()
            optimizer.step()
            hwa.after_update()

        return job

    return {
        "train-digital": step(None),
        "train-pcm-analognas": step("pcm-analognas"),
        "train-pcm-rasch2023": step("pcm-rasch2023"),
    }


def peak_memory_mb(job: str, options: argparse.Namespace) -> float:
    """Return the largest resident memory of one job in a process of its own, MB."""
    command = [sys.executable, __file__, "--only", job, "--threads", str(options.threads)]
    command += ["--chips", str(options.chips), "--images", str(options.images)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch threads")
    parser.add_argument("--chips", type=int, default=25)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.only is not None:
        validation_jobs(options.chips, options.images)[options.only]()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return 0
    seconds = best_of(options.repeats, validation_jobs(options.chips, options.images))
    best_batch = min(DIGITAL_BATCHES, key=lambda batch: seconds[f"digital-{batch}"])
    digital_s = seconds[f"digital-{best_batch}"]
    training = best_of(4 * options.repeats, training_jobs())
    memory = {job: peak_memory_mb(job, options) for job in (f"digital-{best_batch}", "pcm-analognas")}
    result = {
        "threads": options.threads,
        "cpus": os.cpu_count(),
        "chips": options.chips,
        "images": options.images,
        "digital_batch": best_batch,
        "seconds": {**seconds, **training},
        "memory_mb": memory,
        "ratios": {
            "validation, converters and output noise": seconds["pcm-analognas"] / digital_s,
            "validation, all of pcm-rasch2023": seconds["pcm-rasch2023"] / digital_s,
            "training step, converters and output noise": training["train-pcm-analognas"]
            / training["train-digital"],
            "training step, all of pcm-rasch2023": training["train-pcm-rasch2023"]
            / training["train-digital"],
            "peak memory of a validation": memory["pcm-analognas"] / memory[f"digital-{best_batch}"],
        },
    }
    if options.json:
        print(json.dumps(result))
        return 0
    print(f"{options.threads} threads, {options.chips} chips, {options.images} images, 5 times")
    for name, value in result["ratios"].items():
        print(f"{name:>45}: {value:5.2f} x digital")
    for name, value in result["seconds"].items():
        print(f"{name:>45}: {value:8.3f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
