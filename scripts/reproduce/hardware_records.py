"""Trains and measures the same networks on several hardware: records from which a surrogate learns what hardware does.

    python scripts/reproduce/hardware_records.py FOLDER [--networks 60] [--only NAME …]

Networks of all sizes are drawn from the space of `collections/digits.yaml` and trained on each hardware as that file
says, hardware-aware training included. Each hardware has a run directory in FOLDER, which continues when it is given
again, and a file `NAME.csv.gz` of `analognas pack`.

    analognas surrogate fit FOLDER/*.csv.gz --out hardware.json

fits one model on all of them, whose card says how well it does on each hardware when that is left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

import analognas
from analognas.collection.pack import pack
from analognas.compose import compose
from analognas.config.loader import load_config

COLLECTION: Final = Path(__file__).parent / "collections" / "digits.yaml"
PRESET: Final = "pcm-hermes-2"
HARDWARE: Final[dict[str, dict[str, Any]]] = {
    "base": {},
    "rows-64": {"tile": {"rows": 64}},
    "rows-512": {"tile": {"rows": 512}},
    "adc-6": {"converters": {"adc_bits": 6}},
    "adc-5": {"converters": {"adc_bits": 5}},
    "noisy-outputs": {"mvm": {"output_noise": 0.1}},
    "noisy-programming": {"device": {"kind": "hermes", "programming_noise_scale": 2.0}},
    "strong-drift": {"device": {"kind": "hermes", "drift_scale": 2.0}},
    "one-device": {"preset": "pcm-hermes-1"},
}
"""What is different from the preset."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure networks on several hardware.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--networks", type=int, default=60)
    parser.add_argument("--only", nargs="+", choices=HARDWARE, default=list(HARDWARE))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    architectures = networks(options.networks)
    for name in options.only:
        run = options.folder / name
        if (run / "config.yaml").exists():
            analognas.resume(run)
        else:
            analognas.search(config(name, architectures), out=run)
        packed = pack([run], options.folder / f"{name}.csv.gz")
        print(f"{name}: {packed['rows']} rows, {packed['failed']} failed", flush=True)


def config(name: str, architectures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the configuration of the networks on a hardware."""
    found = yaml.safe_load(COLLECTION.read_text("utf-8"))
    del found["chip"]
    bound = found["constraints"]["parameters"]
    return {
        **found,
        "name": f"digits-{name}",
        "hardware": {"preset": PRESET, **HARDWARE[name]},
        "constraints": {"parameters": bound},
        "search": {
            "trials": len(architectures),
            "batch": 8,
            "strategy": {"kind": "random"},
            "start_from": architectures,
        },
        "final": "none",
    }


def networks(n: int) -> list[dict[str, Any]]:
    """Return networks of all sizes: of random ones those nearest to sizes evenly spread on a logarithmic scale."""
    composition = compose(load_config(COLLECTION)[0])
    problem = composition.problem
    composition.site.close()
    population = problem.space.sample(4000, np.random.default_rng(11))
    population = population[problem.admissible(population)]
    size = np.log(problem.space.parameters(population))
    chosen: list[int] = []
    for wanted in np.linspace(size.min(), size.max(), n):
        order = np.argsort(np.abs(size - wanted), kind="stable").tolist()
        chosen.append(next(row for row in order if row not in chosen))
    return [problem.space.describe(tuple(population[row].tolist())) for row in chosen]  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
