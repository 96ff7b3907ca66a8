"""What a command prints at its end, on the output stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from analognas.interruption import SearchInterrupted, terminated_as_interrupted
from analognas.progress.printable import printable, table, tell

if TYPE_CHECKING:
    from analognas.config.sections import SearchConfig
    from analognas.record.directory import RunDirectory
    from analognas.record.validation import FinalResult, ValidatedNetwork
    from analognas.runs.run import Run


BIT_COLUMNS: Final = {"digital_bits": "digital bits", "bits_1d": "bits after 1 day"}
"""Columns of networks with a label at every step."""


def network_row(network: ValidatedNetwork, name: str | None = None) -> tuple[str, ...]:
    """Return the row of a network in the final table, from the test split, under another name if one is given."""
    metrics = network.metrics
    return (
        name or network.name,
        *(f"{metrics[bits]:.3f}" for bits in BIT_COLUMNS if bits in metrics),
        f"{100 * network.digital_accuracy['test']:.2f} %",
        f"{100 * metrics['accuracy_1d']:.2f} ± {100 * metrics['std_1d']:.2f} %",
        f"{100 * metrics['avm']:.2f} points",
        f"{metrics['parameters']:,.0f}",
        f"{metrics['tiles']:.0f}",
    )


def print_result(run: Run, *, as_json: bool) -> None:
    """Print the figures of the chosen network and the references, or of the best trial, and where the report is."""
    result, config, directory = run.result, run.config, run.directory
    if result is None:
        _print_best_trial(run, as_json=as_json)
        return
    from analognas.report.compromise import broken_at_full_budget
    from analognas.report.verdict import comparisons
    from analognas.strategies.worth import broken_bounds

    upper_bounds = config.constraints.upper_bounds()
    compared = comparisons(result, config.objectives, upper_bounds)
    if as_json:
        own = () if result.runner_up is None else result.runner_up.trainings[:1]
        content = {
            "run": str(run.path),
            "report": str(directory.report),
            "choice": config.choice,
            "best_trial": result.trial,
            "best_network": result.network.name,
            "networks": [
                {
                    "name": network.name,
                    "architecture": network.architecture,
                    "digital_accuracy": network.digital_accuracy,
                    "metrics": network.metrics,
                }
                for network in (*result.networks, *own)
            ],
            "runner_up": None if result.runner_up is None else result.runner_up.trial,
            "comparisons": compared,
            "broken_bounds": broken_bounds(result.network.metrics, upper_bounds),
            "surrogate_tau": result.surrogate.get("tau", {}),
        }
        typer.echo(json.dumps(content, indent=1))
        return
    bits = (heading for metric, heading in BIT_COLUMNS.items() if metric in result.network.metrics)
    head = ("test split", *bits, "digital", "1 day on chips", "AVM", "parameters", "tiles")
    name = config.choice if result.reference is None else f"{config.choice}: {result.reference}"
    rows = [head, network_row(result.network, name), *(network_row(network) for network in result.others)]
    if result.runner_up is not None:
        rows.append(network_row(result.runner_up.trainings[0], f"trial {result.runner_up.trial}"))
    typer.echo(printable(table(rows)))
    for sentence in filter(None, (*compared, broken_at_full_budget(result, upper_bounds))):
        typer.echo(printable(sentence))
    if result.surrogate:
        tau = ", ".join(f"{name} {_number(value)}" for name, value in result.surrogate["tau"].items())
        typer.echo(f"surrogate, held-out Kendall tau over {result.surrogate['trials']} trials: {tau}")
    typer.echo(printable(_chosen(directory, result, config)))
    typer.echo(f"report: {directory.report}")


def _print_best_trial(run: Run, *, as_json: bool) -> None:
    from analognas.metrics import headline

    status = run.status()
    if as_json:
        typer.echo(json.dumps(status, indent=1))
        return
    best = status["best"]
    if best is not None:
        metrics = best["metrics"]
        typer.echo(
            f"best: trial {best['number']}: {headline(metrics)} on validation, AVM {100 * metrics['avm']:.2f} points, "
            f"{metrics['parameters']:,.0f} parameters"
        )
        typer.echo(
            f"no network was trained (`final: none`): analognas export {run.path} --trial {best['number']}"
        )
    typer.echo(f"report: {run.directory.report}")


def _chosen(run: RunDirectory, result: FinalResult, config: SearchConfig) -> str:
    """Return what was exported, and where."""
    if result.reference is not None:
        return f"the reference {result.reference} was best on validation and is exported: {run.best}"
    what = "knee of the front" if config.choice == "knee" else "best network"
    return f"{what}: trial {result.trial}, {run.best}"


@contextmanager
def told_how_to_go_on() -> Iterator[None]:
    """Take every signal that ends a command as an interruption, and say how to go on after it."""
    with terminated_as_interrupted():
        try:
            yield
        except SearchInterrupted as error:
            if error.path is None:
                tell("interrupted before the search began; nothing was created")
            else:
                tell(
                    f"interrupted; every finished trial is kept, continue with: analognas resume {error.path}"
                )
            raise


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
