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
    import analognas
    from analognas.driver.replay import counted

    replayed = analognas.replay(folder, evaluate=evaluate)
    measured = " and every measurement" if evaluate else ""
    if replayed.passed_over:
        measured += f" (except {replayed.passed_over} that crashed, hung or ran out of memory)"
    count = f"{counted(replayed.trials, 'trial')}, {counted(replayed.asks, 'ask')}"
    typer.echo(f"{folder}: {count}: every proposal{measured} is the same again")
