"""Several runs on one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analognas.errors import UserError, remedy
from analognas.progress.observer import Observer, Silent
from analognas.report.side_by_side import MOST_RUNS, write_side_by_side
from analognas.runs.run import Run
from analognas.runs.tables_and_report import report_data


def compare_runs(
    folders: Sequence[Path], out: Path, *, force: bool = False, observer: Observer | None = None
) -> Path:
    """Write a page that puts runs side by side, and return it.

    Args:
        folders: run directories, 2 to 12, finished or not.
        out: the page.
        force: replace a file that is there.
        observer: is told what of a run is missing or damaged; None: nobody is.

    Raises:
        UserError: for too few or too many runs, one that is named twice or is none, and a page that cannot be written.
    """
    places = [folder.resolve() for folder in folders]
    if not 2 <= len(set(places)) == len(places) <= MOST_RUNS:
        raise UserError(
            f"2 to {MOST_RUNS} different runs can stand side by side, got {', '.join(map(str, folders))}"
        )
    if out.exists() and not force:
        raise UserError(f"{out}: exists; --force replaces it, --out names another file")
    runs = [Run.open(folder) for folder in folders]
    found = [report_data(run.directory, run.config, run.directory.trials(), run.result) for run in runs]
    for data in found:
        for sentence in data.damage:
            (observer or Silent()).stage(sentence)
    try:
        write_side_by_side(out, list(zip(_names(places), found, strict=True)))
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}; {remedy(error)}") from None
    return out


def _names(places: Sequence[Path]) -> list[str]:
    """Return the last part of each path, and as much before it as tells it from the others."""
    depth = 1
    while True:
        names = ["/".join(place.parts[-depth:]) for place in places]
        if len(set(names)) == len(names):
            return names
        depth += 1
