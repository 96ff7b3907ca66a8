"""A table of texts: aligned for terminals and logs, HTML for notebooks."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final


def significant(value: float, digits: int = 4) -> str:
    """Return a number of so many significant digits, without an exponent from 0.0001 to 10^15.

    Example:
        >>> significant(229_731.6), significant(1.23456), significant(0.000012)
        ('229,700', '1.235', '1.2e-05')
    """
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if 1000 <= abs(float(text)) < 1e15 else text


@final
@dataclass(frozen=True)
class Table:
    """Rows of texts under a head.

    Attributes:
        head: names of the columns.
        rows: a text for each column.
        n_left: columns, from the first on, that are words and stand on the left; the others are numbers.
        foot: lines below the table; none where it is empty.

    Example:
        >>> print(Table(("layer", "tiles"), (("conv", "2"), ("head", "10")), foot="12 tiles"))
        layer  tiles
        conv       2
        head      10
        12 tiles
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_left: int = 1
    foot: str = ""

    def __str__(self) -> str:
        """Return the table for a terminal."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        texts = ["  ".join(map(self._aligned, line, widths, range(len(widths)))).rstrip() for line in lines]
        return "\n".join([*texts, self.foot] if self.foot else texts)

    def to_html(self) -> str:
        """Return the table for a notebook."""
        head = "".join(self._cell("th", text, column) for column, text in enumerate(self.head))
        body = "".join(
            "<tr>" + "".join(self._cell("td", text, column) for column, text in enumerate(row)) + "</tr>"
            for row in self.rows
        )
        foot = f"<p>{html.escape(self.foot).replace(chr(10), '<br>')}</p>" if self.foot else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"

    def _aligned(self, text: str, width: int, column: int) -> str:
        return text.ljust(width) if column < self.n_left else text.rjust(width)

    def _cell(self, tag: str, text: str, column: int) -> str:
        side = "left" if column < self.n_left else "right"
        return f'<{tag} style="text-align: {side}">{html.escape(text)}</{tag}>'


class ShownAsTable(ABC):
    """What `print` and notebooks show as a table."""

    @abstractmethod
    def _table(self) -> Table:
        """Return the table."""

    def __str__(self) -> str:
        """Return the table for a terminal."""
        return str(self._table())

    def _repr_html_(self) -> str:
        return self._table().to_html()
