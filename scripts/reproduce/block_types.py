"""Measures which types of blocks of the staged space suit sound, on the spoken digits of `stranger_tasks.py`.

    python scripts/reproduce/block_types.py FOLDER [--networks 4] [--part K/N]
    python scripts/reproduce/block_types.py --table

Random networks of one type of block alone, with more than nine tenths of the parameters of DS-CNN and no more of its
multiply-accumulates, are trained at the full budget of the task's file and validated on 8 chips; so is DS-CNN, with as
many seeds. Every training is a line of the record beside this file, and is not made again. The table has means, and
differences to type B with 95 % intervals (Welch's t) over networks; all are judged on the same clips. `lost` is the
accuracy in floating point minus that on chips after a day.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import pandas as pd
import records
import torch
from one_training import large_candidate, reference_of, validated
from scipy import stats

from analognas.compose import compose, final_budget
from analognas.config.loader import load_config
from search_spaces.staged.ranges import TYPES

RECORD: Final = Path(__file__).with_suffix(".jsonl")
REFERENCE: Final = "ds-cnn"
POINTS: Final = ("accuracy_1d", "avm", "digital")


def measure(folder: Path, networks: int, part: int, parts: int) -> None:
    """Add what the record lacks, every `parts`-th training from the `part`-th on."""
    work = [(kind, number) for number in range(networks) for kind in (*TYPES, REFERENCE)]
    for kind, number in work[part::parts]:
        key = {"kind": kind, "network": number}
        if any(key.items() <= row.items() for row in records.read(RECORD)):
            continue
        changes = () if kind == REFERENCE else (f"space.types={kind}",)
        composition = compose(load_config(folder / "spoken-digits.yaml", changes)[0])
        module = reference_of(composition) if kind == REFERENCE else large_candidate(composition, number)
        budget = final_budget(composition.config.training, composition.config.final)
        found = validated(module, composition, budget, seed=number)
        row = key | {name: round(float(found[name]), 5) for name in POINTS}
        records.add(RECORD, row)
        print(row, flush=True)


def table() -> None:
    """Print the mean and the deviation over networks, and what each type has more than B."""
    found = pd.DataFrame(records.read(RECORD))
    found["lost"] = found["digital"] - found["accuracy_1d"]
    for kind, group in found.groupby("kind"):
        texts = []
        for metric in ("digital", "accuracy_1d", "lost", "avm"):
            values, plain = (100 * group[metric], 100 * found[found.kind == "B"][metric])
            text = f"{metric} {values.mean():.1f} ± {values.std(ddof=1):.1f}"
            if kind != "B":
                apart = stats.ttest_ind(values, plain, equal_var=False).confidence_interval(0.95)
                level = " level" if apart.low <= 0 <= apart.high else ""
                text += f" ({values.mean() - plain.mean():+.1f} [{apart.low:+.1f}, {apart.high:+.1f}]{level})"
            texts.append(text)
        print(f"{kind:6} {len(group)} networks  {'  '.join(texts)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure types of blocks.")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--networks", type=int, default=4)
    parser.add_argument("--part", default="0/1", help="K/N: every Nth training, for N processes")
    parser.add_argument("--table", action="store_true", help="print what the record holds, train nothing")
    arguments = parser.parse_args()
    if not arguments.table:
        if arguments.folder is None:
            parser.error("the folder of the tasks is missing")
        torch.set_num_threads(1)
        part, parts = map(int, arguments.part.split("/"))
        measure(arguments.folder, arguments.networks, part, parts)
    table()


if __name__ == "__main__":
    main()
