"""Texts such as `optuna-tpe(initial=40), random`: names with options in parentheses."""

from __future__ import annotations

from typing import Final

_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


def split_outside_brackets(text: str) -> list[str]:
    """Return the parts of a text between commas that stand in no bracket and no quotation marks.

    >>> split_outside_brackets("optuna-tpe(initial=40), random")
    ['optuna-tpe(initial=40)', 'random']

    Raises:
        ValueError: when a bracket or a quotation mark is not closed.
    """
    parts, start = [], 0
    open_brackets: list[str] = []
    quote = ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        elif character in ")]}":
            raise ValueError(f"{' '.join(text.split())}: `{character}` closes nothing")
        elif character == "," and not open_brackets:
            parts.append(text[start:place])
            start = place + 1
    missing = quote or (open_brackets[-1] if open_brackets else "")
    if missing:
        raise ValueError(f"{' '.join(text.split())}: `{missing}` is missing")
    return [part.strip() for part in (*parts, text[start:])]
