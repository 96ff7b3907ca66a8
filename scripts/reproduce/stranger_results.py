"""Keeps what the searches of `stranger_tasks.py` found, so that fifty searches need not run on one machine.

    python scripts/reproduce/stranger_results.py collect FOLDER   # comparisons FOLDER/TASK, made by `analognas compare`
    python scripts/reproduce/stranger_results.py table

`collect` adds every search that has ended to `stranger_results.jsonl.xz` beside this file, a line each; a search that
is there already is replaced. `table` prints, for each task,
what `analognas compare` prints of its searches: means over seeds, and differences with their intervals over seeds,
chips and test images; then the best trial of each search at full budget next to the reference; and what strategies and
references differ by, with intervals over seeds (Student's t), in which all seeds have the same test images.
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from students_t import difference as student_difference

from analognas.comparison.outcome import RunOutcome
from analognas.comparison.result import Comparison
from analognas.progress.printable import table as columns
from analognas.record.directory import RunDirectory
from analognas.record.environment import SOURCE_HASH
from analognas.record.validation import FinalResult

KEPT: Final = Path(__file__).with_suffix(".jsonl.xz")
TASKS: Final = ("digits-24", "omniglot", "spoken-digits", "cifar-grey", "cifar-colour")
STRATEGIES: Final = ("surrogate-guided", "random")
COUNTS: Final = ("trials", "failed", "after_design", "wasted", "best_so_far")


@dataclass(frozen=True)
class Search:
    """A search that has ended.

    Attributes:
        run: what it found.
        finalists: mean 1-day accuracy of its finalists on the validation split, of one training each.
    """

    run: RunOutcome
    finalists: float

    @property
    def name(self) -> str:
        """Strategy and seed."""
        return f"{self.run.strategy}, seed {self.run.seed}"

    def pair(self, metric: str) -> tuple[float, float]:
        """Return a figure of the best trial and of the first reference, in the mean of their trainings."""
        reference = self.run.trainings(self.run.reference(next(iter(self.run.differences))))
        own, other = (
            fmean(training.metrics.get(metric, math.nan) for training in trainings)
            for trainings in (self.run.own, reference)
        )
        return own, other

    def share(self, metric: str) -> float:
        """Return a figure of the best trial as a share of the reference's."""
        own, other = self.pair(metric)
        return own / other


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep and show what searches found.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("collect").add_argument("folder", type=Path)
    commands.add_parser("table")
    options = parser.parse_args()
    if options.command == "collect":
        collect(options.folder)
    else:
        table()


def collect(folder: Path, kept: Path = KEPT) -> None:
    """Add the searches below `folder` that have ended to the file `kept`."""
    rows = {_key(row): row for row in _rows(kept)}
    before = len(rows)
    found = list(_ended(folder))
    rows |= {_key(row): row for row in found}
    lines = [json.dumps(rows[key], separators=(",", ":")) + "\n" for key in sorted(rows)]
    kept.write_bytes(lzma.compress("".join(lines).encode(), preset=9))
    print(f"{len(found)} searches have ended there, {len(rows) - before} of them new; {len(rows)} are kept")


def table(tasks: Sequence[str] = TASKS, kept: Path = KEPT) -> None:
    """Print a table for each task of which a search is kept."""
    rows = _rows(kept)
    for task in tasks:
        searches = [_search(row) for row in rows if row["task"] == task]
        if searches:
            comparison = _comparison(task, [search.run for search in searches])
            print(f"{comparison.to_text()}\n\n{_own(searches)}\n\n{_differences(searches)}\n")


def _rows(kept: Path) -> list[dict[str, Any]]:
    if not kept.exists():
        return []
    return [json.loads(line) for line in lzma.decompress(kept.read_bytes()).splitlines()]


def _key(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["task"], row["strategy"], row["seed"]


def _ended(folder: Path) -> Iterator[dict[str, Any]]:
    for record in sorted(folder.glob("*/comparison.json")):
        for run in json.loads(record.read_text())["runs"]:
            directory = RunDirectory(record.parent / run["strategy"] / f"seed-{run['seed']}")
            if run["state"] != "finished" or not directory.metrics.exists():
                continue
            result = json.loads(directory.metrics.read_text())
            yield {
                "task": record.parent.name,
                "strategy": run["strategy"],
                "seed": run["seed"],
                "code": directory.read_environment().get(SOURCE_HASH, ""),
                **{name: run[name] for name in COUNTS},
                "result": {**result, "surrogate": {}},
            }


def _search(row: dict[str, Any]) -> Search:
    result = FinalResult.from_json(json.dumps(row["result"]))
    run = RunOutcome(
        strategy=row["strategy"],
        seed=row["seed"],
        path=Path(row["task"]) / row["strategy"] / f"seed-{row['seed']}",
        state="finished",
        note="",
        **{name: row[name] for name in COUNTS[:-1]},
        best_so_far=tuple(row["best_so_far"]),
        network=result.network,
        references=result.references,
        further=result.further,
        runner_up=() if result.runner_up is None else result.runner_up.trainings,
    )
    return Search(run, _finalists(result))


def _finalists(result: FinalResult) -> float:
    """Return the mean 1-day accuracy of the trials of a race, trained once, on the validation split; NaN without."""
    found = [
        one.metrics["accuracy_1d"]
        for one in result.finalists
        if one.trial is not None and one.repeat == 0 and one.metrics
    ]
    return fmean(found) if found else math.nan


def _own(searches: Sequence[Search]) -> str:
    """Return a row for the best trial of each search, beside its first reference, and one for what that costs."""
    rows = [("best trial", "1 day", "reference", "AVM", "reference", "parameters", "energy, µJ", "tiles")]
    for search in searches:
        points = [f"{100 * value:.2f}" for metric in ("accuracy_1d", "avm") for value in search.pair(metric)]
        rows.append((search.name, *points, *_costs(search, 0)))
    rows.append(("reference", *[""] * 4, *_costs(searches[0], 1)))
    return f"{columns(rows)}\n1 day and AVM on chips, percent and points: the mean over final trainings and chips"


def _costs(search: Search, side: int) -> tuple[str, str, str]:
    parameters, energy, tiles = (search.pair(metric)[side] for metric in ("parameters", "energy_uj", "tiles"))
    return f"{parameters:,.0f}", f"{energy:.1f}", f"{tiles:.0f}"


def _differences(searches: Sequence[Search]) -> str:
    """Return what best trials and finalists differ by, over seeds."""
    told = []
    by_strategy = {
        strategy: {search.run.seed: search for search in searches if search.run.strategy == strategy}
        for strategy in STRATEGIES
    }
    for strategy, found in by_strategy.items():
        if found:
            own, other = (
                {seed: 100 * search.pair("avm")[side] for seed, search in found.items()} for side in (0, 1)
            )
            told.append(f"AVM, {strategy} minus reference: {student_difference(own, other)}")
            for metric in ("parameters", "energy_uj"):
                shares = [search.share(metric) for search in found.values()]
                told.append(
                    f"{metric}, {strategy} over reference: {fmean(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"
                )
    first, second = by_strategy.values()
    measures: dict[str, tuple[int, Callable[[Search], float]]] = {
        "AVM": (2, lambda search: 100 * search.pair("avm")[0]),
        "parameters": (0, lambda search: search.pair("parameters")[0]),
        "finalists trained once, 1 day on validation": (2, lambda search: 100 * search.finalists),
    }
    if first.keys() & second.keys():
        for name, (decimals, measure) in measures.items():
            values = [{seed: measure(search) for seed, search in found.items()} for found in (first, second)]
            told.append(
                f"{name}, {' minus '.join(STRATEGIES)}: {student_difference(*values, decimals=decimals)}"
            )
    return "\n".join(told)


def _comparison(task: str, runs: list[RunOutcome]) -> Comparison:
    strategies = tuple(name for name in STRATEGIES if any(run.strategy == name for run in runs))
    return Comparison(
        name=task,
        path=Path(task),
        strategies=strategies,
        seeds=tuple(sorted({run.seed for run in runs})),
        references=tuple(dict.fromkeys(name for run in runs for name in run.differences)),
        design=dict.fromkeys(strategies, 8),
        runs=tuple(sorted(runs, key=lambda run: (run.seed, strategies.index(run.strategy)))),
    )


if __name__ == "__main__":
    main()
