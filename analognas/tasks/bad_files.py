"""Files that cannot be read: listed and left out up to a limit, then an error."""

from __future__ import annotations

from typing import Final

from analognas.errors import UserError

SHOWN: Final = 20


class BadFiles:
    """The bad files of one data set.

    Args:
        source: names the data set in the error.
        limit: how many may be left out.
    """

    def __init__(self, source: str, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._files: list[str] = []

    def add(self, file: str, reason: str) -> None:
        """Note a file that is left out.

        Raises:
            UserError: when there are more than the limit.
        """
        self._files.append(f"{file}: {reason}")
        if len(self._files) > self._limit:
            listed = "\n  ".join(self._files[:SHOWN])
            more = f"\n  and {len(self._files) - SHOWN} more" if len(self._files) > SHOWN else ""
            raise UserError(
                f"{self._source}: more than `max_bad_files: {self._limit}` files cannot be read; "
                f"mend or remove them, or raise the limit:\n  {listed}{more}"
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """One line a file, for the record."""
        return tuple(f"left out, cannot be read: {file}" for file in self._files)
