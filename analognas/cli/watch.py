"""`analognas watch`."""

from __future__ import annotations

from typing import Annotated

import typer

from analognas.cli.options import RunFolder


def watch(
    folder: RunFolder,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=0.2, max=3600, help="How often to look.")
    ] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Show the run as it is now, and end.")] = False,
) -> None:
    """Watch a run until it has finished or stopped, also one on another machine that shares the directory."""
    import time

    from rich.console import Console
    from rich.live import Live

    from analognas.progress.dashboard import render
    from analognas.runs.run import Run
    from analognas.runs.view import views

    shown = views(Run.open(folder).directory)
    console = Console(highlight=False)
    if once or not console.is_terminal:
        console.print(render(next(shown)))
        return
    try:
        with Live(console=console, auto_refresh=False) as live:
            for view in shown:
                live.update(render(view), refresh=True)
                if view.status["state"] != "finished":
                    time.sleep(interval)
    except KeyboardInterrupt:  # the usual end; the run goes on
        return
    if view.status["state"] == "finished":
        typer.echo(f"report: {view.status['report']}")
