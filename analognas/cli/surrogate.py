"""`analognas surrogate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from analognas.cli.options import AsJson

app = typer.Typer(no_args_is_help=True, help="Judge surrogates on measured candidates.")


@app.command("evaluate")
def evaluate(
    table: Annotated[
        str,
        typer.Option(
            help="A CSV of measured cells or of categorical genes, a run directory, or `synthetic`."
        ),
    ],
    target: Annotated[str | None, typer.Option(help="The column to predict, or the metric of a run.")] = None,
    surrogates: Annotated[
        list[str],
        typer.Option(
            "--surrogate",
            help="A kind of surrogate, or ridge, random-forest, mlp; repeatable, or separated by commas. Default: all.",
        ),
    ] = [],  # noqa: B006  # typer copies it
    train: Annotated[str, typer.Option(help="Rows of a fit, separated by commas.")] = "50,100,200",
    splits: Annotated[int, typer.Option(min=2, help="Random splits of each figure.")] = 5,
    scale: Annotated[
        Literal["ranks", "raw"],
        typer.Option(help="What is fitted: normal scores of ranks, as a search does, or values."),
    ] = "ranks",
    as_json: AsJson = False,
) -> None:
    """Fit surrogates on rows of a table and judge them on all others: order, best ones, values, intervals."""
    from analognas.bench.names import SYNTHETIC, open_table
    from analognas.bench.surrogate_quality import evaluate_surrogates
    from analognas.errors import UserError

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{done} of {total} fits", err=True, nl=done == total)

    if target is None and table != SYNTHETIC and Path(table).exists():
        raise UserError(f"surrogate evaluate: {table}: name the column to predict with --target")
    names = [name.strip() for text in surrogates for name in text.split(",") if name.strip()]
    try:
        found = evaluate_surrogates(
            open_table(table, target),
            names,
            train=_rows(train),
            splits=splits,
            scale=scale,
            progress=progress,
        )
    except ValueError as error:
        raise UserError(f"surrogate evaluate: {error}") from None
    typer.echo(json.dumps(found.to_json(), indent=1) if as_json else found.to_text())


def _rows(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--train must be whole numbers separated by commas, such as 50,100,500, got {text!r:.40}"
        ) from None
