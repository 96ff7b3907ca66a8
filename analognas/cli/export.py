"""`analognas export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from analognas.cli.options import RunFolder

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
) -> None:
    """Write the best network of a finished run in the formats asked for."""
    from analognas.cli.summary import table
    from analognas.config.problems import nearest
    from analognas.errors import UserError
    from analognas.export import FORMATS, ExportError

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
        typer.echo(_write_study(folder, out))
    formats = [name for name in formats if name != STUDY] if formats else list(FORMATS)
    if not formats:
        return
    from analognas.artefact import best_artefact

    artefact = best_artefact(folder)
    target = out or Path()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in formats:
            for path in FORMATS[name].write(artefact, target):
                typer.echo(path)
    except ExportError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(
            f"{target}: cannot be written: {error.strerror}; choose another folder with --out"
        ) from None


def _write_study(folder: Path, out: Path | None) -> Path:
    from analognas.record.study import write_study
    from analognas.run import Run

    run = Run.open(folder)
    path = (out or run.path) / "study.db"
    write_study(path, run.config.name, run.directory.trials(), run.config.objective)
    return path
