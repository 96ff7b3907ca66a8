"""What of a run directory is missing or damaged, as its report says it: half a run must not look like a whole one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from analognas.export import damaged_files
from analognas.record.directory import RunDirectory
from analognas.record.search_end import read_search_end
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult

_SHOWN_BY: Final = {
    "analog.json": "the diagram, the layers on tiles and the cost on the chip",
    "metrics.json": "the figures of the best network at full budget",
    "architecture.json": "the input shape and the number of classes",
}
"""Files of `best/` that a report reads, and what it shows of each."""


def damage_of(run: RunDirectory, trials: Sequence[Trial], result: FinalResult | None) -> list[str]:
    """Return a sentence on each part of a run that a report lacks, with what mends it; none of a whole run.

    Args:
        run: its directory.
        trials: of its record.
        result: the end of the run, None while it is unfinished.

    Raises:
        UserError: when `search_end.json` is damaged.
    """
    return [
        sentence
        for sentence in (_of_best(run) if run.best.exists() else "", _of_record(run, trials, result))
        if sentence
    ]


def n_missing(run: RunDirectory, trials: Sequence[Trial], result: FinalResult | None) -> int:
    """Return how many trials the record lacks at least, 0 where no file knows of more.

    The final result, the end of the search and the tables of the last report each know a number. A run that has not
    ended may have begun again with an empty record, so its tables say nothing.

    Raises:
        UserError: when `search_end.json` is damaged.
    """
    known, end = [len(trials)], read_search_end(run)
    if end is not None:
        known.append(end.trials)
    if result is not None:
        numbers = (result.trial, *(finalist.trial for finalist in result.finalists))
        known += [number for number in numbers if number is not None]
        known.append(int(result.surrogate.get("trials", 0)))
    if end is not None or result is not None:
        known.append(_rows(run.summary))
    return max(known) - len(trials)


def _of_best(run: RunDirectory) -> str:
    damaged = damaged_files(run.best)
    if not run.metrics.exists():  # which has no checksum
        damaged = (*damaged, run.metrics.name)
    if not damaged:
        return ""
    lacking = [shown for name, shown in _SHOWN_BY.items() if name in damaged]
    effect = f", so this report may lack {' and '.join(lacking)}" if lacking else ""
    remedy = f"`analognas resume {run.path}` makes them again"
    return f"{run.best}: missing or damaged: {', '.join(damaged)}{effect}; {remedy}"


def _of_record(run: RunDirectory, trials: Sequence[Trial], result: FinalResult | None) -> str:
    missing = n_missing(run, trials, result)
    if not missing:
        return ""
    return (
        f"{run.journal}: has {len(trials):,} trials, the run had {len(trials) + missing:,} or more, so this report "
        "shows a part of its search; restore the file from a copy"
    )


def _rows(path: Path) -> int:
    """Return how many trials a table has, 0 where there is none that can be read."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return max(0, sum(1 for _ in csv.reader(file)) - 1)
    except (OSError, ValueError, csv.Error):
        return 0
