"""`analognas report`."""

from __future__ import annotations

import typer

from analognas.cli.options import RunFolder


def report(folder: RunFolder) -> None:
    """Write report.html, summary.csv and pareto.csv of a run again, finished or not."""
    from analognas.runs.run import Run
    from analognas.runs.tables_and_report import publish

    run = Run.open(folder)
    publish(run.directory, run.config, run.directory.trials(), run.result)
    typer.echo(run.directory.report)
