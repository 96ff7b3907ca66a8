"""Export of single formats into a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from analognas.errors import Argument, UserError
from analognas.export.artefact import Artefact, Format
from analognas.export.checksums import update_checksums
from analognas.export.formats import FORMATS
from analognas.record.directory import ensure_writable


def require_free(formats: Sequence[str], target: Path, *, force: bool = False) -> None:
    """Check, before anything is computed, that formats may be written into a folder.

    Args:
        formats: keys of `FORMATS`; of one whose files depend on the network, `write_formats` tells.
        target: the folder, which need not be there.
        force: replace files that are there.

    Raises:
        UserError: when a file is there already, or the folder cannot be written.
    """
    files = dict.fromkeys(name for format_name in formats for name in FORMATS[format_name].files)
    try:
        ensure_writable(target)
        _refuse_taken([target / name for name in files], force)
    except OSError as error:
        raise _not_written(target, error) from None


def write_formats(
    artefact: Artefact,
    formats: Sequence[str],
    target: Path,
    *,
    force: bool = False,
    tell: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write every format into a folder beside `target`, load it again, then move the files to `target`.

    Args:
        artefact: the network.
        formats: keys of `FORMATS`.
        target: the folder; it is created where it is missing.
        force: replace files that are there; without, none is replaced.
        tell: hears of each format what it keeps and loses, and how what was loaded compares; None: nobody is.

    Returns:
        The files.

    Raises:
        UserError: when a format cannot be made of the network or does not read back, a file is there already, or the
            folder cannot be written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target, prefix=".export-") as draft:
            said = [_written(name, FORMATS[name], artefact, Path(draft)) for name in formats]
            files = sorted(Path(draft).iterdir())
            _refuse_taken([target / file.name for file in files], force)
            for file in files:
                file.replace(target / file.name)
        update_checksums(target, {file.name for file in files})
    except OSError as error:
        raise _not_written(target, error) from None
    if tell is not None:
        for line in said:
            tell(line)
    return [target / file.name for file in files]


def _written(name: str, entry: Format, artefact: Artefact, draft: Path) -> str:
    """Write one format, load it again, and return one line on it."""
    files = entry.write(artefact, draft)
    compared = "not compared" if entry.check is None else f"loaded again: {entry.check(artefact, draft)}"
    remarks = [f"keeps {entry.keeps}"] * bool(entry.keeps) + [f"loses {entry.loses}"] * bool(entry.loses)
    return f"{name} ({', '.join(path.name for path in files)}): {'; '.join([*remarks, compared])}"


def _not_written(target: Path, error: OSError) -> UserError:
    return UserError(
        f"{target}: cannot be written: {error.strerror}; choose another folder with ", Argument("out")
    )


def _refuse_taken(paths: Sequence[Path], force: bool) -> None:
    taken = [path for path in paths if path.exists()]
    if taken and not force:
        raise UserError(
            f"{taken[0]}: exists already; choose another folder with ",
            Argument("out"),
            ", or replace it with ",
            Argument("force"),
        )
