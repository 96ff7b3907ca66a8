"""Text from a record, which a stranger may have made, for a terminal: no escape sequence gets through."""

from __future__ import annotations

import typer


def printable(text: str) -> str:
    """Return the text with what a terminal would obey instead of show replaced; line ends and tabs stay.

    >>> printable("tab\\tand \\x1b[2J")
    'tab\\tand �[2J'
    """
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def tell(text: str) -> None:
    """Write lines to the error stream."""
    typer.echo(printable(text), err=True)
