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

    replayed = analognas.replay(folder, evaluate=evaluate)
    measured = " and every measurement" if evaluate else ""
    if replayed.passed_over:
        measured += f" (except {replayed.passed_over} that crashed, hung or ran out of memory)"
    count = f"{_counted(replayed.trials, 'trial')}, {_counted(replayed.asks, 'ask')}"
    typer.echo(f"{folder}: {count}: every proposal{measured} is the same again")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
