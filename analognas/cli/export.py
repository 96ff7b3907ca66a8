"""`analognas export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analognas.cli.options import RunFolder, TrialNumber

if TYPE_CHECKING:
    from analognas.export import Artefact

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
        typer.echo(_write_study(folder, out))
    formats = (
        [name for name in formats if name != STUDY]
        if formats
        else [name for name, entry in FORMATS.items() if entry.of_network]
    )
    if not formats:
        return
    from analognas.export import write_formats

    artefact = _artefact(folder, trial)
    for path in write_formats(artefact, formats, out or Path(), force=force):
        typer.echo(path)


def _artefact(folder: Path, trial: int | None) -> Artefact:
    from analognas.progress.terminal import PlainObserver
    from analognas.runs.best_network import best_artefact

    if trial is None:
        return best_artefact(folder)
    from analognas.record.directory import open_run
    from analognas.runs.any_trial import artefact_of_trial

    return artefact_of_trial(open_run(folder), trial, PlainObserver())


def _write_study(folder: Path, out: Path | None) -> Path:
    from analognas.record.study import write_study
    from analognas.runs.run import Run

    run = Run.open(folder)
    path = (out or run.path) / "study.db"
    config = run.config
    objectives = {objective.metric: objective.sign for objective in config.objectives}
    write_study(path, config.name, run.directory.trials(), objectives, config.constraints.upper_bounds())
    return path
