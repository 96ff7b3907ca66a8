"""Export of single formats into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from analognas.errors import Argument, UserError
from analognas.export.checksums import update_checksums
from analognas.export.formats import FORMATS, Artefact


def write_formats(
    artefact: Artefact, formats: Sequence[str], target: Path, *, force: bool = False
) -> list[Path]:
    """Write every format into a folder beside `target`, then move the files there; none is replaced unasked.

    Args:
        artefact: the network.
        formats: keys of `FORMATS`.
        target: the folder; it is created where it is missing.
        force: replace files that are there.

    Returns:
        The files.

    Raises:
        UserError: when a format cannot be made of the network, a file is there already, or the folder cannot be
            written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target, prefix=".export-") as draft:
            for name in formats:
                FORMATS[name].write(artefact, Path(draft))
            files = sorted(Path(draft).iterdir())
            taken = [target / file.name for file in files if (target / file.name).exists()]
            if taken and not force:
                raise UserError(
                    f"{taken[0]}: exists already; choose another folder with ",
                    Argument("out"),
                    ", or replace it with ",
                    Argument("force"),
                )
            for file in files:
                file.replace(target / file.name)
        update_checksums(target, {file.name for file in files})
    except OSError as error:
        raise UserError(
            f"{target}: cannot be written: {error.strerror}; choose another folder with ", Argument("out")
        ) from None
    return [target / file.name for file in files]
