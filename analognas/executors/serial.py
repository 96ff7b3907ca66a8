"""One evaluation after the other in the driver's process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from analognas.executors.executor import Job, Outcome


class SerialExecutor:
    """Evaluates a job when its outcome is asked for."""

    def __init__(self, evaluate: Callable[[Job], Outcome]) -> None:
        self._evaluate = evaluate
        self._jobs: deque[Job] = deque()

    @property
    def capacity(self) -> int:
        """One job at a time."""
        return 1

    def submit(self, job: Job) -> None:
        """Queue a job."""
        self._jobs.append(job)

    def next_outcome(self) -> Outcome:
        """Evaluate the oldest job."""
        return self._evaluate(self._jobs.popleft())

    def close(self) -> None:
        """Forget what is queued."""
        self._jobs.clear()
