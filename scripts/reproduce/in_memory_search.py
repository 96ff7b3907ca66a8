"""Which network wins when candidates learn on their chips, and which when they are trained for inference chips.

    python scripts/reproduce/in_memory_search.py FOLDER [--workers N]

Two searches over the same perceptrons on the digits of scikit-learn: one to three hidden layers of 16 to 128 units,
with batch norm or without. `inference` trains digitally, then hardware-aware, and programs phase-change chips;
`in-memory` lets every chip learn with AGAD on optimised-material ReRAM. Each takes 18 of the 24 candidates, twelve of
them a design. Runs below FOLDER are not repeated. What is printed: trials of both by rank, and each winner under both
trainings, on five chips with another seed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

import analognas

WIDTHS: Final = (16, 32, 64, 128)
DEPTHS: Final = (1, 2, 3)
SIZES: Final = (len(WIDTHS), len(DEPTHS), 2)
Population = npt.NDArray[np.int64]

IN_MEMORY: Final = {"algorithm": "agad", "device": "reram-om"}
TRAININGS: Final[dict[str, dict[str, Any]]] = {
    "inference": {
        "digital": {"epochs": 15, "batch_size": 32, "learning_rate": 0.003},
        "hardware_aware": {"epochs": 8, "batch_size": 32, "learning_rate": 0.001},
    },
    "in-memory": {"digital": {"epochs": 10, "batch_size": 32}, "in_memory": IN_MEMORY},
}


@dataclass(frozen=True)
class Perceptrons:
    """Fully connected networks: genes are width, depth, and whether there are batch norms."""

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        """Return random candidates."""
        return np.stack([rng.integers(0, size, n) for size in SIZES], 1)

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        """Return candidates with one gene changed."""
        mutants = population.copy()
        gene = rng.integers(0, len(SIZES), len(population))
        sizes = np.array(SIZES)[gene]
        rows = np.arange(len(population))
        mutants[rows, gene] = (mutants[rows, gene] + 1 + rng.integers(0, sizes - 1)) % sizes
        return mutants

    def encode(self, population: Population) -> pd.DataFrame:
        """Return the genes as features."""
        return pd.DataFrame(population.astype(np.float32), columns=["width", "depth", "norm"])

    def build(self, genotype: tuple[int, ...]) -> nn.Module:
        """Return the network of a candidate."""
        width, norm = WIDTHS[genotype[0]], bool(genotype[2])
        modules: list[nn.Module] = [nn.Flatten()]
        before = 64
        for _ in range(DEPTHS[genotype[1]]):
            modules += [nn.Linear(before, width), *([nn.BatchNorm1d(width)] if norm else []), nn.ReLU()]
            before = width
        return nn.Sequential(*modules, nn.Linear(before, 10))


def described(genotype: tuple[int, ...]) -> str:
    norm = "batch norm" if genotype[2] else "no norm"
    return f"{DEPTHS[genotype[1]]} x {WIDTHS[genotype[0]]}, {norm}"


def sections(name: str) -> dict[str, Any]:
    return {
        "task": {"kind": "digits"},
        "space": Perceptrons(),
        "hardware": "pcm-analognas",
        "training": TRAININGS[name],
        "evaluation": {"chips": 2 if name == "in-memory" else 8, "times": ["1 s", "1 day", "1 month"]},
    }


def searched(folder: Path, name: str, workers: int) -> analognas.Run:
    """Return the run of a search, which is only done where it is not there."""
    place = folder / name
    if place.exists():
        return analognas.Run.open(place, space=Perceptrons())
    return analognas.search(
        **sections(name),
        strategy={"kind": "surrogate-guided", "initial": 12, "population": 12, "iterations": 2},
        search={"trials": 18, "batch": 3},
        final="none",
        references=[],
        executor="serial" if workers == 1 else {"kind": "processes", "workers": workers, "threads": 1},
        out=place,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    winners = {}
    for name in TRAININGS:
        table = (
            searched(arguments.folder, name, arguments.workers)
            .trials()
            .sort_values("accuracy_1d", ascending=False)
        )
        print(f"\n{name}")
        for _, row in table.iterrows():
            genotype = tuple(json.loads(row["genotype"]))
            winners.setdefault(name, genotype)
            print(f"{described(genotype):24} {100 * row['accuracy_1d']:6.2f} +- {100 * row['std_1d']:.2f} %")
    print("\nwinners under both trainings, accuracy after a day")
    for name in TRAININGS:
        problem = analognas.Problem(**{**sections(name), "evaluation": {"chips": 5}})
        for winner, genotype in winners.items():
            metrics = problem.evaluate(problem.candidate(genotype), seed=1).metrics
            found = f"{100 * metrics['accuracy_1d']:6.2f} +- {100 * metrics['std_1d']:.2f} %"
            print(f"{name:10} winner of {winner:10} {described(genotype):24} {found}")


if __name__ == "__main__":
    main()
