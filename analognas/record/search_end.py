"""That a search has ended and no network follows from it, or not by itself: `search_end.json` in the run directory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from analognas.errors import UserError
from analognas.record.directory import RunDirectory, write_atomically
from analognas.record.strict import first_problem

FINISHED: Final = "`analognas finish`"
"""The reason of a search that somebody ended."""

ITS_BUDGET: Final = "its own budget"
"""The reason of a search that trains no network at its end."""


@dataclass(frozen=True)
class SearchEnd:
    """Why a search made no more trials.

    Attributes:
        reason: in words, such as "`analognas finish`".
        trials: that it had.
    """

    reason: str
    trials: int


def write_search_end(run: RunDirectory, end: SearchEnd) -> None:
    """Record that the search has ended.

    Raises:
        OSError: when the run directory cannot be written.
    """
    write_atomically(_path(run), json.dumps(asdict(end)))


def read_search_end(run: RunDirectory) -> SearchEnd | None:
    """Return how the search ended; None where it goes on until its budget is spent.

    Raises:
        UserError: when the file is damaged.
    """
    path = _path(run)
    try:
        return TypeAdapter(SearchEnd).validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, ValueError) as error:
        reason = first_problem(error) if isinstance(error, ValidationError) else error
        raise UserError(
            f"{path}: {reason}; remove it, and `analognas finish {run.path}` writes it again"
        ) from None


def forget_search_end(run: RunDirectory) -> None:
    """Let the search go on."""
    _path(run).unlink(missing_ok=True)


def _path(run: RunDirectory) -> Path:
    return run.path / "search_end.json"
