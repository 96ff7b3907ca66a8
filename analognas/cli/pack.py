"""`analognas pack`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from analognas.cli.options import AsJson


def pack(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Collections, run directories and packed files of one kind."),
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write, such as records.csv.gz.")],
    as_json: AsJson = False,
) -> None:
    """Write measured candidates into one table, with configuration, versions and seeds: what surrogates train on."""
    import analognas

    found = analognas.pack(folders, out=out)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    failed = f", {found['failed']} failed" if found["failed"] else ""
    typer.echo(
        f"{found['file']}: {found['rows']} trainings of {found['candidates']} candidates from {found['runs']} "
        f"run{'' if found['runs'] == 1 else 's'}{failed}"
    )
