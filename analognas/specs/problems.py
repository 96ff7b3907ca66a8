"""Everything that is wrong with a configuration, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Self

from analognas.errors import Argument, UserError
from hwsim.near_name import near_name


@dataclass(frozen=True, order=True)
class Place:
    """Where a value stands: a line and a column of a file (from 1), or an argument of a call or command."""

    line: int
    column: int
    source: str
    argument: Argument | None = field(default=None, compare=False)

    @classmethod
    def of(cls, argument: Argument) -> Self:
        """Return the place of what an argument says."""
        return cls(0, 0, str(argument), argument)

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: `place: path: message`."""

    place: Place
    path: str
    message: str

    def __str__(self) -> str:
        return "".join(map(str, self.parts()))

    def parts(self) -> list[str | Argument]:
        """Return the line in parts: an argument is called otherwise on the command line."""
        rest = ": ".join(part for part in (self.path, self.message) if part)
        place = self.place.argument or str(self.place)
        return [place, f": {rest}"] if place else [rest]


SHOWN: Final = 20
"""Problems of one configuration that are shown; the others are counted."""


class ConfigError(UserError):
    """All problems of one configuration, in the order of its lines.

    Args:
        problems: in any order.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        lines = [problem.parts() for problem in self.problems[:SHOWN]]
        more = len(self.problems) - len(lines)
        if more:
            lines.append([f"and {more} more; mend these first"])
        super().__init__(*chain(lines[0], *(["\n", *line] for line in lines[1:])))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        return (type(self), (self.problems,))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `, did you mean …?` for the nearest known word, else the list of known words.

    >>> nearest("populaton", ["population", "seed"])
    ', did you mean `population`?'
    """
    choices = sorted(known)
    near = near_name(word, choices)
    if near is not None:
        return f", did you mean `{near}`?"
    return f"; known: {', '.join(choices)}" if choices else ""
