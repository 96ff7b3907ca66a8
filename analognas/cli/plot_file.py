"""The file of `--plot`: looked at before the work, written after it."""

from __future__ import annotations

from pathlib import Path

from analognas.errors import UserError, remedy


def check_plot(plot: Path, command: str) -> None:
    """Refuse a place that a command can write no SVG file to.

    Raises:
        UserError: for another kind of file, a folder, or a file in no folder.
    """
    if plot.suffix.lower() != ".svg":
        raise UserError(f"{command}: --plot writes SVG: the name must end in .svg, got {plot}")
    if plot.is_dir():
        raise UserError(f"{command}: --plot needs a file, {plot} is a folder")
    if not plot.parent.is_dir():
        raise UserError(f"{command}: --plot: there is no folder {plot.parent}, make it first")


def write_plot(plot: Path, svg: str, command: str) -> None:
    """Write a drawing.

    Raises:
        UserError: when the file cannot be written.
    """
    from analognas.record.directory import write_atomically

    try:
        write_atomically(plot, svg)
    except OSError as error:
        raise UserError(
            f"{command}: --plot: {plot} cannot be written: {error.strerror or error}; {remedy(error)}"
        ) from None
