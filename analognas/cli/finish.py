"""`analognas finish`."""

from __future__ import annotations

from analognas.cli.options import AsJson, ExecutorKind, Observers, Progress, RunFolder


def finish(
    folder: RunFolder,
    executor: ExecutorKind = None,
    progress: Progress = None,
    observers: Observers = [],
    as_json: AsJson = False,
) -> None:
    """End the search of a stopped run with the trials that it has: train, validate, export and report the best."""
    import analognas
    from analognas.cli.summary import print_result, told_how_to_go_on
    from analognas.progress.observers import named_on_command_line

    with told_how_to_go_on():
        run = analognas.finish(
            folder, executor=executor, observer=named_on_command_line(progress, observers, as_json=as_json)
        )
    print_result(run, as_json=as_json)
