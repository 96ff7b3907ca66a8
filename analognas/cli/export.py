"""`analognas export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from analognas.cli.options import RunFolder, TrialNumber

STUDY: Final = "study"


def export(
    folder: RunFolder,
    formats: Annotated[
        list[str],
        typer.Option(
            "--format",
            help="A format (repeatable); default: every network format. `--format help` lists them.",
        ),
    ] = [],  # noqa: B006  # typer copies it
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write; default: the current directory, the run's for `study`."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    trial: TrialNumber = None,
) -> None:
    """Write the best network of a finished run, or that of any trial, in the formats asked for."""
    from analognas.errors import UserError
    from analognas.export import FORMATS
    from analognas.progress.printable import table
    from analognas.progress.terminal import PlainObserver
    from analognas.runs.run import Run
    from analognas.specs.problems import nearest

    summaries = {
        **{name: entry.summary for name, entry in FORMATS.items()},
        STUDY: "study.db: every trial, for Optuna",
    }
    if "help" in formats:
        typer.echo(table(list(summaries.items()), align_right=False))
        return
    for name in formats:
        if name not in summaries:
            raise UserError(f"--format: unknown format {name!r}{nearest(name, summaries)}")
    if STUDY in formats:
        typer.echo(Run.open(folder).export_study(out))
    networks = [name for name in formats if name != STUDY]
    if formats and not networks:
        return
    run = Run.open(folder)
    for path in run.export(
        out or Path(), networks or None, trial=trial, force=force, observer=PlainObserver()
    ):
        typer.echo(path)
