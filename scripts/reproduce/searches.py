"""Real searches whose answer is compared with a published network and with random search, over seeds.

    python scripts/reproduce/searches.py run FOLDER [--only cifar10 …] [--seeds 3]   # hours; begun again, it continues
    python scripts/reproduce/searches.py collect FOLDER                              # keeps what has ended, as text
    python scripts/reproduce/searches.py table

The ready-made files of `configs/`, where a network may take no more parameters, energy and tiles on `hermes-64core`
than the reference, with two rounds of six finalists at the end, longer trainings where `SEARCHES` says so, and no
shipped model. Searches and reference have the same budgets, and both are trained with three seeds at full length. Data
are read below ANALOGNAS_DATA. `collect` writes `searches.jsonl.xz` beside this file.

=================  =======================================================================  =========
search             data                                                                     reference
=================  =======================================================================  =========
`cifar10`          CIFAR-10 (JPEG re-encoded), fresh images in each epoch                   ResNet-8
`fsdd`             Free Spoken Digit Dataset, a voice that was never heard                  DS-CNN
`speech-commands`  twelve words (the test-set copy, split by speaker)                       DS-CNN
`digits`           scikit-learn's digits; parameters within 0.35 times those of ResNet-8    ResNet-8
=================  =======================================================================  =========
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from stranger_results import collect, table

import analognas

KEPT: Final = Path(__file__).with_suffix(".jsonl.xz")
CONFIGS: Final = Path(__file__).parents[2] / "configs"
STRATEGIES: Final = ("surrogate-guided", "random")
TWO_ROUNDS: Final = ("final.chips=25", "final.finalists=6", "final.shortlist=2", "final.seeds=3")
NO_MODEL: Final = "search.strategy={kind: surrogate-guided}"
"""Random search has none either."""

SEARCHES: Final[dict[str, tuple[str, ...]]] = {
    "cifar10": ("final.digital_epochs=60", "final.hardware_aware_epochs=20"),
    "fsdd": (),
    "speech-commands": (
        "training.digital.epochs=10",
        "training.hardware_aware.epochs=5",
        "final.digital_epochs=40",
        "final.hardware_aware_epochs=20",
    ),
    "digits": ("constraints.parameters=27264",),
}
"""What is replaced in the ready-made files."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Search on real data, over seeds.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("folder", type=Path)
    run.add_argument("--only", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    run.add_argument("--seeds", type=int, default=3)
    run.add_argument("--trials", type=int, default=40)
    commands.add_parser("collect").add_argument("folder", type=Path)
    commands.add_parser("table")
    options = parser.parse_args()
    if options.command == "collect":
        collect(options.folder, KEPT)
    elif options.command == "table":
        table(tuple(SEARCHES), KEPT)
    else:
        for number in range(1, options.seeds + 1):  # a seed of every search, then the next one
            for name in options.only:
                found = analognas.compare(
                    CONFIGS / f"{name}.yaml",
                    seeds=number,
                    strategies=STRATEGIES,
                    out=options.folder / name,
                    overrides=(*TWO_ROUNDS, NO_MODEL, f"search.trials={options.trials}", *SEARCHES[name]),
                    observer="lines",
                )
                print(found.to_text(), flush=True)


if __name__ == "__main__":
    main()
