"""`analognas resume`."""

from __future__ import annotations

from analognas.cli.options import AsJson, ExecutorKind, Observers, Overrides, Progress, RunFolder


def resume(
    folder: RunFolder,
    executor: ExecutorKind = None,
    overrides: Overrides = [],
    progress: Progress = None,
    observers: Observers = [],
    as_json: AsJson = False,
) -> None:
    """Continue a run, to another end where --set search.trials or search.patience says so; finished trials are kept."""
    import analognas
    from analognas.cli.summary import print_result, told_how_to_go_on
    from analognas.progress.observers import named_on_command_line

    with told_how_to_go_on():
        observer = named_on_command_line(progress, observers, as_json=as_json)
        run = analognas.resume(folder, executor=executor, overrides=overrides, observer=observer)
    print_result(run, as_json=as_json)
