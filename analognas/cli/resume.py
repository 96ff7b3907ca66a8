"""`analognas resume`."""

from __future__ import annotations

from analognas.cli.options import AsJson, ExecutorKind, Overrides, Progress, RunFolder, observer_of


def resume(
    folder: RunFolder,
    executor: ExecutorKind = None,
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    progress: Progress = None,
    as_json: AsJson = False,
) -> None:
    """Continue a run, to another end where --set search.trials or search.patience says so; finished trials are kept."""
    import analognas
    from analognas.cli.summary import print_result, told_how_to_go_on

    with told_how_to_go_on():
        observer = observer_of(progress, as_json=as_json)
        run = analognas.resume(folder, executor=executor, overrides=overrides, observer=observer)
    print_result(run, as_json=as_json)
