"""One evaluation after the other in the driver's process."""

from __future__ import annotations

from collections import deque

from analognas.executors.executor import Evaluate, ExecutorState, Job, Outcome


class SerialExecutor:
    """Evaluates a job when its outcome is asked for."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._jobs: deque[Job] = deque()

    @property
    def state(self) -> ExecutorState:
        """One job at a time."""
        return ExecutorState(capacity=1, running=len(self._jobs), queued=0, nodes=1)

    def submit(self, job: Job) -> None:
        """Queue a job."""
        self._jobs.append(job)

    def next_outcome(self) -> Outcome:
        """Evaluate the oldest job."""
        outcome = self._evaluate(self._jobs[0])
        self._jobs.popleft()
        return outcome

    def close(self) -> None:
        """Forget what is queued."""
        self._jobs.clear()
