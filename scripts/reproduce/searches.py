"""Real searches whose answer is compared with a published network and with random search, over seeds.

    python scripts/reproduce/searches.py run FOLDER [--only cifar10 …] [--seeds 3]   # hours; begun again, it continues
    python scripts/reproduce/searches.py collect FOLDER                              # keeps what has ended, as text
    python scripts/reproduce/searches.py table

Every network found may take no more parameters, energy and tiles on `hermes-64core` than the reference. Searches and
reference have the same budgets, and both are trained with three seeds at full length. Data are read below
ANALOGNAS_DATA. `collect` writes `searches.jsonl` beside this file.

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
from typing import Any, Final

from stranger_results import collect, table

import analognas

KEPT: Final = Path(__file__).with_suffix(".jsonl")
CHIP: Final = "hermes-64core"
STRATEGIES: Final = ("surrogate-guided", "random")

HARDWARE_AWARE: Final = {
    "batch_size": 64,
    "learning_rate": 0.004,
    "weight_noise": 0.15,
    "distillation": {"temperature": 4, "teacher_share": 0.5},
}
TWO_ROUNDS: Final = {"chips": 25, "finalists": 6, "shortlist": 2, "seeds": 3}


def _bounds(reference: str, **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(("parameters", "energy_uj", "tiles"), f"<= {reference}"), "avm": 0.05, **more}


SEARCHES: Final[dict[str, dict[str, Any]]] = {
    "cifar10": {
        "task": {"kind": "cifar10", "max_validation": 2500},
        "space": {"kind": "staged", "stem_width": [8, 48], "width": [8, 128]},
        "constraints": _bounds("resnet8"),
        "training": {
            "digital": {"epochs": 8, "epoch_size": 6000, "batch_size": 64, "learning_rate": 0.005},
            "hardware_aware": {"epochs": 3, "epoch_size": 6000, **HARDWARE_AWARE},
            "augmentation": {"crop": 4, "flip": True},
        },
        "evaluation": {"chips": 6, "times": ["1 s", "1 day", "1 month"]},
        "final": {"digital_epochs": 60, "hardware_aware_epochs": 20, **TWO_ROUNDS},
        "references": ["resnet8"],
    },
    "fsdd": {
        "task": {
            "kind": "fsdd",
            "validation_speakers": 2,
            "noise": {"copies": 6, "snr_db": [5, 25], "speed": [0.85, 1.18]},
        },
        "space": {"kind": "staged", "width": [8, 64]},
        "constraints": _bounds("ds-cnn"),
        "training": {
            "digital": {"epochs": 10, "batch_size": 64, "learning_rate": 0.01},
            "hardware_aware": {"epochs": 6, **HARDWARE_AWARE},
            "augmentation": {"time_shift": 5},
        },
        "final": {
            "digital_epochs": 40,
            "hardware_aware_epochs": 20,
            "train_on": "train-and-validation",
            **TWO_ROUNDS,
        },
        "references": ["ds-cnn"],
    },
    "speech-commands": {
        "task": {"kind": "speech-commands"},
        "space": {"kind": "staged", "width": [8, 64]},
        "constraints": _bounds("ds-cnn"),
        "training": {
            "digital": {"epochs": 10, "batch_size": 64, "learning_rate": 0.01},
            "hardware_aware": {"epochs": 5, **HARDWARE_AWARE},
            "augmentation": {"time_shift": 5},
        },
        "final": {"digital_epochs": 40, "hardware_aware_epochs": 20, **TWO_ROUNDS},
        "references": ["ds-cnn"],
    },
    "digits": {
        "task": {"kind": "digits"},
        "space": {"kind": "staged", "width": [8, 48], "stem_width": [8, 24]},
        "constraints": _bounds("resnet8", parameters=27_264),
        "training": {
            "digital": {"epochs": 6, "batch_size": 64, "learning_rate": 0.014},
            "hardware_aware": {"epochs": 6, **HARDWARE_AWARE, "learning_rate": 0.006},
        },
        "final": {"digital_epochs": 24, "hardware_aware_epochs": 24, **TWO_ROUNDS},
        "references": ["resnet8"],
    },
}


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
                    _config(name, options.trials),
                    seeds=number,
                    strategies=STRATEGIES,
                    out=options.folder / name,
                    observer="lines",
                )
                print(found.to_text(), flush=True)


def _config(name: str, trials: int) -> dict[str, Any]:
    search = {"trials": trials, "batch": 6}
    executor = {"kind": "auto", "threads": 1}
    return {"name": name, "chip": CHIP, "search": search, "executor": executor, **SEARCHES[name]}


if __name__ == "__main__":
    main()
