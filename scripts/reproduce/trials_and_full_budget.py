"""What the figures of a trial say about the same network at full budget.

    python scripts/reproduce/trials_and_full_budget.py collect RUN... [--more 8]
    python scripts/reproduce/trials_and_full_budget.py table

`collect` adds every training of the finalists of finished searches, with what its trial measured, to
`trials_and_full_budget.jsonl` beside this file; both are of the validation split. With `--more` other trials are
trained at the full budget of their search, too: of those with three quarters of the best accuracy at least, trials
whose AVMs are spread evenly from the smallest to the largest. What is there is not added again.

`table` prints, for each task, the mean AVM of both, the slope of the AVM at full budget over that of the trial with its
95 % interval by bootstrap over networks, what is left of its standard deviation, and Kendall's τ of the accuracies.
Then it prints what trainings of one network differ by, and the share of the variance over trials that is not that
(reliability), from the records of `collections/`.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import records
import torch

from analognas.compose import compose, final_budget
from analognas.config.loader import load_config
from analognas.config.sections import SearchConfig
from analognas.evaluation.full_training import FullTraining
from analognas.progress.printable import table as columns
from analognas.record.directory import RunDirectory
from analognas.record.records_file import read_records
from analognas.record.trial import Trial
from surrogates.kendall import kendall_tau

KEPT: Final = Path(__file__).with_suffix(".jsonl")
COLLECTIONS: Final = Path(__file__).with_name("collections")
USEFUL: Final = 0.75
METRICS: Final = ("accuracy_1d", "avm", "std_1d")
DRAWS: Final = 2000

Metrics: TypeAlias = Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare trials with trainings at full budget.")
    commands = parser.add_subparsers(dest="command", required=True)
    adds = commands.add_parser("collect")
    adds.add_argument("runs", type=Path, nargs="+")
    adds.add_argument("--more", type=int, default=0)
    commands.add_parser("table")
    options = parser.parse_args()
    if options.command == "table":
        table(records.read(KEPT))
        repeated()
        return
    for path in options.runs:
        run = RunDirectory(path)
        config, _ = load_config(run.config)
        trials = [trial for trial in run.trials() if trial.status == "completed"]
        _add(config.name, finalists(run, trials))
        _add(config.name, trained(config, trials, options.more))


def finalists(run: RunDirectory, trials: Sequence[Trial]) -> Iterator[tuple[Trial, int, Metrics]]:
    """Yield the trial of each training in the race of a search, the number of the training, and its figures.

    References are left out: the candidate that is most like one is another network.
    """
    result, by_number = run.final_result(), {trial.number: trial for trial in trials}
    times: Counter[int] = Counter()
    for finalist in [] if result is None else result.finalists:
        if finalist.trial in by_number and finalist.metrics:
            times[finalist.trial] += 1
            yield by_number[finalist.trial], times[finalist.trial], finalist.metrics


def trained(config: SearchConfig, trials: Sequence[Trial], n: int) -> Iterator[tuple[Trial, int, Metrics]]:
    """Train `n` trials at full budget; yield each with 0 and its figures."""
    torch.set_num_threads(1)
    composition = compose(config)
    try:
        for trial in _spread(trials, n):
            training = FullTraining(
                key=f"trial-{trial.number}",
                genotype=trial.genotype,
                architecture=trial.architecture,
                budget=final_budget(config.training, config.final),
                chips=config.final.chips,
                seed=trial.number,
                splits=("validation",),
            )
            yield trial, 0, composition.evaluator.train_in_full(training).measured["validation"].metrics
    finally:
        composition.site.close()


def _add(task: str, found: Iterator[tuple[Trial, int, Metrics]]) -> None:
    known = {
        (row["task"], *row["genotype"], row["trial"]["avm"], row["training"]) for row in records.read(KEPT)
    }
    for trial, number, full in found:
        if (task, *trial.genotype, round(trial.metrics["avm"], 5), number) in known:
            continue
        row = {
            "task": task,
            "genotype": list(trial.genotype),
            "training": number,
            "trial": {name: round(trial.metrics[name], 5) for name in METRICS},
            "full": {name: round(full[name], 5) for name in METRICS},
        }
        records.add(KEPT, row)


def _spread(trials: Sequence[Trial], n: int) -> list[Trial]:
    """Return `n` of the useful trials whose AVMs are as evenly spread as they can be."""
    best = max(trial.metrics["accuracy_1d"] for trial in trials)
    useful = [trial for trial in trials if trial.metrics["accuracy_1d"] >= USEFUL * best]
    left = sorted(useful, key=lambda trial: trial.metrics["avm"])
    found = []
    for wanted in np.linspace(left[0].metrics["avm"], left[-1].metrics["avm"], n):
        if left:
            nearest = min(left, key=lambda trial: abs(trial.metrics["avm"] - wanted))
            left.remove(nearest)
            found.append(nearest)
    return found


def table(rows: Sequence[dict[str, Any]]) -> None:
    """Print what trials say about trainings at full budget, for each task."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["task"]].append(row)
    rng = np.random.default_rng(0)
    told = [("task", "trainings", "AVM of trials", "at full budget", "slope", "left, points", "τ, accuracy")]
    for task, group in groups.items():
        trial, full = (
            np.array([[row[kind][m] for m in METRICS] for row in group]) for kind in ("trial", "full")
        )
        networks = list({tuple(row["genotype"]): None for row in group})
        of = {one: [k for k, row in enumerate(group) if tuple(row["genotype"]) == one] for one in networks}
        slopes = []
        for _ in range(DRAWS):
            some = [k for one in rng.integers(len(networks), size=len(networks)) for k in of[networks[one]]]
            slopes.append(_slope(trial[some, 1], full[some, 1]))
        slope = _slope(trial[:, 1], full[:, 1])
        low, high = np.nanpercentile(slopes, [2.5, 97.5])
        told.append(
            (
                task,
                str(len(group)),
                f"{100 * trial[:, 1].mean():.1f}",
                f"{100 * full[:, 1].mean():.1f}",
                f"{slope:.2f} [{low:.2f}, {high:.2f}]",
                f"{100 * (full[:, 1] - slope * trial[:, 1]).std(ddof=2):.1f}",
                f"{kendall_tau(trial[:, 0], full[:, 0]):.2f}",
            )
        )
    print(columns(told))


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.cov(x, y)[0, 1] / x.var(ddof=1)) if np.ptp(x) else float("nan")


def repeated() -> None:
    """Print what trainings of one network differ by, of networks with half of the best accuracy at least."""
    told = [
        ("records", "networks", "metric", "within a network, points", "over trials, points", "reliability")
    ]
    for task in ("digits", "fsdd", "cifar10"):
        frame = read_records(COLLECTIONS / f"{task}.csv.gz").frame.dropna(subset=["accuracy_1d"])
        frame = frame[frame.groupby("genotype").genotype.transform("size") > 1]
        frame = frame[frame.accuracy_1d >= frame.accuracy_1d.max() / 2]
        for metric in METRICS:
            within = float(np.sqrt(frame.groupby("genotype")[metric].var().mean()))
            over = float(frame[metric].std())
            figures = f"{100 * within:.1f}", f"{100 * over:.1f}", f"{1 - (within / over) ** 2:.2f}"
            told.append((task, str(frame.genotype.nunique()), metric, *figures))
    print(f"\n{columns(told)}")


if __name__ == "__main__":
    main()
