"""`analognas finish`."""

from __future__ import annotations

from analognas.cli.options import AsJson, ExecutorKind, Observers, Progress, RunFolder


def finish(
    folder: RunFolder,
    executor: ExecutorKind = None,
    progress: Progress = None,
    observers: Observers = [],  # noqa: B006  # typer copies it
    as_json: AsJson = False,
) -> None:
    """End the search of a stopped run with the trials that it has: train, validate, export and report the best."""
    from analognas.cli.resume import go_on
    from analognas.config.loader import load_run_config
    from analognas.progress.observers import opened_on_command_line
    from analognas.record.directory import open_run
    from analognas.runs.growth import end_search

    shown = opened_on_command_line(progress, observers, as_json=as_json)
    run = open_run(folder)
    config, document = load_run_config(run.config, (), executor)
    if run.final_result() is None:
        end_search(run)
    go_on(run, config, document, shown, as_json=as_json)
