"""Workers as discrete events, for `bench_executor.py`: thousands of them on no machine at all."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from executor_workloads import measure

from analognas.executors.executor import ExecutorState, Job, Outcome


class DiscreteEvents:
    """Workers that take no time of ours: each job ends at a drawn virtual time, and outcomes come in that order.

    Attributes:
        now_s: virtual time.
        busy_s: virtual time that all evaluations take together.
    """

    def __init__(self, workers: int, times_s: np.ndarray[Any, Any]) -> None:
        self.now_s = 0.0
        self.busy_s = 0.0
        self._workers = workers
        self._times_s = times_s
        self._rng = np.random.default_rng(0)
        self._events: list[tuple[float, int, Job]] = []
        self._n = 0

    @property
    def state(self) -> ExecutorState:
        """Every job runs."""
        return ExecutorState(self._workers, len(self._events), 0, 1)

    def submit(self, job: Job) -> None:
        """Draw when the job ends."""
        self._n += 1
        takes_s = float(self._rng.choice(self._times_s))
        self.busy_s += takes_s
        heapq.heappush(self._events, (self.now_s + takes_s, self._n, job))

    def next_outcome(self) -> Outcome:
        """Jump to the end of the next job."""
        self.now_s, _, job = heapq.heappop(self._events)
        return measure(job)

    def close(self) -> None:
        """Forget what runs."""
        self._events.clear()
