"""`analognas collect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from analognas.cli.options import AsJson, ConfigFile, ExecutorKind, Observers, Overrides, Progress


def collect(
    config: ConfigFile,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The directory to create, or to continue in; default: collections/NAME-DATE-TIME."
        ),
    ] = None,
    trainings: Annotated[
        int, typer.Option(help="Trainings of the candidates that are trained several times.")
    ] = 3,
    again: Annotated[
        int | None,
        typer.Option(help="How many those are; default: those of equal size, and as many of the others."),
    ] = None,
    overrides: Overrides = [],
    executor: ExecutorKind = None,
    progress: Progress = None,
    observers: Observers = [],
    as_json: AsJson = False,
) -> None:
    """Train and measure candidates of all sizes, some of them several times: records to train surrogates on."""
    import analognas
    from analognas.interruption import SearchInterrupted, terminated_as_interrupted
    from analognas.progress.observers import named_on_command_line
    from analognas.progress.printable import tell

    try:
        with terminated_as_interrupted():
            collection = analognas.collect(
                config,
                out=out,
                trainings=trainings,
                again=again,
                overrides=overrides,
                executor=executor,
                observer=named_on_command_line(progress, observers, as_json=as_json),
            )
    except SearchInterrupted as error:
        kept = "" if error.path is None else f"; give the same command with --out {error.path} to continue"
        tell(
            "interrupted before the first candidate; nothing was created"
            if error.path is None
            else f"interrupted; every finished trial is kept{kept}"
        )
        raise
    counts = collection.counts()
    if as_json:
        typer.echo(json.dumps({"collection": str(collection.path), "completed": counts}, indent=1))
        return
    for name, number in counts.items():
        typer.echo(f"{name}: {number} candidates measured")
    typer.echo(f"one table: analognas pack {collection.path} --out records.csv.gz")
