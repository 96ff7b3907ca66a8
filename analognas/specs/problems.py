"""Everything that is wrong with a configuration, each with its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from analognas.errors import UserError


@dataclass(frozen=True, order=True)
class Place:
    """Where a value stands: a line and a column of a file (from 1), or a command-line option."""

    line: int
    column: int
    source: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: `place: path: message`."""

    place: Place
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.path, self.message) if part)


SHOWN: Final = 20
"""Problems of one configuration that are shown; the others are counted."""


class ConfigError(UserError):
    """All problems of one configuration, in the order of its lines.

    Args:
        problems: in any order.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        lines = [str(problem) for problem in self.problems[:SHOWN]]
        more = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, f"and {more} more; mend these first"] if more else lines))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        return (type(self), (self.problems,))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `, did you mean …?` for the nearest known word, else the list of known words.

    >>> nearest("populaton", ["population", "seed"])
    ', did you mean `population`?'
    """
    choices = sorted(known)
    match = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if match:
        return f", did you mean `{match[0]}`?"
    return f"; known: {', '.join(choices)}" if choices else ""
