"""Keeps what the searches of `stranger_tasks.py` found as text, so that fifty searches need not run on one machine.

    python scripts/reproduce/stranger_results.py collect FOLDER   # comparisons FOLDER/TASK, made by `analognas compare`
    python scripts/reproduce/stranger_results.py table

`collect` adds every search that has ended to `stranger_results.jsonl` beside this file, a line each; a search that is
there already is replaced. `table` prints, for each task, what `analognas compare` prints of its searches: means over
seeds, and differences with their intervals over seeds, chips and test images; then what each network costs, next to
the reference of its search, and how the strategies differ in parameters, seed by seed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from students_t import difference as student_difference

from analognas.comparison.outcome import RunOutcome
from analognas.comparison.result import Comparison
from analognas.progress.printable import table as columns
from analognas.record.directory import RunDirectory
from analognas.record.environment import SOURCE_HASH
from analognas.record.validation import FinalResult, ValidatedNetwork

KEPT: Final = Path(__file__).with_suffix(".jsonl")
TASKS: Final = ("digits-24", "omniglot", "spoken-digits", "cifar-grey", "cifar-colour")
STRATEGIES: Final = ("surrogate-guided", "random")
COUNTS: Final = ("trials", "failed", "after_design", "wasted", "best_so_far")


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
    kept.write_text("".join(json.dumps(rows[key], separators=(",", ":")) + "\n" for key in sorted(rows)))
    print(f"{len(found)} searches have ended there, {len(rows) - before} of them new; {len(rows)} are kept")


def table(tasks: Sequence[str] = TASKS, kept: Path = KEPT) -> None:
    """Print a table for each task of which a search is kept."""
    rows = _rows(kept)
    for task in tasks:
        runs = [_outcome(row) for row in rows if row["task"] == task]
        if runs:
            print(f"{_comparison(task, runs).to_text()}\n\n{_costs(runs)}\n")


def _rows(kept: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


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


def _outcome(row: dict[str, Any]) -> RunOutcome:
    result = FinalResult.from_json(json.dumps(row["result"]))
    return RunOutcome(
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


def _costs(runs: Sequence[RunOutcome]) -> str:
    """Return a row for each network found, beside the references of its search, and one for each reference."""
    references = {found.name: found for run in runs for found in run.references}
    rows = [("network", "1 day on chips", *references, "parameters", "energy, µJ", "tiles")]
    for run in runs:
        if run.network is not None:
            accuracies = (_accuracy(run, name) for name in (run.network.name, *references))
            rows.append((f"{run.strategy}, seed {run.seed}", *accuracies, *_sizes(run.network)))
    for name, found in references.items():
        rows.append((name, "", *[""] * len(references), *_sizes(found)))
    lines = [
        columns(rows),
        "1 day on chips, of network and reference: the mean over final trainings and chips",
    ]
    first, second = (
        {
            run.seed: run.mean("parameters")
            for run in runs
            if run.strategy == strategy and run.network is not None
        }
        for strategy in STRATEGIES
    )
    if len(first.keys() & second.keys()) > 1:
        found = student_difference(first, second, decimals=0)
        lines.append(f"parameters, {' minus '.join(STRATEGIES)}, Student's t: {found}")
    return "\n".join(lines)


def _accuracy(run: RunOutcome, name: str) -> str:
    trained = [
        one for one in (run.network, *run.references, *run.further) if one is not None and one.name == name
    ]
    return f"{100 * fmean(one.metrics['accuracy_1d'] for one in trained):.2f} %"


def _sizes(network: ValidatedNetwork) -> tuple[str, str, str]:
    found = network.metrics
    energy = f"{found['energy_uj']:.1f}" if "energy_uj" in found else "–"
    return f"{found['parameters']:,.0f}", energy, f"{found['tiles']:.0f}"


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
