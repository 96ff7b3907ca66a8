"""One evaluation after the other in the driver's process."""

from __future__ import annotations

from collections import deque
from typing import Generic

from analognas.executors.executor import Evaluate, ExecutorState, Outcome, ResultT, WorkT


class SerialExecutor(Generic[WorkT, ResultT]):
    """Evaluates a job when its outcome is asked for."""

    def __init__(self, evaluate: Evaluate[WorkT, ResultT]) -> None:
        self._evaluate = evaluate
        self._jobs: deque[WorkT] = deque()

    @property
    def state(self) -> ExecutorState:
        """One job at a time."""
        return ExecutorState(capacity=1, running=len(self._jobs), queued=0, nodes=1)

    def submit(self, job: WorkT) -> None:
        """Queue a job."""
        self._jobs.append(job)

    def next_outcome(self) -> Outcome[WorkT, ResultT]:
        """Evaluate the oldest job."""
        outcome = self._evaluate(self._jobs[0])
        self._jobs.popleft()
        return outcome

    def close(self) -> None:
        """Forget what is queued."""
        self._jobs.clear()
