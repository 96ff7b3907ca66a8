"""`analognas status`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from analognas.cli.options import AsJson, RunFolder
from analognas.progress.printable import printable

if TYPE_CHECKING:
    from analognas.record.trial import Trial

SHOWN_FAILURES: Final = 3


def status(folder: RunFolder, as_json: AsJson = False) -> None:
    """Show how far a run is, without disturbing it."""
    from analognas.record.journal import torn_line
    from analognas.record.speed import recent_speed
    from analognas.runs.best_so_far import called
    from analognas.runs.run import Run

    run = Run.open(folder)
    trials = run.directory.trials()
    content = run.status(trials)
    speed = recent_speed(trials)
    to_do = content["trials"] - content["finished"]
    content |= {
        "trials_a_second": speed.trials_a_second,
        "time_left_s": speed.time_left_s(to_do),
        "nodes": speed.nodes,
    }
    if as_json:
        typer.echo(json.dumps(content, indent=1))
        return
    typer.echo(
        f"{content['state']}: {content['finished']} of {content['trials']} trials, {content['failed']} failed"
        f"{_pace(content) if to_do > 0 else ''}"
    )
    if content["search_end"]:
        typer.echo(content["search_end"])
    if content["state"] != "running" and (torn := torn_line(run.directory.journal)):
        typer.echo(f"{torn}; `analognas resume {folder}` makes that trial again")
    for line in _last_failures(trials, run.directory.logs):
        typer.echo(printable(line))
    best = content["best"]
    if best is None:
        typer.echo("no trial has completed yet")
    else:
        from analognas.metrics import headline

        metrics = best["metrics"]
        so_far = "" if content["state"] == "finished" else " so far"
        typer.echo(
            f"{content['choice']}{so_far}, {called(best)}: {headline(metrics)} on validation, "
            f"AVM {100 * metrics['avm']:.2f} points, {metrics['parameters']:,.0f} parameters"
        )
    if content["state"] == "finished":
        typer.echo(f"report: {content['report']}")
    elif content["state"] == "not finished":
        typer.echo(f"continue with: analognas resume {folder}")


def _pace(content: Mapping[str, Any]) -> str:
    """Return the speed of the last trials, the time left, and the machines where there are several."""
    if content["trials_a_second"] is None:
        return ""
    left = f", {content['time_left_s']:.0f} s left" if content["state"] == "running" else ""
    nodes = f", {content['nodes']} nodes" if content["nodes"] > 1 else ""
    return f", {60 * content['trials_a_second']:.3g} trials/min{left}{nodes}"


def _last_failures(trials: Sequence[Trial], logs: Path) -> list[str]:
    """Return a line on each of the last failed trials, with its log where it has one."""
    failed = [trial for trial in trials if trial.failure is not None]
    lines = []
    for trial in failed[-SHOWN_FAILURES:]:
        reason = " ".join(str(trial.failure and trial.failure.reason).split())
        log = logs / trial.log
        where = f"; log: {log}" if log.exists() else ""
        lines.append(f"trial {trial.number} failed: {reason[:160]}{where}")
    return lines
