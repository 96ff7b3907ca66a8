"""`analognas resume`."""

from __future__ import annotations

from analognas.cli.options import AsJson, ExecutorKind, Overrides, RunFolder


def resume(
    folder: RunFolder,
    executor: ExecutorKind = None,
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    as_json: AsJson = False,
) -> None:
    """Continue an interrupted run; finished trials are kept. Only where evaluations run may change."""
    from analognas.cli.summary import print_interrupted, print_result
    from analognas.config.loader import load_run_config, located_in
    from analognas.interruption import terminated_as_interrupted
    from analognas.progress.terminal import observer_for_terminal
    from analognas.record.directory import open_run
    from analognas.runs.lifecycle import continue_run
    from analognas.runs.resume_checks import check_same_search

    run = open_run(folder)
    config, document = load_run_config(run.config, overrides, executor)
    check_same_search(run, config)
    with (
        observer_for_terminal(as_json=as_json) as observer,
        terminated_as_interrupted(),
        located_in(document),
    ):
        try:
            result = continue_run(run, config, observer)
        except KeyboardInterrupt:
            print_interrupted(run)
            raise
    print_result(run, result, config, as_json=as_json)
