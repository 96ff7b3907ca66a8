"""Searches for four chips on one task, and what each network found costs on the other chips.

    python scripts/reproduce/chips_and_networks.py FOLDER [--trials 40] [--seeds 1] [--only best|fronts|table]

`best`: for each chip, the network with the highest accuracy a month after programming whose energy on that chip is at
most that of ResNet-8. `fronts`: accuracy after a month against energy, and against tiles, on the first chip. Searches
that are in FOLDER are continued, and ended ones read. The table has a row for each network, and one for ResNet-8, with
energy, latency and tiles on every chip. The difference to ResNet-8 a day after programming has its 95 % interval over
chips and test images; one training of each network says nothing about another. The digits of scikit-learn need no data.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import yaml

import analognas
import hwsim
from analognas.config.template import template
from analognas.paired_bootstrap import difference
from analognas.record.validation import FinalResult, ValidatedNetwork
from search_spaces import published

REFERENCE: Final = "resnet8"
CLASSES: Final = 10
CHIPS: Final = ("hermes-64core", "analognas-2dmesh", "aon-cim", "3d-aimc")
SHAPE: Final = (1, 8, 8)


def main() -> None:
    """Search, and print the table."""
    parser = argparse.ArgumentParser(description="Search for four chips.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", choices=("best", "fronts", "table"))
    options = parser.parse_args()
    for seed in range(options.seeds):
        if options.only != "table" and options.only != "fronts":
            for chip in CHIPS:
                bounds = {"energy_uj": f"<= {REFERENCE}", "parameters": f"<= {REFERENCE}", "avm": 0.05}
                search(options.folder / f"{chip}-{seed}", chip, seed, options.trials, constraints=bounds)
        if options.only != "table" and options.only != "best":
            for metric in ("energy_uj", "tiles"):
                search(
                    options.folder / f"front-{metric}-{seed}",
                    CHIPS[0],
                    seed,
                    options.trials,
                    constraints={"parameters": f"<= {REFERENCE}"},
                    further_objectives=[metric],
                    strategy={"kind": "nsga2"},
                )
    show(options.folder, options.seeds)


def search(folder: Path, chip: str, seed: int, trials: int, **sections: Any) -> None:
    """Begin a search, or continue it; one that has ended is left alone."""
    config = yaml.safe_load(template("digits"))
    del config["hardware"]
    config |= {"name": folder.name, "seed": seed, "chip": chip, "objective": "accuracy_1mo"}
    config["search"]["trials"] = trials
    config["search"]["strategy"] = sections.pop("strategy", config["search"]["strategy"])
    analognas.search({**config, **sections}, out=folder)


def show(folder: Path, seeds: int) -> None:
    """Print what each network found is good for, and what it costs on every chip."""
    chips = "".join(f"{chip:>34}" for chip in CHIPS)
    print(
        f"{'network for':26} {'1 month':>9} {REFERENCE:>9} {'1 day, minus ' + REFERENCE:>28} {'parameters':>10} {chips}"
    )
    print(f"{'':86} " + "".join(f"{'µJ, µs, tiles (packed)':>34}" for _ in CHIPS))
    for chip in CHIPS:
        for seed in range(seeds):
            path = folder / f"{chip}-{seed}"
            if not path.exists():
                continue
            run = analognas.Run.open(path)
            result = run.directory.final_result()
            if result is None:
                continue
            metrics, network = result.network.metrics, run.network()
            months = "".join(
                f" {100 * one.metrics['accuracy_1mo']:7.2f} %" for one in (result.network, _reference(result))
            )
            print(
                f"{f'{chip}, seed {seed}':26}{months} {_difference(result):>28} {metrics['parameters']:10,.0f} "
                f"{_costs(network)}"
            )
    reference = published(REFERENCE, SHAPE, CLASSES)
    parameters = sum(p.numel() for p in reference.parameters())
    print(f"{REFERENCE:75} {parameters:10,} {_costs(reference)}")
    for metric in ("energy_uj", "tiles"):
        for seed in range(seeds):
            path = folder / f"front-{metric}-{seed}"
            if path.exists():
                front = analognas.Run.open(path).pareto()
                print(f"\nfront of accuracy_1mo and {metric}, {CHIPS[0]}, seed {seed}")
                print(front[["accuracy_1mo", metric, "parameters"]].to_string(index=False))


def _reference(result: FinalResult) -> ValidatedNetwork:
    return next(found for found in result.references if found.name == REFERENCE)


def _difference(result: FinalResult) -> str:
    """Return the lead a day after programming with its interval over chips and test images, where they are recorded."""
    first, second = result.network.correct_1d, _reference(result).correct_1d
    return (
        "–"
        if first is None or second is None
        else str(difference([([first.unpacked()], [second.unpacked()])]))
    )


def _costs(network: Any) -> str:
    return "".join(f"{_cost(network, chip):>34}" for chip in CHIPS)


def _cost(network: Any, chip: str) -> str:
    try:
        found = hwsim.cost(network, chip, input_shape=SHAPE)
    except ValueError:
        return "does not fit"
    return f"{found.energy_uj:.3g}, {found.latency_us:.3g}, {found.tiles_used} ({found.tiles_packed})"


if __name__ == "__main__":
    main()
