"""`analognas data`: the data sets that can be fetched, and what is on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analognas.cli.options import AsJson

if TYPE_CHECKING:
    from analognas.tasks.store.fetch import Progress
    from analognas.tasks.store.sources import Source

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Fetch data sets; list what is there.")


@app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the data sets that can be fetched, where they are, and their licences."""
    from analognas.progress.printable import table
    from analognas.tasks.store.places import data_folder
    from analognas.tasks.store.sources import SOURCES

    if as_json:
        content = {
            source.name: {
                "summary": source.summary,
                "licence": source.licence,
                "bytes": source.size,
                "files": [str(path) for path in source.files() or ()],
                "copy": None if source.copy() is None else str(source.copy()),
                "urls": [download.url for download in source.downloads],
            }
            for source in SOURCES.values()
        }
        typer.echo(json.dumps(content, indent=1))
        return
    rows = [("name", "download", "here", "what", "licence")]
    rows += [
        (source.name, f"{source.size / 1e6:,.0f} MB", _where(source), source.summary, source.licence)
        for source in SOURCES.values()
    ]
    typer.echo(table(rows, align_right=False))
    for source in SOURCES.values():
        if source.files() is None and (copy := source.copy()) is not None:
            typer.echo(f"the copy of {source.name} is {copy}")
    typer.echo(f"data folder: {data_folder()}, filled by `analognas data fetch NAME`")
    typer.echo(
        "`digits` is bundled; your own folders and arrays need no fetching: `analognas describe tasks`"
    )


@app.command("fetch")
def fetch_source(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A data set of `analognas data list`.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", help="A folder other than the data folder; name it in ANALOGNAS_DATA afterwards."
        ),
    ] = None,
) -> None:
    """Download a data set from its official place; a download that broke off goes on."""
    from analognas.errors import UserError
    from analognas.specs.problems import nearest
    from analognas.tasks.store.fetch import fetch
    from analognas.tasks.store.places import data_folder
    from analognas.tasks.store.sources import SOURCES

    if name is None:
        raise UserError(f"data fetch: name a data set: {', '.join(SOURCES)}")
    if name not in SOURCES:
        raise UserError(f"data fetch: unknown data set {name!r}{nearest(name, SOURCES)}")
    source = SOURCES[name]
    folder = (to or data_folder()) / name
    typer.echo(f"{source.summary}\nlicence: {source.licence}", err=True)
    for file in fetch(source, folder, _progress()):
        typer.echo(f"{file}")


def _where(source: Source) -> str:
    if source.files() is not None:
        return "yes"
    return "a copy" if source.copy() is not None else "no"


def _progress() -> Progress:
    """Return what shows the bytes as they come: on a terminal every hundredth, elsewhere every tenth."""
    shown: dict[str, int] = {}
    live = sys.stderr.isatty()

    def show(file: str, done: int, total: int) -> None:
        step = (100 if live else 10) * done // total
        if step != shown.get(file):
            shown[file] = step
            text = f"{file}: {done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
            typer.echo(f"\r{text}" if live else text, err=True, nl=not live or done >= total)

    return show
