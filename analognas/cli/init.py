"""`analognas init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("search.yaml"),
    task: Annotated[
        str, typer.Option(help="digits, or your own data: image-folder, wav-folder, arrays.")
    ] = "digits",
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
    write_atomically(path, template(task))
    typer.echo(f"wrote {path}; edit it, then run: analognas search {path}")
