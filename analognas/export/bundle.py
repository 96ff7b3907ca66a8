"""The folder `best/` of a run: one network in every format, and its figures. It appears whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from analognas.export.artefact import Artefact, Format
from analognas.export.checksums import write_checksums
from analognas.export.error import ExportError
from analognas.export.formats import FORMATS
from analognas.record.validation import FinalResult
from analognas.record.whole_folder import write_folder


def write_bundle(
    folder: Path, artefact: Artefact, result: FinalResult, optional: Collection[str] | None = None
) -> Mapping[str, str]:
    """Write a network in the formats that are bundled, their checksums, and its figures as metrics.json.

    A network that one format cannot express is still written in the others: its weights always are.

    Args:
        folder: where the bundle shall be; its parent must exist. An earlier bundle there is replaced.
        artefact: the network.
        result: becomes metrics.json.
        optional: which of the bundled formats that a run may do without are written; None for all.

    Returns:
        Why a format is missing, by its name; empty when the bundle is complete.

    Raises:
        UserError: when `folder` is a file or a symbolic link.
        ValueError: when a content has no JSON form.
        OSError: when the folder cannot be written; an earlier bundle is then still there.
    """
    names = [
        name
        for name, wanted in FORMATS.items()
        if wanted.bundled and (wanted.needed or optional is None or name in optional)
    ]
    return write_folder(folder, lambda draft: _write(draft, artefact, result, names))


def _write(draft: Path, artefact: Artefact, result: FinalResult, names: Collection[str]) -> dict[str, str]:
    missing = {}
    for name in names:
        try:
            written = FORMATS[name].write(artefact, draft)
            _checked(FORMATS[name], artefact, draft, written)
        except ExportError as error:
            missing[name] = str(error)
    write_checksums(draft)
    (draft / "metrics.json").write_text(result.to_json() + "\n", encoding="utf-8")
    return missing


def _checked(wanted: Format, artefact: Artefact, draft: Path, written: tuple[Path, ...]) -> None:
    """Load what was written again; remove it where it differs from the network.

    Raises:
        ExportError: when it differs.
    """
    try:
        if wanted.check is not None:
            wanted.check(artefact, draft)
    except ExportError:
        for path in written:
            path.unlink(missing_ok=True)
        raise
