"""`analognas describe`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from analognas.cli.options import AsJson

if TYPE_CHECKING:
    from analognas.config.catalogue import Entry

SUBJECTS: Final = (
    "spaces",
    "hardware",
    "chips",
    "tasks",
    "strategies",
    "surrogates",
    "executors",
    "observers",
)


def describe(
    subject: Annotated[str, typer.Argument(metavar="|".join(SUBJECTS), help="What to explain.")],
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="One of them, with every option; of hardware and chips a YAML file, too."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what a configuration can use, or explain one of them with every option."""
    from analognas.config.catalogue import catalogue
    from analognas.errors import UserError
    from analognas.progress.printable import table
    from analognas.specs.problems import nearest

    if subject not in SUBJECTS:
        raise UserError(f"describe: unknown subject {subject!r}{nearest(subject, SUBJECTS)}")
    entries = catalogue(subject)
    if name is None:
        if as_json:
            typer.echo(json.dumps({key: entry.summary for key, entry in entries.items()}, indent=1))
        else:
            typer.echo(table([(key, entry.summary) for key, entry in entries.items()], align_right=False))
            typer.echo(f"one of them with every option: analognas describe {subject} NAME")
        return
    if subject in ("hardware", "chips") and name not in entries and Path(name).suffix:
        name, entry = _of_file(subject, name)
    elif name in entries:
        entry = entries[name]
    else:
        raise UserError(f"describe {subject}: unknown name {name!r}{nearest(name, entries)}")
    if as_json:
        content: dict[str, Any] = {
            "name": name,
            "summary": entry.summary,
            "options": [vars(o) for o in entry.options],
        }
        typer.echo(json.dumps(content, indent=1))
        return
    typer.echo(f"{name}: {entry.summary}\n")
    rows = [
        ("option", "value", "meaning"),
        *((o.path, json.dumps(o.value), o.meaning) for o in entry.options),
    ]
    typer.echo(table(rows, align_right=False))


def _of_file(subject: str, path: str) -> tuple[str, Entry]:
    """Return what the hardware or the chip of a file is called, and its values.

    Raises:
        UserError: for a file that is missing or none.
    """
    import hwsim
    from analognas.config.catalogue import chip_entry, hardware_entry
    from analognas.errors import UserError

    try:
        if subject == "chips":
            chip = hwsim.read_chip(path)
            return chip.name, chip_entry(chip)
        hardware = hwsim.read_hardware(path)
        return hwsim.label(hardware), hardware_entry(hardware)
    except (TypeError, ValueError) as error:
        raise UserError(f"describe {subject}: {error}") from None
