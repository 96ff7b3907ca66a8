"""What the first line of a file of records must hold, and its rows, before anything is computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, PositiveInt, ValidationError

from analognas.errors import UserError
from analognas.metrics import METRICS
from analognas.specs.strict import Described, OfKind, first_problem

if TYPE_CHECKING:
    import pandas as pd

FIRST_ROW_LINE: Final = 3
"""Of the unpacked file: the first line is JSON, the second names the columns."""

_Section = dict[str, Any]


class _Config(Described):
    task: OfKind
    space: OfKind
    hardware: _Section
    training: _Section
    evaluation: _Section
    chip: _Section | None = None
    constraints: _Section | None = None


class _Run(Described):
    seed: int


class _Header(Described):
    name: str
    config: _Config
    input_shape: Annotated[list[PositiveInt], Field(min_length=1)]
    n_classes: PositiveInt
    data_sha256: str
    runs: Annotated[list[_Run], Field(min_length=1)]


def check_header(path: Path, header: Mapping[str, Any]) -> None:
    """Check the types of a first line.

    Raises:
        UserError: for the first part that is of another type, or missing.
    """
    try:
        _Header.model_validate(dict(header))
    except ValidationError as error:
        raise UserError(
            f"{path}: damaged first line ({first_problem(error)}); restore the file, or pack the runs again"
        ) from None


def check_rows(path: Path, frame: pd.DataFrame, runs: int) -> None:
    """Check that rows say where they are from, that metrics are numbers, and that no training is there twice.

    Args:
        path: of the file.
        frame: its rows.
        runs: how many runs its first line has.

    Raises:
        UserError: for the first row that does not.
    """
    if frame.empty:
        raise UserError(f"{path}: holds no training; pack the runs again")
    for name in ("run", "number", "seed"):
        if frame[name].dtype.kind not in "iu":
            at = _first(frame[name].map(lambda value: not isinstance(value, int)))
            raise _damaged(path, at, f"`{name}` must be a whole number", frame[name].iloc[at])
    outside = ~frame["run"].between(1, runs)
    if outside.any():
        at = _first(outside)
        raise _damaged(
            path, at, f"`run` must be from 1 to the {runs} runs of the first line", frame["run"].iloc[at]
        )
    for name in (name for name in METRICS if name in frame.columns):
        if frame[name].dtype.kind not in "fi":
            at = first_text(frame[name])
            raise _damaged(path, at, f"`{name}` must be a number", frame[name].iloc[at])
    twice = frame.duplicated(["genotype", "seed"])
    if twice.any():
        raise UserError(
            f"{path}: line {_first(twice) + FIRST_ROW_LINE} has a training that is there already, of the same network "
            f"with the same seed ({int(twice.sum())} such rows); remove them, or pack the runs again"
        )


def first_text(column: pd.Series[Any]) -> int:
    """Return the row of the first value that is neither a number nor empty, the first row where there is none."""
    import pandas as pd

    return _first(pd.to_numeric(column, errors="coerce").isna() & column.astype(str).str.strip().ne(""))


def _first(rows: pd.Series[bool]) -> int:
    return int(rows.to_numpy().argmax())


def _damaged(path: Path, row: int, rule: str, value: object) -> UserError:
    return UserError(
        f"{path}: {rule}, line {row + FIRST_ROW_LINE} has {str(value)!r:.40}; restore the file, or pack the runs again"
    )
