"""How far a search is, and how fast it goes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

RECENT: Final = 64
"""Trials that the throughput is taken over."""


@dataclass(frozen=True)
class Progress:
    """How far a search is.

    Attributes:
        finished: trials, failed ones included.
        failed: of them.
        n_trials: to make.
        running: evaluations under way.
        queued: evaluations that wait for a worker.
        nodes: machines in use.
        trials_a_second: over the last trials; None before the first.
        time_left_s: at this speed; None before the first trial.
    """

    finished: int
    failed: int
    n_trials: int
    running: int
    queued: int
    nodes: int
    trials_a_second: float | None
    time_left_s: float | None


class Pace:
    """Measures the throughput of this process, on a clock that never jumps."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = deque([clock()], maxlen=RECENT)

    def tick(self) -> float | None:
        """Note the end of a trial and return the trials a second over the last ones, None where no time has passed."""
        now = self._clock()
        elapsed_s, trials = now - self._ends[0], len(self._ends)
        self._ends.append(now)
        return trials / elapsed_s if elapsed_s > 0 else None
