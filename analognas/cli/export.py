"""`analognas export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analognas.cli.options import RunFolder


def export(
    folder: RunFolder,
    formats: Annotated[
        list[str],
        typer.Option("--format", help="A format (repeatable); default: all. `--format help` lists them."),
    ] = [],  # noqa: B006  # typer copies it
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write; default: the current directory.")
    ] = None,
) -> None:
    """Write the best network of a finished run in the formats asked for."""
    from analognas.cli.summary import table
    from analognas.config.problems import nearest
    from analognas.errors import UserError
    from analognas.export import FORMATS, ExportError

    if "help" in formats:
        typer.echo(table([(name, entry.summary) for name, entry in FORMATS.items()], align_right=False))
        return
    for name in formats:
        if name not in FORMATS:
            raise UserError(f"--format: unknown format {name!r}{nearest(name, FORMATS)}")
    from analognas.artefact import best_artefact

    artefact = best_artefact(folder)
    target = out or Path()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in formats or FORMATS:
            for path in FORMATS[name].write(artefact, target):
                typer.echo(path)
    except ExportError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(
            f"{target}: cannot be written: {error.strerror}; choose another folder with --out"
        ) from None
