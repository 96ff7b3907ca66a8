"""`analognas export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analognas.cli.options import RunFolder

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
    formats = (
        [name for name in formats if name != STUDY] if formats else [n for n in FORMATS if n != "test-data"]
    )
    if not formats:
        return
    from analognas.artefact import best_artefact

    artefact = best_artefact(folder)
    target = out or Path()
    try:
        for path in _write_formats(artefact, formats, target, force=force):
            typer.echo(path)
    except ExportError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(
            f"{target}: cannot be written: {error.strerror}; choose another folder with --out"
        ) from None


def _write_formats(artefact: Artefact, formats: Sequence[str], target: Path, *, force: bool) -> list[Path]:
    """Write every format into a folder beside `target`, then move the files there; none is replaced unasked."""
    from analognas.errors import UserError
    from analognas.export import FORMATS

    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target, prefix=".export-") as draft:
        for name in formats:
            FORMATS[name].write(artefact, Path(draft))
        files = sorted(Path(draft).iterdir())
        taken = [target / file.name for file in files if (target / file.name).exists()]
        if taken and not force:
            raise UserError(
                f"{taken[0]}: exists already; choose a folder with --out, or replace it with --force"
            )
        for file in files:
            file.replace(target / file.name)
    return [target / file.name for file in files]


def _write_study(folder: Path, out: Path | None) -> Path:
    from analognas.record.study import write_study
    from analognas.run import Run

    run = Run.open(folder)
    path = (out or run.path) / "study.db"
    config = run.config
    objectives = {objective.metric: objective.sign for objective in config.objectives}
    write_study(path, config.name, run.directory.trials(), objectives)
    return path
