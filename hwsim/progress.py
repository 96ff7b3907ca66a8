"""How far an evaluation is, on the error stream: a line that is rewritten, or plain lines in a log.

Short evaluations stay silent. A terminal and a notebook show one line, which disappears at the end; elsewhere a line
follows now and then.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO, final

from hwsim.durations import duration

PATIENCE_S: Final = 3.0
"""Evaluations that end sooner are not reported, unless somebody asks for it."""

REWRITE_S: Final = 0.2
"""Least time between two states of the line that is rewritten."""

LOG_S: Final = 30.0
"""Least time between two lines of a log."""

_BAR: Final = 24


@final
class Progress:
    """Reports how many parts of a whole are done.

    Args:
        what: what is counted.
        total: how many there are, None where nobody knows.
        wanted: True always reports, False never, None where it takes more than `PATIENCE_S`.
        stream: where to; None is the error stream.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        what: str,
        total: int | None,
        wanted: bool | None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._stream = sys.stderr if stream is None else stream
        self._silent = wanted is False or self._stream is None  # pythonw has no streams
        self._rewrites = not self._silent and (self._stream.isatty() or _is_notebook(self._stream))
        self._start = clock()
        self._next = self._start + (0.0 if wanted else PATIENCE_S)
        self._width = 0

    def __enter__(self) -> Self:
        """Start to count."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the line that was rewritten."""
        self.close()

    def tick(self, done: int) -> None:
        """Note that `done` parts are done, and say so where it is time."""
        now = self._clock()
        is_last = done == self._total
        if self._silent or now < self._next or (is_last and self._rewrites):
            return
        self._next = now + (REWRITE_S if self._rewrites else LOG_S)
        text = self._text(done, now - self._start)
        if self._rewrites:
            text = text[: max(10, shutil.get_terminal_size().columns - 1)]
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Remove the line that was rewritten."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0

    def _text(self, done: int, elapsed_s: float) -> str:
        if self._total is None:
            return f"{self._what}: {done:,}, {duration(elapsed_s)}"
        share = done / self._total
        left = f", {duration(elapsed_s / share - elapsed_s)} left" if 0 < share < 1 else ""
        bar = ""
        if self._rewrites:
            full = round(_BAR * share)
            bar = f" [{'#' * full}{'-' * (_BAR - full)}]"
        return f"{self._what}:{bar} {done:,} of {self._total:,}, {duration(elapsed_s)}{left}"


def _is_notebook(stream: TextIO) -> bool:
    return type(stream).__module__.startswith("ipykernel.")
