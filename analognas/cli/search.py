"""`analognas search`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from analognas.cli.options import AsJson, ConfigFile, ExecutorKind, Observers, Overrides, Progress


def search(
    config: ConfigFile,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run directory to create; default: runs/NAME-DATE-TIME.")
    ] = None,
    overrides: Overrides = [],
    executor: ExecutorKind = None,
    seed: Annotated[int | None, typer.Option(help="Replace the seed of the configuration.")] = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="never|auto",
            help="auto: continue the run in --out when there is one, so that the command may be given again.",
        ),
    ] = "never",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and show the plan; create nothing.")
    ] = False,
    progress: Progress = None,
    observers: Observers = [],
    as_json: AsJson = False,
) -> None:
    """Search an architecture, train it at full budget, validate it on chips, export it and write the report."""
    import analognas
    from analognas.cli.summary import print_result, told_how_to_go_on
    from analognas.progress.observers import named_on_command_line

    asked: dict[str, Any] = {
        "executor": executor,
        "out": out,
        "seed": seed,
        "overrides": overrides,
        "resume": resume,
    }
    if dry_run:
        planned = analognas.plan(config, **asked)
        lines = f"{planned}\nthe configuration is valid; nothing was created"
        typer.echo(json.dumps(planned.to_json(), indent=1) if as_json else lines)
        return
    with told_how_to_go_on():
        observer = named_on_command_line(progress, observers, as_json=as_json)
        run = analognas.search(config, **asked, observer=observer)
    print_result(run, as_json=as_json)
