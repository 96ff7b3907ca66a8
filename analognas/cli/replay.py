"""`analognas replay`."""

from __future__ import annotations

from typing import Annotated

import typer

from analognas.cli.options import RunFolder


def replay(
    folder: RunFolder,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Train and measure every candidate again, too.")
    ] = False,
) -> None:
    """Make the decisions of a run again in the recorded order of completion; every proposal must come back the same."""
    from analognas.config.loader import load_run_config, located_in
    from analognas.driver.replay import counted, is_passed_over
    from analognas.driver.replay import replay as replay_run
    from analognas.errors import UserError
    from analognas.executors.specs import SerialSpec
    from analognas.record.directory import open_run
    from analognas.runs.begun import compose_begun
    from analognas.runs.resume_checks import other_code

    run = open_run(folder)
    config, document = load_run_config(run.config, executor="serial")
    if not evaluate:  # then no device is needed either
        config = config.model_copy(update={"executor": SerialSpec()})
    with located_in(document):
        composition = compose_begun(run, config)
    trials = run.trials()
    try:
        n_asks = replay_run(composition.loop, trials, composition.evaluator.evaluate if evaluate else None)
    except UserError as error:
        explanation = other_code(run, trials)
        raise UserError(f"{error}; {explanation}" if explanation else str(error)) from None
    measured = " and every measurement" if evaluate else ""
    n_passed_over = sum(map(is_passed_over, trials)) if evaluate else 0
    if n_passed_over:
        measured += f" (except {n_passed_over} that crashed, hung or ran out of memory)"
    replayed = f"{counted(len(trials), 'trial')}, {counted(n_asks, 'ask')}"
    typer.echo(f"{run.path}: {replayed}: every proposal{measured} is the same again")
