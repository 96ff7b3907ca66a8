"""How fast random features are on a chip, as ratios to floating point on the same rows in one run.

`features` are those of `AnalogRandomFeatures.transform` on the preset beside the same class in floating point;
`products` are the random products alone beside a product of torch; `numpy` is x Ωᵀ with its cosines and sines as one
writes them in numpy, beside the transformer on the chip. Rounds alternate, and the best of each counts: of processor
time on one thread.

    python scripts/bench_random_features.py [--rows 100000] [--components 315] [--inputs 10] [--preset pcm-hermes-2]
        [--kernel rbf] [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import torch

import hwsim
from hwsim.random_features import AnalogRandomFeatures
from hwsim.random_features.kernels import MAPS
from hwsim.random_features.products import Products, Programmed

TARGET = 3.0


def best(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least seconds of each job, after a first round that does not count."""
    found = dict.fromkeys(jobs, float("inf"))
    for count in range(rounds + 1):
        for name, job in jobs.items():
            started = time.process_time()
            job()
            if count:
                found[name] = min(found[name], time.process_time() - started)
    return found


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Return milliseconds and ratios."""
    x = np.random.default_rng(0).normal(size=(options.rows, options.inputs)).astype(np.float32)
    values = {"sampler": "orf", "n_components": options.components, "gamma": 0.05, "random_state": 0}
    digital = AnalogRandomFeatures(options.kernel, **values).fit(x)
    analog = digital.on(options.preset)
    inputs, matrix = torch.from_numpy(x), torch.from_numpy(digital.projection_)
    held = Programmed(analog.programmed_, analog.compensation_, analog.curvature_)
    hardware, seed = hwsim.preset(options.preset), analog.chip_seed
    on_chip = Products(analog.projection_, held, hardware, analog.input_range_, seed, analog.time_s_)

    def products() -> None:
        for _ in on_chip.of(inputs):
            pass

    def plain() -> None:
        projected = x @ digital.projection_.T * np.float32(0.1**0.5)
        (np.concatenate([np.cos(projected), np.sin(projected)], 1) * np.float32(options.components**-0.5))

    jobs: dict[str, Callable[[], object]] = {
        "digital features": lambda: digital.transform(x),
        "analog features": lambda: analog.transform(x),
        "digital products": lambda: inputs @ matrix.T,
        "analog products": products,
        **({"numpy": plain} if options.kernel == "rbf" else {}),
    }
    found = best(jobs, options.rounds)
    ratios = {
        "features ratio": found["analog features"] / found["digital features"],
        "products ratio": found["analog products"] / found["digital products"],
        **({"numpy ratio": found["analog features"] / found["numpy"]} if "numpy" in found else {}),
    }
    return {f"{name} ms": 1e3 * value for name, value in found.items()} | ratios


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--components", type=int, default=315)
    parser.add_argument("--inputs", type=int, default=10)
    parser.add_argument("--preset", default="pcm-hermes-2")
    parser.add_argument("--kernel", choices=MAPS, default="rbf")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    for name in ("rows", "components", "inputs", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"`--{name} >= 1` must hold, got {getattr(options, name)}")
    torch.set_num_threads(1)
    found = measure(options)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<22}{value:8.2f}" + (f"  (at most {TARGET:g})" if name == "features ratio" else ""))


if __name__ == "__main__":
    main()
