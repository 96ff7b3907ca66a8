"""The number of a file's format: a newer one is refused."""

from __future__ import annotations

from pathlib import Path

from analognas.errors import UserError


def check_schema(path: Path, schema: object, newest: int, remedy: str) -> None:
    """Check the number of a file's format.

    Args:
        path: of the file.
        schema: what it says.
        newest: that this version reads; the oldest is 1.
        remedy: for a number that no version ever wrote.

    Raises:
        UserError: when it is no whole number from 1 to `newest`.
    """
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise UserError(
            f"{path}: its schema must be a whole number from 1 to {newest}, got {schema!r:.40}; {remedy}"
        )
    if schema > newest:
        raise UserError(
            f"{path}: has the schema {schema}, newer than {newest} of this version; install a newer analognas"
        )
