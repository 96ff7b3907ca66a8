"""`analognas report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="A run directory; several are put side by side.")
    ],
    figures: Annotated[
        str,
        typer.Option(
            "--figures",
            metavar="svg,png,pdf",
            help="Also write every figure into DIR/figures, in these formats; PNG and PDF need matplotlib.",
        ),
    ] = "",
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Measure what each layer of the best network costs in accuracy, and show it.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The page of several runs; default: side-by-side.html in the current directory."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the page of several runs.")] = False,
) -> None:
    """Write report.html, summary.csv and pareto.csv of a run again, or one page that compares several runs."""
    from analognas.errors import UserError
    from analognas.progress.printable import tell
    from analognas.progress.terminal import PlainObserver
    from analognas.runs.run import Run
    from analognas.runs.side_by_side import compare_runs

    formats = [part.strip() for part in figures.split(",") if part.strip()]
    if len(folders) > 1:
        if formats or sensitivity:
            raise UserError(
                "--figures, --sensitivity: are for one run, got several; give the command for each"
            )
        page = compare_runs(folders, out or Path("side-by-side.html"), force=force, observer=PlainObserver())
        typer.echo(page)
        return
    if out is not None or force:
        raise UserError(
            "--out, --force: are for the page of several runs; the report of one lies in its directory"
        )
    run = Run.open(folders[0])
    if sensitivity:
        run.sensitivity(PlainObserver())
    paths = run.figures(formats) if formats else []
    if formats and not paths:
        tell(f"{run.path}: no trial has finished, so there is no figure to write")
    typer.echo(run.report(PlainObserver()))
    for path in paths:
        typer.echo(path)
