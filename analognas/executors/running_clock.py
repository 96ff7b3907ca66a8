"""Time in which this process ran: the seconds in which it was stopped do not count.

A process is stopped by Ctrl-Z, by SIGSTOP, or with its container; the clocks of the system go on. A thread looks at the
monotonic clock every `LOOK_S`; where more than `LONGEST_GAP_S` lie between two looks, the process was not running.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Final, Self

LOOK_S: Final = 0.25
LONGEST_GAP_S: Final = 1.5
"""What a gap counts at most; on a busy machine a thread may be late by less."""


class RunningClock:
    """A monotonic clock that stands still while its process does, to `LONGEST_GAP_S` a stop."""

    def __init__(self) -> None:
        self._seen = (0.0, time.monotonic())  # replaced as a whole: a signal may ask at any moment
        self._closed = threading.Event()
        threading.Thread(target=self._keep_looking, daemon=True).start()

    def now_s(self) -> float:
        """Return the seconds since the clock was made."""
        ran_s, looked_s = self._seen
        return ran_s + min(time.monotonic() - looked_s, LONGEST_GAP_S)

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _keep_looking(self) -> None:
        while not self._closed.wait(LOOK_S):
            ran_s, looked_s = self._seen
            now_s = time.monotonic()
            self._seen = (ran_s + min(now_s - looked_s, LONGEST_GAP_S), now_s)
