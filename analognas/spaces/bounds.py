"""Checks that fields of several `space` sections share."""

from __future__ import annotations

from collections.abc import Callable


def ordered(bounds: tuple[int, int]) -> tuple[int, int]:
    """Return `[low, high]` as it is.

    Raises:
        ValueError: when the ends are the wrong way round.
    """
    low, high = bounds
    if low > high:
        raise ValueError(f"`low <= high` must hold in a range [low, high], got [{low}, {high}]")
    return bounds


def letters_of(known: str) -> Callable[[str], str]:
    """Return a check that a text is some of the known letters in their order, each once."""

    def checked(letters: str) -> str:
        if not letters or "".join(letter for letter in known if letter in letters) != letters:
            named = ", ".join(known)
            raise ValueError(f"must be some of the letters {named} in this order, each once, got {letters!r}")
        return letters

    return checked
