"""A trial of another run that a search began with, as one line of `warm_start.jsonl` in its run directory.

The file is written when the run directory is, and never again: a run depends on it and not on the other directory.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, TypeAdapter, ValidationError

from analognas.errors import UserError
from analognas.record.trial import FromOne, Metrics
from analognas.specs.strict import STRICT, first_problem
from search_spaces import Genotype


@dataclass(frozen=True)
class EarlierTrial:
    """What a search knows of a trial that it did not make.

    Attributes:
        run: the directory of the run that made it.
        number: of the trial there, from 1.
        genotype: the candidate, as the space of this search writes it.
        metrics: the measured figures; empty where the trial failed.
    """

    run: Annotated[str, Field(min_length=1)]
    number: FromOne
    genotype: Annotated[Genotype, Field(min_length=1)]
    metrics: Metrics

    __pydantic_config__: ClassVar = STRICT

    def to_json(self) -> str:
        """Return the trial as one line of JSON without a newline."""
        return json.dumps(vars(self), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> EarlierTrial:
        """Read a line that `to_json` wrote.

        Raises:
            ValueError: when the line is not JSON, lacks a field, has one more, or a value that cannot be.
        """
        try:
            return _reader().validate_json(line)
        except ValidationError as error:
            raise ValueError(first_problem(error)) from None


@cache
def _reader() -> TypeAdapter[EarlierTrial]:
    return TypeAdapter(EarlierTrial)


def written(trials: Sequence[EarlierTrial]) -> str:
    """Return the content of `warm_start.jsonl`."""
    return "".join(f"{trial.to_json()}\n" for trial in trials)


def read_earlier_trials(path: Path) -> list[EarlierTrial]:
    """Return the trials of a `warm_start.jsonl`, in the order in which a strategy knows them.

    Raises:
        UserError: when it is missing, cannot be read, or a line is damaged.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(
            f"{path}: is missing, and the search began with the trials in it; restore the file from a copy"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file (UTF-8)"
        raise UserError(f"{path}: cannot be read: {reason}; restore the file from a copy") from None
    trials = []
    for number, line in enumerate(lines, start=1):
        try:
            trials.append(EarlierTrial.from_json(line))
        except ValueError as error:
            raise UserError(
                f"{path}:{number}: damaged record ({error}); restore the file from a copy"
            ) from None
    return trials
