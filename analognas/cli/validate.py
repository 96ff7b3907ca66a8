"""`analognas validate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from analognas.cli.options import AsJson, TrialNumber


def validate(
    path: Annotated[
        Path, typer.Argument(metavar="DIR|ARCHITECTURE", help="A run directory, or an architecture.json.")
    ],
    hardware: Annotated[
        str | None,
        typer.Option(help="A preset, or a YAML file with a hardware section; default: the run's own."),
    ] = None,
    times: Annotated[
        list[str], typer.Option(help="Times since programming: '1 s,1 day,10 years' (repeatable).")
    ] = [],  # noqa: B006  # typer copies it
    chips: Annotated[
        int | None, typer.Option(help="Chips to program, from 2 to 1000; default: as the run did.")
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(help="Stop once every mean is known within +- this, in points, such as 0.2."),
    ] = None,
    adabs: Annotated[
        bool, typer.Option("--adabs", help="Measure batch-norm statistics anew on every chip at every time.")
    ] = False,
    device: Annotated[
        str, typer.Option(help="Where this runs: cpu, cuda, cuda:N, or auto for a GPU where torch sees one.")
    ] = "cpu",
    trial: TrialNumber = None,
    as_json: AsJson = False,
) -> None:
    """Program a found network on chips and show its accuracy over time, on any hardware."""
    from analognas.progress.printable import table
    from analognas.progress.terminal import PlainObserver
    from analognas.runs.validate import parse_times, read_hardware
    from analognas.runs.validate import validate as validate_network
    from analognas.specs.durations import time_label

    observer = PlainObserver()
    if trial is not None:
        from analognas.record.directory import open_run
        from analognas.runs.any_trial import folder_of_trial

        path = folder_of_trial(open_run(path), trial, observer)
    result = validate_network(
        path,
        hardware=None if hardware is None else read_hardware(hardware),
        hardware_source=hardware,
        times_s=parse_times(times, "--times"),
        chips=chips,
        confidence=confidence,
        adabs=adabs,
        device=device,
        observer=observer,
        progress=True,
    )
    if as_json:
        content = {
            "hardware": result.hardware,
            "split": "test",
            "digital_accuracy": result.digital_accuracy,
            "tiles": result.tiles,
            "times_s": result.curve.times_s,
            "accuracy": result.curve.accuracy,
            "mean": result.mean,
            "std": result.std,
        }
        typer.echo(json.dumps(content, indent=1))
        return
    rows = [("after", "accuracy", "spread over chips")]
    rows += [
        (time_label(time_s), f"{100 * mean:.2f} %", f"{100 * std:.2f} points")
        for time_s, mean, std in zip(result.curve.times_s, result.mean, result.std, strict=True)
    ]
    typer.echo(f"{result.hardware}, {len(result.curve.accuracy[0])} chips, {result.tiles} tiles, test split")
    typer.echo(f"digital accuracy {100 * result.digital_accuracy:.2f} %")
    typer.echo(table(rows))
