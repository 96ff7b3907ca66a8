"""A character language model: the next character of a text at every step.

The text is cut into three parts in its order, each part into windows without an overlap. The inputs of a window are its
characters, the targets those one place on. No window has a past, and characters at the end of a part that fill no
window are left out. Cross-entropy in bits per character is the usual measure; chance is log2 of the number of symbols.

References:
    I. Sutskever, J. Martens, G. Hinton, Generating text with recurrent neural networks, ICML 2011.
    A. Karpathy, The unreasonable effectiveness of recurrent neural networks, 2015 (Tiny Shakespeare).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from analognas.errors import UserError
from analognas.specs.base import ExistingFile
from analognas.tasks.assemble import Limits
from analognas.tasks.base_spec import Fractions, Inputs, LimitedSpec
from analognas.tasks.store.sources import SOURCES
from analognas.tasks.task import Split, Task, make_split

FEWEST: Final = 2
"""Windows of a part: batches of one are left out."""

BYTE: Final = 256
"""Symbols that fit into a byte."""

SELDOM: Final = 10
"""Fewer examples of a character teach a network hardly anything."""

SHOWN: Final = 8
"""Characters that a note names."""


class _TextSpec(LimitedSpec):
    """Windows of a text."""

    inputs: ClassVar[Inputs] = "symbols"

    length: int = Field(default=100, ge=2, le=100_000, description="characters of a window")
    fractions: Fractions = Field(
        default=(0.9, 0.05, 0.05), description="training, validation and test shares, adding up to 1"
    )

    def of(self, path: Path, name: str) -> Task:
        """Return the task of a file."""
        task = load_text(path, length=self.length, fractions=self.fractions, limits=self.limits)
        return replace(task, name=name)


class CharacterModelSpec(_TextSpec):
    """A text file whose next character is predicted at every step: windows of `length`, split in its order."""

    kind: Literal["char-lm"] = "char-lm"
    path: ExistingFile = Field(
        description="the text, in UTF-8; a relative path starts at the folder of the configuration"
    )

    def build(self) -> Task:
        """Read the text."""
        return self.of(self.path, self.path.stem)


class TinyShakespeareSpec(_TextSpec):
    """Tiny Shakespeare, whose next character is predicted at every step: 1.1 million characters, 65 symbols."""

    kind: Literal["tiny-shakespeare"] = "tiny-shakespeare"

    def build(self) -> Task:
        """Read the text.

        Raises:
            UserError: when it is not on this machine.
        """
        source = SOURCES[self.kind]
        files = source.files()
        path = source.copy() if files is None else files[0]
        if path is None:
            raise source.missing()
        return self.of(path, self.kind)


def load_text(
    path: Path,
    *,
    length: int = 100,
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05),
    limits: Limits | None = None,
) -> Task:
    """Return the task of a text.

    Args:
        path: of the file, UTF-8.
        length: characters of a window.
        fractions: shares of the text that train, validate and test.
        limits: the most windows of each part, evenly spread over it; None takes all.

    Raises:
        UserError: for a file that is no text, or too short.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8 ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    if "\0" in text:
        raise UserError(f"{path}: not a text, it has the character U+0000 at place {text.index(chr(0)):,}")
    symbols = sorted(set(text))
    if len(symbols) < 2:
        raise UserError(f"{path}: a text needs at least 2 different characters, got {len(symbols)}")
    known = {symbol: code for code, symbol in enumerate(symbols)}
    codes = np.fromiter((known[symbol] for symbol in text), dtype=np.int64, count=len(text))
    ends = np.rint(np.cumsum(fractions)[:-1] * len(codes)).astype(np.int64)
    splits, notes, most = [], _rare(symbols, codes, int(ends[0])), limits or Limits()
    for name, part, limit in zip(
        ("training", "validation", "test"),
        np.split(codes, ends),
        (most.train, most.validation, most.test),
        strict=True,
    ):
        n = max(0, (len(part) - 1) // length)
        if n < FEWEST:
            raise UserError(
                f"{path}: the {name} part must have at least {FEWEST} windows of {length} characters, got "
                f"{len(part):,} characters: lower `length`, change `fractions`, or give a longer text"
            )
        splits.append(_windows(part, length, n, limit, len(symbols)))
        if limit is not None and limit < n:
            notes.append(f"{limit:,} of {n:,} {name} windows, evenly spread")
    return Task(
        name=path.stem,
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        class_names=tuple(_named(symbol) for symbol in symbols),
        statistics="none",
        notes=tuple(notes),
    )


def _windows(codes: npt.NDArray[np.int64], length: int, n: int, limit: int | None, symbols: int) -> Split:
    """Return windows `(n, 1, 1, length)` and the characters that follow, `(n, length)`."""
    x, y = codes[: n * length].reshape(n, length), codes[1 : n * length + 1].reshape(n, length)
    if limit is not None and limit < n:
        chosen = np.arange(limit) * n // limit
        x, y = x[chosen], y[chosen]
    kind = np.uint8 if symbols <= BYTE else np.float32
    return make_split(x[:, None, None].astype(kind), y)


def _rare(symbols: Sequence[str], codes: npt.NDArray[np.int64], trained: int) -> list[str]:
    """Return a note on characters that a network can hardly learn, because training sees them so seldom."""
    seen = np.bincount(codes[:trained], minlength=len(symbols))
    rare = np.flatnonzero(seen < SELDOM)
    if not len(rare):
        return []
    some = " ".join(_named(symbols[code]) for code in rare[:SHOWN])
    more = " …" if len(rare) > SHOWN else ""
    return [
        f"{len(rare)} of {len(symbols)} characters are seen fewer than {SELDOM} times in training: {some}{more}"
    ]


def _named(symbol: str) -> str:
    """Return how a character is shown: itself, or its code point where it is a space or does not print."""
    return symbol if symbol.isprintable() and not symbol.isspace() else f"U+{ord(symbol):04X}"
