"""Text from a record, which a stranger may have made, for a terminal: no escape sequence gets through."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def printable(text: str) -> str:
    """Return the text with what a terminal would obey instead of show replaced; line ends and tabs stay.

    >>> printable("tab\\tand \\x1b[2J")
    'tab\\tand �[2J'
    """
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def tell(text: str) -> None:
    """Write lines to the error stream, above a live bar where there is one."""
    if sys.stderr is not None:
        print(printable(text), file=sys.stderr, flush=True)


def table(rows: Sequence[Sequence[str]], *, align_right: bool = True) -> str:
    """Return rows as columns, the first left-aligned and the rest right-aligned unless told otherwise.

    >>> print(table([("a", "1"), ("bcd", "20")]))
    a     1
    bcd  20
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column and align_right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
