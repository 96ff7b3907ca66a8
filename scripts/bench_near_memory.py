"""How fast a fixed-point digital unit is simulated, as ratios of processor time to floating-point affine.

The jobs are those of `bench_hwsim.py` with batch norms folded: a ResNet-8 on 32 × 32 × 3 inputs on every chip at five
times, and a hardware-aware training step. Each ratio is of the best of several repeats, which alternate between the
jobs; processor time, that of all threads, hardly depends on what else a machine does.

    python scripts/bench_near_memory.py [--threads N] [--chips 1] [--images 500] [--repeats 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, Final

import torch
from bench_hwsim import CALIBRATION_BATCH, TIMES_S, TRAINING_BATCH, resnet8
from torch import nn
from torch.nn import functional as F

import hwsim

PRESETS: Final = ("pcm-analognas", "pcm-rasch2023")
UNITS: Final[dict[str, dict[str, Any]]] = {
    "floating-point": {},
    "fixed-point": {"digital.kind": "fixed-point"},
    "fixed-point, wide": {
        "digital.kind": "fixed-point",
        "digital.scale_fraction": 16,
        "digital.product_fraction": 16,
    },
}
"""Changes of the hardware by name; words of the widest one are computed in float64."""


def network(preset: str, unit: str, x: torch.Tensor) -> nn.Module:
    """Return a ResNet-8 on hardware, its batch norms folded, calibrated on the first images of `x`."""
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    hardware = hwsim.preset(preset).replace(UNITS[unit])
    net = hwsim.to_analog(resnet8().eval(), hardware, fold_batch_norms=True)
    hwsim.calibrate(net, x[:64].split(CALIBRATION_BATCH))
    return net


def validation_job(
    preset: str, unit: str, x: torch.Tensor, y: torch.Tensor, chips: int
) -> Callable[[], None]:
    """Return the validation of all chips at all times."""
    net = network(preset, unit, x)

    def job() -> None:
        hwsim.accuracy_over_time(hwsim.program(net, n=chips), x, y, TIMES_S, progress=False)

    return job


def training_job(preset: str, unit: str, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    """Return a hardware-aware training step."""
    net = network(preset, unit, x).train()
    x, y = x[:TRAINING_BATCH], y[:TRAINING_BATCH]
    hwa = hwsim.HwaTraining(net, seed=0)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        with hwa.step():
            F.cross_entropy(net(x), y).backward()
        optimizer.step()
        hwa.after_update()

    return step


def processor_time(repeats: int, jobs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return each job's least processor time, s; repeats alternate between the jobs after one unmeasured round."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for repeat in range(repeats + 1):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            if repeat:
                times[name].append(time.process_time() - start)
    return {name: min(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch threads")
    parser.add_argument("--chips", type=int, default=1)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    for name in ("threads", "chips", "images", "repeats"):
        if getattr(options, name) < 1:
            parser.error(f"`--{name} >= 1` must hold, got {getattr(options, name)}")
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(options.images, 3, 32, 32, generator=generator)
    y = torch.randint(10, (options.images,), generator=generator)
    ratios: dict[str, dict[str, float]] = {}
    for preset in PRESETS:
        kinds = {
            "validation": {unit: validation_job(preset, unit, x, y, options.chips) for unit in UNITS},
            "training step": {unit: training_job(preset, unit, x, y) for unit in UNITS},
        }
        for kind, jobs in kinds.items():
            seconds = processor_time(options.repeats, jobs)
            ratios[f"{kind}, {preset}"] = {
                unit: seconds[unit] / seconds["floating-point"] for unit in UNITS if unit != "floating-point"
            }
    if options.json:
        print(json.dumps({"threads": options.threads, "chips": options.chips, "ratios": ratios}))
        return
    print(f"{options.threads} threads, {options.chips} chips, {options.images} images, {len(TIMES_S)} times")
    for job, by_unit in ratios.items():
        for unit, ratio in by_unit.items():
            print(f"{job:<30} {unit:<18} {ratio:5.2f} x floating-point affine")


if __name__ == "__main__":
    main()
