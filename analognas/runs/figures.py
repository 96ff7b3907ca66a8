"""The figures of a report as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analognas.errors import UserError, remedy
from analognas.report.data import ReportData
from analognas.report.picture.files import FORMATS, require_format
from analognas.specs.problems import nearest


def write_figures_of(data: ReportData, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write each figure in each format, and return the files.

    Raises:
        UserError: for an unknown format, PNG and PDF without matplotlib, or a folder that cannot be written.
    """
    if isinstance(formats, str) or not formats:
        raise UserError(f"`formats` must be a list of {', '.join(FORMATS)}, got {formats!r}")
    for form in formats:
        if form not in FORMATS:
            raise UserError(f"figures: unknown format {form!r}{nearest(form, FORMATS)}")
        require_format(form)
    from analognas.report.figures.pictures import write_figures

    try:
        return write_figures(folder, data, list(dict.fromkeys(formats)))
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}; {remedy(error)}") from None
    except (KeyError, TypeError, ValueError) as error:  # a file that somebody else has written
        raise UserError(f"a file in best/ cannot be read: {error}") from None
