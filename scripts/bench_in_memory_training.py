"""How long one update in the array takes: a 512 × 512 layer, batches of 64, on published devices, against aihwkit.

    python scripts/bench_in_memory_training.py [--peer PYTHON] [--repeats 5] [--json]

Inputs and gradients are uniform in -1 to 1. The learning rate sets how many pulses an update has: 0.01 fills trains of
5 slots, 0.0001 hardly one. Times are processor times on one thread, each the best of the repeats, which hardly depend
on what else a machine does. Memory is what the cells of one weight take.

`--peer` names the Python interpreter of an environment with aihwkit (extra `peers`), whose compiled tiles need a torch
that they were built for: aihwkit 1.1.0 loads its own with torch 2.10, not with 2.9 or 2.13.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import torch

SIZE: Final = 512
BATCH: Final = 64
RATES: Final = (0.01, 0.001, 0.0001)
DEVICES: Final = {
    "gokmen-vlasov": "GokmenVlasovPresetDevice",
    "ecram": "EcRamPresetDevice",
    "reram-sb": "ReRamSBPresetDevice",
    "reram-om": "ReRamArrayOMPresetDevice",
    "reram-es": "ReRamESPresetDevice",
}
"""Devices here, and the same there."""


def vectors() -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and gradients, `(BATCH, SIZE)` each."""
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(BATCH, SIZE, generator=generator) * 2 - 1 for _ in range(2))  # type: ignore[return-value]


def best_ms(job: Callable[[], None], repeats: int) -> float:
    """Return the least processor time of a job after one unmeasured round, ms."""
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return min(times[1:]) * 1e3


def ours(repeats: int) -> dict[str, dict[str, float]]:
    """Return the times by device and rate, and the memory of a weight in bytes."""
    from hwsim import learning
    from hwsim.learning.pulse_trains import PulseSettings
    from hwsim.learning.update import Gradient, apply

    x, d = vectors()
    gradient = Gradient(d.T @ x, x, d)
    found: dict[str, dict[str, float]] = {}
    for name in DEVICES:
        device = learning.device(name)
        array: Any = learning.fabricate(device, (SIZE, SIZE), 0)
        found[name] = {"bytes": sum(t.numel() * t.element_size() for t in array.tensors.values()) / SIZE**2}
        for lr in RATES:

            def job(lr: float = lr, array: Any = array, device: Any = device) -> None:
                apply(array, gradient, lr, device.granularity, PulseSettings(), 1)

            found[name][str(lr)] = best_ms(job, repeats)
    return found


def theirs(repeats: int) -> dict[str, dict[str, float]]:
    """Return the times of aihwkit in this interpreter."""
    from aihwkit.nn import AnalogLinear
    from aihwkit.simulator.configs import build_config
    from aihwkit.simulator.presets import devices
    from aihwkit.simulator.presets.utils import PresetIOParameters, PresetUpdateParameters

    x, d = vectors()
    found: dict[str, dict[str, float]] = {}
    for name, peer in DEVICES.items():
        config = build_config("sgd", getattr(devices, peer)(), PresetIOParameters, PresetUpdateParameters)
        tile = next(AnalogLinear(SIZE, SIZE, bias=False, rpu_config=config).analog_tiles())
        found[name] = {}
        for lr in RATES:
            tile.set_learning_rate(lr)
            found[name][str(lr)] = best_ms(lambda tile=tile: tile.tile.update(x, d, False), repeats)  # type: ignore[misc]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="Python interpreter of an environment with aihwkit")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.as_peer:
        print(json.dumps(theirs(arguments.repeats)))
        return
    result = {"hwsim": ours(arguments.repeats)}
    if arguments.peer:
        command = [arguments.peer, __file__, "--as-peer", "--repeats", str(arguments.repeats)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"aihwkit does not run in {arguments.peer}: {done.stderr.strip().splitlines()[-1]}")
        result["aihwkit"] = json.loads(done.stdout.strip().splitlines()[-1])
    if arguments.json:
        print(json.dumps(result))
        return
    print("device          lr       hwsim ms  aihwkit ms  ratio  bytes a weight")
    for name, times in result["hwsim"].items():
        for lr in RATES:
            peer = result.get("aihwkit", {}).get(name, {}).get(str(lr))
            compared = f"{peer:10.1f}  {peer / times[str(lr)]:5.1f}" if peer else "         -      -"
            print(f"{name:14}  {lr:<7}  {times[str(lr)]:8.1f}  {compared}  {times['bytes']:6.0f}")


if __name__ == "__main__":
    main()
