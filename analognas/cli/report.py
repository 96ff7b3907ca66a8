"""`analognas report`."""

from __future__ import annotations

import typer

from analognas.cli.options import RunFolder


def report(folder: RunFolder) -> None:
    """Write report.html, summary.csv and pareto.csv of a run again, finished or not."""
    from analognas.publish import publish
    from analognas.run import Run

    run = Run.open(folder)
    publish(run.directory, run.config, run.directory.trials(), run.result)
    typer.echo(run.directory.report)
