"""`analognas init`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_MINUTES = 30.0


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("search.yaml"),
    task: Annotated[
        str, typer.Option(help="digits, or your own data: image-folder, wav-folder, arrays, char-lm.")
    ] = "digits",
    data: Annotated[
        Path | None,
        typer.Option(
            "--path",
            help="Your data: a folder of class folders, an .npz file, a text. They are looked at, a trial is timed.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="How long the search may take, in minutes; with --path. Default: 30."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file when it exists.")] = False,
) -> None:
    """Write a commented configuration to start from."""
    from analognas.config.template import template
    from analognas.errors import UserError
    from analognas.record.directory import write_atomically

    if path.exists() and not path.is_file():
        raise UserError(f"{path}: exists already and is no file; choose another name")
    if path.exists() and not force:
        raise UserError(f"{path}: exists already; choose another name, or replace it with --force")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}, make it first")
    if minutes is not None and not 0 < minutes < math.inf:
        raise UserError(f"--minutes must be more than 0 and finite, got {minutes:g}")
    if data is None:
        if minutes is not None:
            raise UserError("--minutes needs --path: a budget is planned from a trial on the data")
        text, told = template(task), "edit it"
    else:
        from analognas.runs.first_config import first_config

        text, told = first_config(task, data, path, DEFAULT_MINUTES if minutes is None else minutes)
    write_atomically(path, text)
    typer.echo(f"wrote {path}; {told}, then run: analognas search {path}")
