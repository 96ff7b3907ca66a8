"""Measures what augmentation gives on the tasks that `stranger_tasks.py` builds, in trials and at full budget.

    python scripts/reproduce/augmentations.py measure FOLDER [--tasks NAME,…] [--part K/N]
    python scripts/reproduce/augmentations.py table

On each task the reference and two random candidates with more than nine tenths of its parameters are trained as the
file of the task says, with each augmentation, and validated on 8 chips. Every training is a line of the record beside
this file, and is not made again. The table has the differences to the training without augmentation, with 95 %
intervals (Student's t) over networks.

===========  =====================================================================================================
`none`       the inputs as they are
`crop`       images: padded by an eighth of their side, a window of their size cut out anywhere
`flip`       photographs: every second one mirrored as well
`shift`      sounds: moved by up to 100 ms
`speeds`     sounds: six copies of each clip, 0.85 to 1.18 times as fast, above pink noise
`both`       sounds: speeds and shift
===========  =====================================================================================================
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd
import records
import torch
from one_training import large_candidate, reference_of, validated
from students_t import interval

from analognas.compose import Composition, compose, final_budget, training_budget
from analognas.config.loader import load_config

RECORD: Final = Path(__file__).with_suffix(".jsonl")
NETWORKS: Final = ("reference", "first", "second")
SOUND: Final = "spoken-digits"
PHOTOGRAPHS: Final = ("cifar-grey", "cifar-colour")
_AS_RECORDED: Final = "task.noise={copies: 0}"
_SPEEDS: Final = "task.noise={copies: 6, speed: [0.85, 1.18]}"
_STILL: Final = "training.augmentation={}"
_SHIFT: Final = "training.augmentation={time_shift: 5}"


def as_it_is(task: str) -> tuple[str, ...]:
    """Return what takes the augmentation out of the file of a task."""
    return (_AS_RECORDED, _STILL) if task == SOUND else (_STILL,)


def settings(task: str, side: int) -> dict[str, tuple[str, ...]]:
    """Return what is changed in the file of a task, by name."""
    if task == SOUND:
        return {
            "none": as_it_is(task),
            "shift": (_AS_RECORDED, _SHIFT),
            "speeds": (_SPEEDS, _STILL),
            "both": (_SPEEDS, _SHIFT),
        }
    crop = side // 8
    found: dict[str, tuple[str, ...]] = {
        "none": as_it_is(task),
        "crop": (f"training.augmentation={{crop: {crop}}}",),
    }
    if task in PHOTOGRAPHS:
        found["flip"] = (f"training.augmentation={{crop: {crop}, flip: true}}",)
    return found


def work(folder: Path, tasks: list[str]) -> Iterator[tuple[str, str, str, str, Composition]]:
    """Yield task, setting, network and budget of each training, with what it needs."""
    for task in tasks:
        path = folder / f"{task}.yaml"
        side = compose(load_config(path)[0]).prepared.source.input_shape[-1]
        for name, changes in settings(task, side).items():
            composition = compose(load_config(path, changes)[0])
            for network in NETWORKS:
                for budget in ("trial", "full"):
                    yield task, name, network, budget, composition


def measured(composition: Composition, network: str, length: str) -> dict[str, float]:
    """Return accuracies, AVM and time of one training."""
    start = time.perf_counter()
    config = composition.config
    if network == "reference":
        module = reference_of(composition)
    else:
        module = large_candidate(composition, NETWORKS.index(network) - 1)
    budget = (
        training_budget(config.training) if length == "trial" else final_budget(config.training, config.final)
    )
    found = validated(module, composition, budget, seed=0)
    kept = {name: round(float(found[name]), 5) for name in ("accuracy_1d", "avm", "std_1d", "digital")}
    return {**kept, "seconds": round(time.perf_counter() - start, 1)}


def measure(folder: Path, tasks: list[str], part: int, parts: int) -> None:
    """Add what the record lacks, every `parts`-th training from the `part`-th on."""
    for number, (task, setting, network, budget, composition) in enumerate(work(folder, tasks)):
        key = {"task": task, "setting": setting, "network": network, "budget": budget}
        if number % parts != part or any(key.items() <= row.items() for row in records.read(RECORD)):
            continue
        row = key | measured(composition, network, budget)
        records.add(RECORD, row)
        print(row, flush=True)


def table() -> None:
    """Print mean figures, and the differences to the training as it is."""
    found = pd.DataFrame(records.read(RECORD))
    points = ["accuracy_1d", "avm", "digital"]
    found[points] *= 100
    print(found.groupby(["budget", "task", "setting"])[[*points, "seconds"]].mean().round(2).to_string())
    plain = found[found.setting == "none"].set_index(["budget", "task", "network"])
    print()
    for (budget, setting), group in found[found.setting != "none"].groupby(["budget", "setting"]):
        other = group.set_index(["budget", "task", "network"])
        texts = []
        for metric in ("accuracy_1d", "avm"):
            low, mean, high = interval((other[metric] - plain.loc[other.index, metric]).tolist())
            level = " level" if low <= 0 <= high else ""
            texts.append(f"{metric} {mean:+.2f} [{low:+.2f}, {high:+.2f}]{level}")
        slower = (other["seconds"] / plain.loc[other.index, "seconds"]).median()
        print(f"{budget:5} {setting:7} {len(other):2} networks  {'  '.join(texts)}  time x {slower:.2f}")


def main() -> None:
    """Measure or print."""
    parser = argparse.ArgumentParser(description="Measure augmentations.")
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("folder", type=Path)
    measuring.add_argument("--tasks", default="spoken-digits,cifar-grey,omniglot,digits-24")
    measuring.add_argument("--part", default="0/1", help="K/N: every Nth training, for N processes")
    commands.add_parser("table")
    arguments = parser.parse_args()
    if arguments.command == "table":
        table()
        return
    torch.set_num_threads(1)
    part, parts = map(int, arguments.part.split("/"))
    measure(arguments.folder, arguments.tasks.split(","), part, parts)


if __name__ == "__main__":
    main()
