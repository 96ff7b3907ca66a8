"""`analognas search`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from analognas.cli.options import AsJson, ConfigFile, ExecutorKind, Observers, Overrides, Progress


def search(
    config: ConfigFile,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run directory to create; default: runs/NAME-DATE-TIME.")
    ] = None,
    overrides: Overrides = [],  # noqa: B006  # typer copies it
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
    observers: Observers = [],  # noqa: B006  # typer copies it
    as_json: AsJson = False,
) -> None:
    """Search an architecture, train it at full budget, validate it on chips, export it and write the report."""
    from analognas.cli.plan import print_plan
    from analognas.cli.summary import print_interrupted, print_result
    from analognas.compose import compose
    from analognas.config.loader import load_config, located_in
    from analognas.errors import UserError
    from analognas.interruption import terminated_as_interrupted
    from analognas.progress.observers import opened_on_command_line
    from analognas.record.directory import ensure_unused, holds_run, open_run
    from analognas.runs.growth import set_ends
    from analognas.runs.lifecycle import continue_run, new_run, run_to_end
    from analognas.runs.resume_checks import check_same_search, with_size_bounds_of

    if resume not in ("never", "auto") or (resume == "auto" and out is None):
        raise UserError(f"--resume: must be never, or auto together with --out, got {resume}")
    shown = opened_on_command_line(progress, observers, as_json=as_json)
    parsed, document = load_config(config, overrides, executor, seed)
    run = open_run(out) if out is not None and resume == "auto" and holds_run(out) else None
    if run is not None:
        parsed = with_size_bounds_of(run, parsed)
        check_same_search(run, parsed)
        set_ends(run, parsed, reopen=False)
    elif out is not None:
        ensure_unused(out)
    if dry_run:
        with located_in(document):
            print_plan(compose(parsed), as_json=as_json)
        return
    with terminated_as_interrupted(), located_in(document):
        try:
            if run is None:
                composition = compose(parsed)
                parsed = composition.config
                run = new_run(composition, out)
                to_its_end = partial(run_to_end, run, composition)
            else:
                to_its_end = partial(continue_run, run, parsed)
            with shown as observer:
                observer.stage(f"run directory {run.path}")
                result = to_its_end(observer)
        except KeyboardInterrupt:
            print_interrupted(run)
            raise
    print_result(run, result, parsed, as_json=as_json)
