"""`analognas resume`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from analognas.cli.options import AsJson, ExecutorKind, Observers, Overrides, Progress, RunFolder

if TYPE_CHECKING:
    from analognas.config.document import Document
    from analognas.config.sections import SearchConfig
    from analognas.progress.observer import Observer
    from analognas.record.directory import RunDirectory


def resume(
    folder: RunFolder,
    executor: ExecutorKind = None,
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    progress: Progress = None,
    observers: Observers = [],  # noqa: B006  # typer copies it
    as_json: AsJson = False,
) -> None:
    """Continue a run, to another end where --set search.trials or search.patience says so; finished trials are kept."""
    from analognas.config.loader import load_run_config
    from analognas.progress.observers import opened_on_command_line
    from analognas.record.directory import open_run
    from analognas.runs.growth import set_ends
    from analognas.runs.resume_checks import check_same_search

    shown = opened_on_command_line(progress, observers, as_json=as_json)
    run = open_run(folder)
    config, document = load_run_config(run.config, overrides, executor)
    check_same_search(run, config)
    set_ends(run, config, reopen=any(change.startswith("search.") for change in overrides))
    go_on(run, config, document, shown, as_json=as_json)


def go_on(
    run: RunDirectory,
    config: SearchConfig,
    document: Document,
    shown: AbstractContextManager[Observer],
    *,
    as_json: bool,
) -> None:
    """Run to the end what was checked, and print what came of it."""
    from analognas.cli.summary import print_interrupted, print_result
    from analognas.config.loader import located_in
    from analognas.interruption import terminated_as_interrupted
    from analognas.runs.lifecycle import continue_run

    with shown as observer, terminated_as_interrupted(), located_in(document):
        try:
            result = continue_run(run, config, observer)
        except KeyboardInterrupt:
            print_interrupted(run)
            raise
    print_result(run, result, config, as_json=as_json)
