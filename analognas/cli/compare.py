"""`analognas compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from analognas.cli.options import (
    AsJson,
    ConfigFile,
    ExecutorKind,
    Observers,
    Overrides,
    Progress,
)


def compare(
    config: ConfigFile,
    seeds: Annotated[
        str,
        typer.Option(
            metavar="N|LIST",
            help="5: searches with the seeds 0 to 4; 3,7,11: with these; 3,: with this one.",
        ),
    ] = "5",
    strategies: Annotated[
        list[str],
        typer.Option(
            metavar="NAMES",
            help="As in a configuration, separated by commas or repeated, options in parentheses: "
            "'random,optuna-tpe(initial=40)'; the others are compared with the first.",
        ),
    ] = ["surrogate-guided,random"],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The directory to create, or to continue in; default: comparisons/NAME-DATE-TIME."
        ),
    ] = None,
    overrides: Overrides = [],
    executor: ExecutorKind = None,
    progress: Progress = None,
    observers: Observers = [],
    as_json: AsJson = False,
) -> None:
    """Compare strategies on whole searches with several seeds: accuracy on chips, intervals, wasted trials."""

    import analognas
    from analognas.errors import NoFeasibleArchitectureError
    from analognas.interruption import SearchInterrupted, terminated_as_interrupted
    from analognas.progress.observers import named_on_command_line
    from analognas.progress.printable import printable, tell

    try:
        with terminated_as_interrupted():
            comparison = analognas.compare(
                config,
                seeds=_seeds(seeds),
                strategies=strategies,
                out=out,
                overrides=overrides,
                executor=executor,
                observer=named_on_command_line(progress, observers, as_json=as_json),
            )
    except SearchInterrupted as error:
        if error.path is None:
            tell("interrupted before the first search began; nothing was created")
        else:
            again = _command(config, seeds, strategies, overrides, executor, error.path)
            tell(f"interrupted; every finished trial is kept, continue with: {again}")
        raise
    if as_json:
        typer.echo(json.dumps(comparison.to_json(), indent=1))
    else:
        typer.echo(printable(comparison.to_text()))
        typer.echo(f"drawing: {comparison.drawing}\neverything: {comparison.record}")
    if all(run.network is None for run in comparison.runs):
        raise NoFeasibleArchitectureError(
            f"{comparison.path}: no trial of any search completed; the notes say why"
        )


def _seeds(text: str) -> int | list[int]:
    """Read a number of seeds, or a list of them; a single one of a list has a comma behind it."""
    from analognas.errors import UserError
    from analognas.seeds import MOST_SEEDS

    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UserError(
            f"--seeds: must be how many, such as 5, or a list such as 3,7,11, got {text!r}"
        ) from None
    if "," in text or not numbers:
        return numbers
    if not 1 <= numbers[0] <= MOST_SEEDS:
        one = f"; the seed {numbers[0]} alone is --seeds {numbers[0]}," if numbers[0] >= 0 else ""
        raise UserError(f"--seeds: must be how many, 1 to {MOST_SEEDS}, got {text.strip()}{one}")
    return numbers[0]


def _command(
    config: Path, seeds: str, names: list[str], overrides: list[str], executor: str | None, out: Path
) -> str:
    """Return the command that continues a comparison."""
    from shlex import join

    changes = [part for change in overrides for part in ("--set", change)]
    where = [] if executor is None else ["--executor", executor]
    return join(
        [
            *("analognas", "compare", str(config), "--seeds", seeds, "--strategies", ",".join(names)),
            *(*changes, *where, "--out", str(out)),
        ]
    )
