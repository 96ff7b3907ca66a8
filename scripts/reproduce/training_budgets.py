"""Measures what a training budget and its hardware-aware part give, on the tasks that `stranger_tasks.py` builds.

    python scripts/reproduce/training_budgets.py FOLDER RECORD.jsonl [--settings NAME,…] [--tasks NAME,…] [--seeds 2]

Three networks on each task, the reference and a larger and a smaller candidate of the space, are trained with each
setting and validated on 8 chips. Every measurement is a line of RECORD; those that are there are not made again. At the
end it prints, for each setting, the mean over tasks, networks and seeds of 1-day accuracy, AVM and time.

Inputs are not augmented. A setting has a number of images shown in the digital and in the hardware-aware training; a
data set that is small is shown more often.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import records
import torch
from augmentations import as_it_is
from one_training import reference_of, validated

from analognas.compose import Composition, compose
from analognas.config.loader import load_config
from analognas.evaluation.training import Distillation, TrainingBudget
from analognas.training.loop import Schedule


@dataclass(frozen=True)
class Setting:
    """A training budget: images shown, and how.

    Attributes:
        digital: images shown in the digital training.
        hardware_aware: images shown in the hardware-aware training.
        batch: images an update.
        rate: peak learning rate of the digital training.
        hardware_aware_rate: of the hardware-aware one.
        warmup: share of the steps of both that ramps the rate up.
        options: further fields of the budget.
    """

    digital: int
    hardware_aware: int
    batch: int = 32
    rate: float = 0.01
    hardware_aware_rate: float = 0.003
    warmup: float = 0.1
    options: tuple[tuple[str, Any], ...] = ()

    def budget(self, n_inputs: int) -> TrainingBudget:
        """Return the budget for a training split of `n_inputs`."""

        def schedule(shown: int, rate: float, warmup: float, decay: float) -> Schedule:
            return Schedule(round(shown / n_inputs), self.batch, "adam", rate, warmup, decay)

        budget = TrainingBudget(
            digital=schedule(self.digital, self.rate, self.warmup, 1e-3),
            hardware_aware=schedule(self.hardware_aware, self.hardware_aware_rate, self.warmup, 0.0),
            weight_noise=0.06,
            noise_ramp=0.2,
            clip_sigma=2.5,
        )
        return replace(budget, **dict(self.options))


EVEN: Final = Setting(8_000, 8_000)
SETTINGS: Final[dict[str, Setting]] = {
    "batch-128": replace(EVEN, batch=128, rate=0.02, hardware_aware_rate=0.005),
    "batch-64": replace(EVEN, batch=64, rate=0.014, hardware_aware_rate=0.004),
    "batch-32": EVEN,
    "batch-16": replace(EVEN, batch=16, rate=0.007, hardware_aware_rate=0.002),
    "share-1/4": replace(EVEN, digital=12_000, hardware_aware=4_000),
    "share-3/4": replace(EVEN, digital=4_000, hardware_aware=12_000),
    "share-7/8": replace(EVEN, digital=2_000, hardware_aware=14_000),
    "rate-low": replace(EVEN, hardware_aware_rate=0.001),
    "rate-high": replace(EVEN, hardware_aware_rate=0.01),
    "noise-0": replace(EVEN, options=(("weight_noise", 0.0),)),
    "noise-0.03": replace(EVEN, options=(("weight_noise", 0.03),)),
    "noise-0.1": replace(EVEN, options=(("weight_noise", 0.1),)),
    "noise-0.15": replace(EVEN, options=(("weight_noise", 0.15),)),
    "device-1": replace(EVEN, options=(("modifier", "device"), ("weight_noise", 1.0))),
    "device-3": replace(EVEN, options=(("modifier", "device"), ("weight_noise", 3.0))),
    "clip-2": replace(EVEN, options=(("clip_sigma", 2.0),)),
    "clip-3": replace(EVEN, options=(("clip_sigma", 3.0),)),
    "no-clip": replace(EVEN, options=(("clip_sigma", None),)),
    "scales": replace(EVEN, options=(("learn_scales", True),)),
    "distillation": replace(EVEN, options=(("distillation", Distillation(4.0, 0.5)),)),
    "noise-0.2": replace(EVEN, options=(("weight_noise", 0.2),)),
    "noise-0.3": replace(EVEN, options=(("weight_noise", 0.3),)),
    "half": replace(EVEN, digital=4_000, hardware_aware=4_000),
    "double": replace(EVEN, digital=16_000, hardware_aware=16_000),
    "four": replace(EVEN, digital=32_000, hardware_aware=32_000),
}
"""What is compared, most of it one change away from `batch-32`."""

NOISY: Final = replace(EVEN, options=(("weight_noise", 0.15),))
SETTINGS |= {
    "noisy-batch-16": replace(NOISY, batch=16, rate=0.007, hardware_aware_rate=0.002),
    "noisy-batch-64": replace(NOISY, batch=64, rate=0.014, hardware_aware_rate=0.004),
    "noisy-share-1/4": replace(NOISY, digital=12_000, hardware_aware=4_000),
    "noisy-share-3/4": replace(NOISY, digital=4_000, hardware_aware=12_000),
    "noisy-share-7/8": replace(NOISY, digital=2_000, hardware_aware=14_000),
    "noisy-rate-0.001": replace(NOISY, hardware_aware_rate=0.001),
    "noisy-rate-0.01": replace(NOISY, hardware_aware_rate=0.01),
    "noisy-clip-2": replace(NOISY, options=(*NOISY.options, ("clip_sigma", 2.0))),
    "noisy-no-clip": replace(NOISY, options=(*NOISY.options, ("clip_sigma", None))),
    "noisy-scales": replace(NOISY, options=(*NOISY.options, ("learn_scales", True))),
    "noisy-distillation": replace(NOISY, options=(*NOISY.options, ("distillation", Distillation(4.0, 0.5)))),
    "noisy-half": replace(NOISY, digital=4_000, hardware_aware=4_000),
    "noisy-double": replace(NOISY, digital=16_000, hardware_aware=16_000),
}
"""One change away from `noise-0.15`."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure training budgets.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--settings", default=",".join(SETTINGS))
    parser.add_argument("--tasks", default="cifar-grey,cifar-colour,omniglot,spoken-digits,digits-24")
    parser.add_argument("--networks", default="reference,large,small")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--part", default="0/1", help="K/N: every Nth measurement from the Kth on, for N processes"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    part, parts = map(int, arguments.part.split("/"))
    done = _done(arguments.record)
    work = [
        (task, network, name, seed)
        for seed in range(arguments.seeds)
        for name in arguments.settings.split(",")
        for task in arguments.tasks.split(",")
        for network in arguments.networks.split(",")
    ]
    compositions: dict[str, Composition] = {}
    for task, network, name, seed in work[part::parts]:
        if (task, network, name, seed) in done:
            continue
        if task not in compositions:
            compositions[task] = compose(load_config(arguments.folder / f"{task}.yaml", as_it_is(task))[0])
        row = {"task": task, "network": network, "setting": name, "seed": seed}
        row |= measured(compositions[task], network, SETTINGS[name], seed)
        records.add(arguments.record, row)
        print(row, flush=True)
    print(summary(arguments.record))


def _done(record: Path) -> set[tuple[str, str, str, int]]:
    return {(row["task"], row["network"], row["setting"], row["seed"]) for row in records.read(record)}


def measured(composition: Composition, network: str, setting: Setting, seed: int) -> dict[str, Any]:
    """Return accuracy, AVM, spread and time of one training."""
    start = time.perf_counter()
    if network == "reference":
        module = reference_of(composition)
    else:
        module = composition.problem.space.build(candidate(composition, network))
    found = validated(module, composition, setting.budget(len(composition.prepared.train)), seed)
    return {**found, "seconds": time.perf_counter() - start, "what": asdict(setting)}


def candidate(composition: Composition, size: str) -> tuple[int, ...]:
    """Return the admissible candidate of a sample whose parameters are nearest 0.9 or 0.25 of the bound."""
    problem = composition.problem
    population = problem.space.sample(20_000, np.random.default_rng(0))
    population = population[problem.admissible(population)]
    share = problem.space.parameters(population) / problem.upper_bounds["parameters"]
    row = int(np.argmin(np.abs(share - (0.9 if size == "large" else 0.25))))
    return tuple(population[row].tolist())


def summary(record: Path) -> str:
    """Return the means over what every setting has been measured on, as a table."""
    table = pd.DataFrame(records.read(record))
    keys = ["task", "network", "seed"]
    n_settings = table["setting"].nunique()
    shared = table.groupby(keys).filter(lambda group: group["setting"].nunique() == n_settings)
    used = shared if len(shared) else table
    means = used.groupby("setting")[["accuracy_1d", "avm", "std_1d", "digital", "seconds"]].mean()
    by_task = used.pivot_table(index="setting", columns="task", values="accuracy_1d")
    return means.join(by_task, rsuffix=" (task)").round(4).sort_values("accuracy_1d").to_string()


if __name__ == "__main__":
    main()
