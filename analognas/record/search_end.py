"""That a search has ended for good: `search_end.json` in the run directory.

`analognas finish` writes it, and a run that trains no network at its end, which has no other mark of being over.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from analognas.errors import UserError
from analognas.record.directory import RunDirectory, write_atomically
from analognas.specs.strict import first_problem

FINISHED: Final = "`analognas finish`"
"""The reason of a search that somebody ended."""


@dataclass(frozen=True)
class SearchEnd:
    """How a search ended.

    Attributes:
        reason: what ended it before its trials were spent, such as "`analognas finish`"; empty for nothing.
        trials: that it had.
    """

    reason: str
    trials: int

    def sentence(self) -> str:
        """Return what ended the search, and when; empty where it had all its trials."""
        return f"the search was ended by {self.reason} after {self.trials} trials" if self.reason else ""


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
