"""`analognas surrogate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from analognas.cli.options import AsJson
from analognas.cli.plot_file import check_plot, write_plot

app = typer.Typer(
    no_args_is_help=True, help="Fit surrogates on records of measured candidates, judge and explain them."
)


@app.command("fit")
def fit(
    tables: Annotated[
        list[Path], typer.Argument(metavar="TABLE...", help="Files of `analognas pack`, a task each.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The model to write, such as model.json.")],
    targets: Annotated[
        list[str],
        typer.Option("--target", help="A column to predict; repeatable. Default: accuracy_1d, std_1d, avm."),
    ] = [],
    name: Annotated[str, typer.Option(help="Name of the model; default: that of the file.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of folds and trees.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fit a model on measured candidates, for searches to begin with; its card says what it knows."""
    from analognas.pretraining import fit_pretrained
    from analognas.pretraining.fit import TARGETS

    fitted = fit_pretrained(tables, out, targets=targets or TARGETS, name=name, seed=seed)
    card = fitted.card
    if as_json:
        typer.echo(json.dumps(card, indent=1))
        return
    candidates = {table["name"]: table["candidates"] for table in card["tables"]}
    for table, own in card["held_out"].items():
        taus = ", ".join(f"{target} {tau:.2f}" for target, tau in own.items())
        n = candidates.get(table, sum(candidates.values()))
        typer.echo(f"{table}: {n} candidates, held-out Kendall tau: {taus}")
    for hardware, own in card.get("leave_one_hardware_out", {}).items():
        figures = "; ".join(
            f"{target} not known"
            if of["tau"] is None
            else f"{target} tau {of['tau']:.2f}, error {of['mean_absolute_error']:.4f}, 90 % covers "
            f"{of['covered_90']:.2f}"
            for target, of in own.items()
            if target != "unknown"
        )
        typer.echo(
            f"{hardware}, by a model of the other hardware, {100 * own['unknown']:.0f} % unknown: {figures}"
        )
    for left_out, own in card["leave_one_out"].items():
        taus = ", ".join(f"{target} {tau:.2f}" for target, tau in own.items())
        typer.echo(f"{left_out}, by a model of the others: {taus}")
    typer.echo(f"model: {out}")


@app.command("predict")
def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A file of `analognas surrogate fit`, of one task.")
    ],
    network: Annotated[
        Path, typer.Option(help="A run directory, its `best/` folder, or an architecture.json.")
    ],
    hardware: Annotated[
        list[str],
        typer.Option(help="A preset or a YAML file, repeatable; default: that of the network."),
    ] = [],
    as_json: AsJson = False,
) -> None:
    """Predict the figures of a network on hardware, with their intervals, without training it."""
    from analognas.pretraining.predict import predict as predicted
    from analognas.pretraining.predict import told
    from analognas.strategies.pretrained_file import read_pretrained

    pretrained = read_pretrained(model)
    found = predicted(pretrained, network, hardware)
    typer.echo(
        json.dumps([one.to_json() for one in found], indent=1) if as_json else told(found, pretrained.card)
    )


@app.command("explain")
def explain(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file of `analognas surrogate fit`.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write partial dependences as plots into this HTML file.")
    ] = None,
    features: Annotated[int, typer.Option(min=1, help="Most important features to show.")] = 9,
    as_json: AsJson = False,
) -> None:
    """Say which features a model heeds, and what more of each does."""
    from analognas.pretraining import explain as explained
    from analognas.pretraining.explain import write_plots
    from analognas.strategies.pretrained_file import read_pretrained

    found = explained(read_pretrained(model), features)
    if out is not None:
        write_plots(found, out)
    typer.echo(json.dumps(found.to_json(), indent=1) if as_json else found.to_text())
    if out is not None and not as_json:
        typer.echo(f"plots: {out}")


@app.command("evaluate")
def evaluate(
    table: Annotated[
        str,
        typer.Option(
            help="A file of `analognas pack`, a CSV of measured cells or of categorical genes, a run directory, or "
            "`synthetic`."
        ),
    ],
    target: Annotated[str | None, typer.Option(help="The column to predict, or the metric of a run.")] = None,
    surrogates: Annotated[
        list[str],
        typer.Option(
            "--surrogate",
            help="A kind of surrogate, or ridge, random-forest, mlp; repeatable, or separated by commas. Default: all.",
        ),
    ] = [],
    train: Annotated[
        str, typer.Option(help="Rows of a fit, separated by commas: numbers, or shares such as 70%.")
    ] = "50,100,200",
    splits: Annotated[int, typer.Option(min=2, help="Random splits of each figure.")] = 5,
    scale: Annotated[
        Literal["ranks", "raw"],
        typer.Option(help="What is fitted: normal scores of ranks, as a search does, or values."),
    ] = "ranks",
    features: Annotated[
        Literal["genotype", "architecture", "all"],
        typer.Option(
            help="Fitted on: those of the space, as in a search; those that mean the same in every space; or both."
        ),
    ] = "genotype",
    plot: Annotated[
        Path | None,
        typer.Option(help="Write the learning curves to this SVG file; two numbers of rows or more."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit surrogates on rows of a table and judge them on all others: order, best ones, values, intervals."""
    from analognas.bench.names import SYNTHETIC, open_table
    from analognas.bench.plot import learning_curves_svg
    from analognas.bench.surrogate_quality import evaluate_surrogates
    from analognas.errors import UserError

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{done} of {total} fits", err=True, nl=done == total)

    if target is None and table != SYNTHETIC and Path(table).exists():
        raise UserError(f"surrogate evaluate: {table}: name the column to predict with --target")
    if plot is not None:  # before the fits, and not after them
        check_plot(plot, "surrogate evaluate")
    names = [name.strip() for text in surrogates for name in text.split(",") if name.strip()]
    try:
        opened = open_table(table, target)
        rows = _rows(train, len(opened))
        if plot is not None and len(set(rows)) < 2:
            raise ValueError(f"--plot needs two numbers of rows or more in --train, got {train!r:.40}")
        found = evaluate_surrogates(
            opened,
            names,
            train=rows,
            splits=splits,
            scale=scale,
            features=features,
            progress=progress,
        )
    except ValueError as error:
        raise UserError(f"surrogate evaluate: {error}") from None
    typer.echo(json.dumps(found.to_json(), indent=1) if as_json else found.to_text())
    if plot is not None:
        write_plot(plot, learning_curves_svg(found), "surrogate evaluate")


def _rows(text: str, n: int) -> list[int]:
    try:
        return [
            round(float(part.strip().removesuffix("%")) / 100 * n)
            if part.strip().endswith("%")
            else int(part)
            for part in text.split(",")
        ]
    except (ValueError, OverflowError):
        raise ValueError(
            "--train must be whole numbers or shares separated by commas, such as 50,100 or 70%, got "
            f"{text!r:.40}"
        ) from None
