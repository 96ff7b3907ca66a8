"""`analognas bench`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from analognas.cli.options import AsJson
from analognas.cli.plot_file import check_plot, write_plot


def bench(
    table: Annotated[
        str,
        typer.Option(
            help="A CSV of measured cells or of categorical genes, a run directory, or `synthetic`."
        ),
    ] = "synthetic",
    target: Annotated[
        str | None, typer.Option(help="The column to maximise, or the metric of a run to improve.")
    ] = None,
    strategies: Annotated[
        list[str],
        typer.Option(
            help="Names as in a configuration, or of installed entry points, separated by commas or repeated; options "
            "in parentheses: 'optuna-tpe(initial=40),random'. Default: all."
        ),
    ] = [],
    budget: Annotated[int, typer.Option(min=1, help="Evaluations of a search.")] = 200,
    seeds: Annotated[int, typer.Option(min=2, help="Searches of each strategy.")] = 20,
    batch: Annotated[int, typer.Option(min=1, help="Candidates proposed at a time.")] = 5,
    bound: Annotated[
        list[str],
        typer.Option(help="Largest allowed cost, such as parameters=1e6; repeatable.", metavar="COST=VALUE"),
    ] = [],
    look_up: Annotated[
        Literal["mean", "one-run"],
        typer.Option(
            help="What an evaluation shows: `mean` of a candidate's trainings, or `one-run` of them at random; regret "
            "is then that of the candidate which would be returned."
        ),
    ] = "mean",
    workers: Annotated[int, typer.Option(min=1, help="Processes; results do not depend on it.")] = 1,
    plot: Annotated[Path | None, typer.Option(help="Write the regret curves to this SVG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare strategies on a table of measured candidates: regret, intervals, ranking."""
    from analognas.bench import open_table, regret_svg, run_benchmark, strategies_named
    from analognas.bench.names import SYNTHETIC, read_bounds
    from analognas.errors import UserError

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{done} of {total} searches", err=True, nl=done == total)

    if target is None and table != SYNTHETIC and Path(table).exists():
        raise UserError(f"bench: {table}: name the column to search with --target")
    if plot is not None:  # before hours of searches, and not after them
        check_plot(plot, "bench")
    try:
        result = run_benchmark(
            open_table(table, target).bounded(read_bounds(bound)),
            strategies or strategies_named([]),
            budget=budget,
            seeds=seeds,
            batch=batch,
            workers=workers,
            look_up=look_up,
            progress=progress,
        )
    except ValueError as error:
        raise UserError(f"bench: {error}") from None
    typer.echo(json.dumps(result.to_json(), indent=1) if as_json else result.to_text())
    if plot is not None:
        write_plot(plot, regret_svg(result), "bench")
