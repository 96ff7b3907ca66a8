"""`analognas export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from analognas.cli.options import TrialNumber

STUDY: Final = "study"


def export(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR|ARCHITECTURE",
            help="A run directory, or an architecture.json; `--format help` needs none.",
            show_default=False,
        ),
    ] = None,
    formats: Annotated[
        list[str],
        typer.Option(
            "--format",
            help="A format (repeatable); default: every format of `best/`. `--format help` lists them.",
        ),
    ] = [],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write; default: the current directory, the run's for `study`."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    trial: TrialNumber = None,
    chips: Annotated[int, typer.Option(help="Chips that `conductances` writes.")] = 1,
    chip_seed: Annotated[int | None, typer.Option(help="Seed of the chips; default: the run's own.")] = None,
    tile: Annotated[
        str,
        typer.Option(metavar="LAYER[:NUMBER]", help="The tile of `spice`; default: the smallest one."),
    ] = "",
    chip: Annotated[
        str | None,
        typer.Option(
            help="A described chip or a YAML file that must hold the network; default: the run's own."
        ),
    ] = None,
) -> None:
    """Write the best network of a run, or that of any trial, in the formats asked for."""
    import analognas
    from analognas.errors import UserError
    from analognas.export import FORMATS, known_formats
    from analognas.progress.printable import table
    from analognas.progress.terminal import PlainObserver

    if "help" in formats:
        rows = [
            row
            for name, entry in FORMATS.items()
            for row in ((name, entry.summary), ("", f"keeps {entry.keeps}"), ("", f"loses {entry.loses}"))
        ]
        typer.echo(table([*rows, (STUDY, "study.db: every trial, for Optuna")], align_right=False))
        return
    if path is None:
        raise UserError(
            "analognas export: Missing argument 'DIR|ARCHITECTURE'; `analognas export --help` explains it"
        )
    networks = [name for name in formats if name != STUDY]
    known_formats(networks, others=(STUDY,))
    if STUDY in formats:
        typer.echo(analognas.Run.open(path).export_study(out))
        if not networks:
            return
    for file in analognas.export_network(
        path,
        out or Path(),
        networks or None,
        trial=trial,
        chips=chips,
        chip_seed=chip_seed,
        tile=tile,
        chip=chip,
        force=force,
        observer=PlainObserver(),
    ):
        typer.echo(file)
