"""Measure how many candidates a second the search spaces handle, on one core.

Rates by processor time: they do not depend on what else the machine does, nor do they grow with its cores.

    python scripts/bench_spaces.py [--candidates 10000] [--parameters 78000] [--seconds 1] [--json]

`--parameters` keeps candidates with at most so many, as a search under a bound does: how long packing takes depends on
how many tiles a network has.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable

import numpy as np

import hwsim
from analognas.strategies.costs import cost_functions
from hwsim.chip_cost.network_costs import ChipUse
from search_spaces import NasBench201Space, Population, ResNetSpace, genotypes

SPACES = {"resnet": ResNetSpace((3, 32, 32), 10), "nasbench201": NasBench201Space((3, 32, 32), 10)}
HARDWARE = hwsim.Hardware()
ROUNDS = 1000


def rate(work: Callable[[], object], items: int, seconds: float) -> float:
    """Return items a second of processor time over repetitions that fill `seconds`, the first one not counted."""
    work()
    repetitions, start = 0, time.process_time()
    while (elapsed := time.process_time() - start) < seconds:
        work()
        repetitions += 1
    return repetitions * items / elapsed


def sampled(
    space: ResNetSpace | NasBench201Space, n: int, most: float, rng: np.random.Generator
) -> Population:
    """Return random candidates with at most `most` parameters."""
    kept: list[Population] = []
    for _ in range(ROUNDS):
        candidates = space.sample(max(n, 10_000), rng)
        kept.append(candidates[space.parameters(candidates) <= most])
        if sum(map(len, kept)) >= n:
            return np.concatenate(kept)[:n]
    raise SystemExit(
        f"`--parameters` must keep at least one of {ROUNDS:,} random candidates, got {most:,.0f}"
    )


def measure(space: ResNetSpace | NasBench201Space, n: int, most: float, seconds: float) -> dict[str, float]:
    rng = np.random.default_rng(0)
    population, partners = sampled(space, n, most, rng), sampled(space, n, most, rng)
    costs = cost_functions(space, HARDWARE, ChipUse.of(hwsim.chip("hermes-64core")))
    tiles, energy, latency = costs["tiles"], costs["energy_uj"], costs["latency_us"]
    packed = cost_functions(space, HARDWARE, ChipUse.of(hwsim.chip("aon-cim")))
    work: dict[str, Callable[[], object]] = {
        "sample": lambda: space.sample(n, rng),
        "latin_hypercube": lambda: space.latin_hypercube(n, rng),
        "mutate": lambda: space.mutate(population, rng),
        "crossover": lambda: space.crossover(population, partners, rng),
        "canonical": lambda: space.canonical(population),
        "encode": lambda: space.encode(population),
        "parameters and macs": lambda: (space.parameters(population), space.macs(population)),
        "matrices": lambda: space.matrices(population),
        "tiles": lambda: tiles(population),
        "energy": lambda: energy(population),
        "latency": lambda: latency(population),
        "tiles, packed": lambda: packed["tiles_packed"](population),
        "energy, packed": lambda: packed["energy_uj"](population),
        "latency, packed": lambda: packed["latency_us"](population),
        "problems": lambda: space.problems(population),
        "genotypes": lambda: genotypes(population),
    }
    return {name: rate(call, n, seconds) for name, call in work.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=10_000, help="candidates in a population")
    parser.add_argument("--parameters", type=float, default=math.inf, help="most of a candidate")
    parser.add_argument("--seconds", type=float, default=1.0, help="processor time for each measurement")
    parser.add_argument("--json", action="store_true", help="for machines")
    arguments = parser.parse_args()
    values = arguments.candidates, arguments.parameters, arguments.seconds
    rates = {name: measure(space, *values) for name, space in SPACES.items()}
    if arguments.json:
        print(json.dumps({"candidates": arguments.candidates, "per_second": rates}))
        return
    print(f"{'candidates a second':22}" + "".join(f"{name:>14}" for name in rates))
    for method in rates["resnet"]:
        print(f"{method:22}" + "".join(f"{rates[name][method]:14,.0f}" for name in rates))


if __name__ == "__main__":
    main()
