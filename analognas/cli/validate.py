"""`analognas validate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analognas.cli.options import AsJson, TrialNumber

if TYPE_CHECKING:
    from analognas.runs.validate import Validation


def validate(
    path: Annotated[
        Path, typer.Argument(metavar="DIR|ARCHITECTURE", help="A run directory, or an architecture.json.")
    ],
    hardware: Annotated[
        list[str],
        typer.Option(
            help="A preset, or a YAML file with a hardware section (repeatable); default: the run's own."
        ),
    ] = [],
    times: Annotated[
        list[str], typer.Option(help="Times since programming: '1 s,1 day,10 years' (repeatable).")
    ] = [],
    chips: Annotated[
        int | None, typer.Option(help="Chips to program, from 2 to 1000; default: as the run did.")
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(help="Stop once every mean is known within +- this, in points, such as 0.2."),
    ] = None,
    adabs: Annotated[
        bool, typer.Option("--adabs", help="Measure batch-norm statistics on every chip at every time.")
    ] = False,
    device: Annotated[
        str, typer.Option(help="Where this runs: cpu, cuda, cuda:N, or auto for a GPU where torch sees one.")
    ] = "cpu",
    trial: TrialNumber = None,
    chip: Annotated[
        str | None,
        typer.Option(
            help="A described chip or a YAML file: what the network costs on it; default: the run's own."
        ),
    ] = None,
    conductances: Annotated[
        Path | None,
        typer.Option(help="Measure the chips of this file of `export --format conductances`, not new ones."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw accuracy over time into this file, .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Program a found network on chips and show its accuracy over time, on any hardware."""
    import analognas
    from analognas.errors import UserError
    from analognas.progress.terminal import PlainObserver

    if plot is not None and (plot.suffix != ".html" or not plot.parent.is_dir()):
        raise UserError(f"--plot: must be an .html file in a folder that exists, got {plot}")
    results = analognas.validate(
        path,
        hardware,
        trial=trial,
        times_s=times or None,
        chips=chips,
        confidence=confidence,
        adabs=adabs,
        device=device,
        observer=PlainObserver(),
        progress=True,
        chip=chip,
        conductances=conductances,
    )
    if plot is not None:
        _draw(plot, results)
    if as_json:
        contents = [_content(result) for result in results]
        typer.echo(json.dumps(contents[0] if len(contents) == 1 else contents, indent=1))
        return
    _print(results)
    if results[0].cost is not None:
        typer.echo(str(results[0].cost))
    if plot is not None:
        typer.echo(f"drawing: {plot}")


def _content(result: Validation) -> dict[str, Any]:
    return {
        "hardware": result.hardware,
        "split": "test",
        "digital_accuracy": result.digital_accuracy,
        "tiles": result.tiles,
        "times_s": result.curve.times_s,
        "accuracy": result.curve.accuracy,
        "mean": result.mean,
        "std": result.std,
        **(
            {}
            if result.digital_bits is None
            else {"digital_bits": result.digital_bits, "bits": result.curve.bits}
        ),
        **({} if result.cost is None else {"cost": result.cost.to_json()}),
    }


def _print(results: Sequence[Validation]) -> None:
    """Print accuracy and its standard deviation over the chips, a row a time; of several hardwares a column each."""
    from analognas.progress.printable import printable, table
    from analognas.specs.durations import time_label

    first = results[0]
    times = [time_label(time_s) for time_s in first.curve.times_s]
    if len(results) == 1:
        rows: list[tuple[str, ...]] = [("after", "accuracy", "spread over chips")]
        rows += [
            (time, f"{100 * mean:.2f} %", f"{100 * std:.2f} points")
            for time, mean, std in zip(times, first.mean, first.std, strict=True)
        ]
        if first.curve.bits is not None:
            bits = ("bits per character", *(f"{fmean(chips):.3f}" for chips in first.curve.bits))
            rows = [(*row, cell) for row, cell in zip(rows, bits, strict=True)]
        chips = len(first.curve.accuracy[0])
        typer.echo(f"{first.hardware}, {chips} chips, {first.tiles} tiles, test split")
        digital = f"digital accuracy {100 * first.digital_accuracy:.2f} %"
        typer.echo(
            digital
            if first.digital_bits is None
            else f"{digital}, {first.digital_bits:.3f} bits per character"
        )
        typer.echo(table(rows))
        return
    columns = [
        (
            result.hardware,
            str(len(result.curve.accuracy[0])),
            str(result.tiles),
            *(
                f"{100 * mean:.2f} ± {100 * std:.2f} %"
                for mean, std in zip(result.mean, result.std, strict=True)
            ),
        )
        for result in results
    ]
    typer.echo(f"test split, digital accuracy {100 * first.digital_accuracy:.2f} %; ± over chips")
    typer.echo(printable(table(list(zip(("hardware", "chips", "tiles", *times), *columns, strict=True)))))


def _draw(path: Path, results: Sequence[Validation]) -> None:
    from analognas.record.directory import write_atomically
    from analognas.report.figures.drift import NamedCurve, drift_figure

    named = [
        NamedCurve(result.hardware, result.curve, result.digital_accuracy, result.digital_bits)
        for result in results
    ]
    write_atomically(path, drift_figure(named).to_html(include_plotlyjs=True))
