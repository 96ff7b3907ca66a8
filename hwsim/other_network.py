"""A file that is whole, and of another network or other hardware than the one it was given with."""

from __future__ import annotations

from typing import final


@final
class OtherNetworkError(ValueError):
    """A file of chips or of what a network was mapped with belongs to another network.

    Attributes:
        difference: what differs, without the names of arguments.
    """

    def __init__(self, message: str, difference: str) -> None:
        super().__init__(message, difference)
        self.difference = difference

    def __str__(self) -> str:
        return str(self.args[0])
