"""`analognas search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analognas.cli.options import AsJson, ConfigFile, Overrides


def search(
    config: ConfigFile,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run directory to create; default: runs/NAME-DATE-TIME.")
    ] = None,
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    seed: Annotated[int | None, typer.Option(help="Replace the seed of the configuration.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and show the plan; create nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search an architecture, train it at full budget, validate it on chips, export it and write the report."""
    from analognas.cli.progress import observer_for_terminal
    from analognas.cli.summary import print_interrupted, print_plan, print_result
    from analognas.compose import compose
    from analognas.config.loader import load_config
    from analognas.record.directory import ensure_unused
    from analognas.session import new_run, run_to_end

    changes = [*overrides, f"seed={seed}"] if seed is not None else overrides
    parsed, document = load_config(config, changes)
    if out is not None:
        ensure_unused(out)
    composition = compose(parsed, document)
    if dry_run:
        print_plan(parsed, composition, as_json=as_json)
        return
    run = new_run(parsed, composition, out)
    with observer_for_terminal(as_json=as_json) as observer:
        try:
            observer.stage(f"run directory {run.path}")
            for note in composition.task.notes:
                observer.stage(f"data: {note}")
            result = run_to_end(run, parsed, composition, observer)
        except KeyboardInterrupt:
            print_interrupted(run)
            raise
    print_result(run, result, as_json=as_json)
