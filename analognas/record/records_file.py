"""Measured candidates of one task, space and hardware in one file: what surrogates are trained on.

A gzipped CSV whose first line, behind `# `, is JSON: what was measured and how. `pandas.read_csv(path, comment="#")`
reads the rows. A row is one training of one candidate:

==================  ==================================================================================
`run`, `number`     where it is from: the run in `header["runs"]`, counted from 1, and the trial in it
`origin`            what proposed it
`seed`              of its training
`genotype`          integers, separated by blanks
the metrics         as in `analognas.record.trial`, empty where the training failed
`mean_*`, `std_*`   accuracy over the chips at each time, such as `mean_86400s`
`threads`           torch threads
`device`            where its tensors were
`wall_time_s`       seconds that it took
`failure`           why it gave no result; empty where it did
==================  ==================================================================================

Names of machines are left out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analognas.errors import UserError, remedy
from analognas.files import read_packed, write_packed
from analognas.metrics import METRICS
from analognas.record.records_header import FIRST_ROW_LINE, check_header, check_rows, first_text
from analognas.record.trial import Trial
from analognas.specs.schema_number import check_schema
from search_spaces import Population

if TYPE_CHECKING:
    import pandas as pd

FORMAT: Final = "analognas-records"
SCHEMA: Final = 1
"""Of the first line and the columns; a reader refuses a newer one."""

_MARK: Final = f'# {{"format": "{FORMAT}"'

_COLUMNS: Final = ("run", "number", "origin", "seed", "genotype", "failure")


@dataclass(frozen=True)
class Records:
    """What a file of records holds.

    Attributes:
        path: of the file.
        header: its first line: `name`, `config` (sections as plain values), `input_shape`, `n_classes`, `data_sha256`
            and `runs` (seed and environment of each).
        frame: the rows.
    """

    path: Path
    header: Mapping[str, Any]
    frame: pd.DataFrame

    @property
    def config(self) -> Mapping[str, Any]:
        """Sections of the configuration, every default written out."""
        found: Mapping[str, Any] = self.header["config"]
        return found

    @property
    def population(self) -> Population:
        """`(rows, genes)` int64.

        Raises:
            UserError: when a genotype cannot be read.
        """
        try:
            rows = [[int(gene) for gene in str(text).split()] for text in self.frame["genotype"]]
            return np.array(rows, dtype=np.int64).reshape(len(rows), -1)
        except (ValueError, OverflowError):
            raise UserError(
                f"{self.path}: `genotype` must be whole numbers, as many in each row; pack the runs again"
            ) from None

    def numbers(self, column: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return a column of numbers, `(rows,)`, NaN where a training failed.

        Raises:
            UserError: when there is no such column, it holds anything else, or says which trial a row is of.
        """
        from analognas.specs.problems import nearest

        measured = [name for name in self.frame.columns if name not in _COLUMNS]
        if column in _COLUMNS:
            raise UserError(
                f"{self.path}: the column {column!r} says which trial a row is of and measures nothing; choose one "
                f"such as {next(iter(measured), 'accuracy_1d')}"
            )
        if column not in measured:
            known = [name for name in measured if self.frame[name].dtype.kind in "fi"]
            raise UserError(f"{self.path}: there is no column {column!r:.60}{nearest(column, known)}")
        values = self.frame[column]
        if values.dtype.kind not in "fi":
            row = first_text(values)
            raise UserError(
                f"{self.path}: the column {column!r} must hold numbers, line {row + FIRST_ROW_LINE} has "
                f"{str(values.iloc[row])!r:.40}; choose another column, or restore the file"
            )
        return np.asarray(values.to_numpy(dtype=np.float64, copy=True))


def row_of(run: int, trial: Trial) -> dict[str, Any]:
    """Return the row of a trial of the run with this number."""
    row: dict[str, Any] = {
        "run": run,
        "number": trial.number,
        "origin": trial.origin,
        "seed": trial.seed,
        "genotype": " ".join(map(str, trial.genotype)),
        **{name: trial.metrics[name] for name in METRICS if name in trial.metrics},
    }
    if trial.curve is not None:
        for time_s, accuracy in zip(trial.curve.times_s, trial.curve.accuracy, strict=True):
            row |= {
                f"mean_{time_s:.15g}s": np.mean(accuracy),
                f"std_{time_s:.15g}s": np.std(accuracy, ddof=1),
            }
    failure = "" if trial.failure is None else " ".join(trial.failure.reason.split())
    return {
        **row,
        "threads": trial.threads,
        "device": trial.device,
        "wall_time_s": round(trial.wall_time_s, 2),
        "failure": failure.replace("#", "no."),  # a reader takes what follows the sign for a comment
    }


def write_records(path: Path, header: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a file of records, whole or not at all; equal records give equal bytes.

    Raises:
        UserError: when it cannot be written.
    """
    import pandas as pd

    first = json.dumps({"format": FORMAT, "schema": SCHEMA, **header}, ensure_ascii=False, allow_nan=False)
    table = pd.DataFrame(list(rows)).to_csv(index=False, float_format="%.9g", lineterminator="\n")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_packed(path, f"# {first}\n{table}".encode())
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}; {remedy(error)}") from None


def holds_records(path: Path) -> bool:
    """Return whether a file begins as records do, gzipped or not.

    Raises:
        UserError: when it cannot be read, or its packing is damaged.
    """
    try:
        return read_packed(path).startswith(_MARK.encode())
    except OSError as error:
        raise _unreadable(path, error) from None


def read_records(path: Path) -> Records:
    """Read a file of records.

    Raises:
        UserError: when it is missing, damaged, no records, or of a newer schema.
    """
    import pandas as pd

    header, text = _content(path)
    try:
        frame = pd.read_csv(
            io.StringIO(text), keep_default_na=False, na_values={name: [""] for name in METRICS}
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path}: damaged rows ({reason}); restore the file, or pack the runs again"
        ) from None
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise UserError(f"{path}: the column {missing[0]!r} is missing; pack the runs again")
    times = [
        name for name in frame.columns if name.startswith(("mean_", "std_")) and frame[name].dtype == object
    ]
    for name in times:
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    check_rows(path, frame, len(header["runs"]))
    return Records(path, header, frame)


def _content(path: Path) -> tuple[dict[str, Any], str]:
    """Return the first line and the rest of a file.

    Raises:
        UserError: as `read_records`.
    """
    try:
        text = read_packed(path).decode()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `analognas pack` writes one from run directories") from None
    except (UnicodeDecodeError, OSError) as error:
        raise _unreadable(path, error) from None
    first, _, rest = text.partition("\n")
    try:
        header = json.loads(first.removeprefix("# "))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise UserError(f"{path}: is no file of records; `analognas pack` writes one from run directories")
    schema = header.get("schema")
    check_schema(path, schema, SCHEMA, "pack the runs again")
    check_header(path, header)
    return header, rest


def _unreadable(path: Path, error: Exception) -> UserError:
    reason = getattr(error, "strerror", None) or error
    return UserError(f"{path}: cannot be read: {reason}; restore the file, or pack the runs again")
