"""`analognas status`."""

from __future__ import annotations

import json

import typer

from analognas.cli.options import AsJson, RunFolder


def status(folder: RunFolder, as_json: AsJson = False) -> None:
    """Show how far a run is, without disturbing it."""
    from analognas.record.journal import torn_line
    from analognas.run import Run

    run = Run.open(folder)
    content = run.status()
    if as_json:
        typer.echo(json.dumps(content, indent=1))
        return
    typer.echo(
        f"{content['state']}: {content['finished']} of {content['trials']} trials, {content['failed']} failed"
    )
    if content["state"] != "running" and (torn := torn_line(run.directory.journal)):
        typer.echo(f"{torn}; `analognas resume {folder}` makes that trial again")
    best = content["best"]
    if best is None:
        typer.echo("no feasible trial yet")
    else:
        metrics = best["metrics"]
        so_far = "" if content["state"] == "finished" else " so far"
        typer.echo(
            f"{content['choice']}{so_far}, trial {best['number']}: 1-day accuracy {100 * metrics['accuracy_1d']:.2f} ± "
            f"{100 * metrics['std_1d']:.2f} % on validation, AVM {100 * metrics['avm']:.2f} points, "
            f"{metrics['parameters']:,.0f} parameters"
        )
    if content["state"] == "finished":
        typer.echo(f"report: {content['report']}")
    elif content["state"] == "not finished":
        typer.echo(f"continue with: analognas resume {folder}")
