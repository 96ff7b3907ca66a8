"""Evaluations in processes of this machine, spawned, one at a time in each.

The driver holds one pipe to each worker. A worker that dies is replaced and its attempt started again; one that
overstays its time, or has run out of memory, is killed. The data set is in shared memory once, however many workers
there are.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic

from analognas.errors import UserError
from analognas.executors.attempts import (
    TIME_IS_UP,
    Attempt,
    after_crash,
    after_memory_ran_out,
    failed,
    ran_out_of_memory,
)
from analognas.executors.executor import Evaluate, ExecutorState, Outcome, ResultT, WorkT, node_name
from analognas.executors.limits import GRACE_S, Limits
from analognas.executors.memory import n_killed_for_memory
from analognas.executors.running_clock import RunningClock
from analognas.executors.spawned import start
from analognas.executors.trial_log import write_log
from analognas.executors.worker_process import READY, STARTED, work
from analognas.record.trial import Failure

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

PATIENCE_S: Final = 5.0
"""How long an idle worker may take to end."""

LONGEST_WAIT_S: Final = 3_600.0
"""How long the system is asked to wait for a worker before it is asked again: it counts milliseconds in 31 bits."""

MAX_FALSE_STARTS: Final = 3
"""Workers in a row that may die before they are ready."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection[Any, Any]
    attempt: Attempt | None = None
    sent_s: float = 0.0
    started_s: float | None = None
    ready: bool = False
    spent: bool = False


class ProcessExecutor(Generic[WorkT, ResultT]):
    """Evaluates jobs in `workers` processes."""

    def __init__(
        self,
        evaluate: Evaluate[WorkT, ResultT],
        *,
        workers: int,
        max_in_flight: int,
        max_retries: int,
        limits: Limits,
        logs: Path | None = None,
    ) -> None:
        """Start the workers; they take seconds to be ready, and jobs wait for them.

        Args:
            evaluate: the evaluation; it is pickled once for each worker, tensors in it are shared.
            workers: processes.
            max_in_flight: jobs under way; those beyond `workers` wait for a free one.
            max_retries: further starts of a job whose worker died.
            limits: of each evaluation.
            logs: folder for the output of the evaluations; None: they write where the driver does.
        """
        self._evaluate = evaluate
        self._max_in_flight = max_in_flight
        self._max_retries = max_retries
        self._limits = limits
        self._logs = logs
        self._queue: deque[Attempt] = deque()
        self._done: deque[Outcome[WorkT, ResultT]] = deque()
        self._false_starts = 0
        self._killed_for_memory = n_killed_for_memory()
        self._clock = RunningClock()
        self._workers = [self._start() for _ in range(workers)]

    @property
    def state(self) -> ExecutorState:
        """Busy workers run, the rest waits."""
        running = sum(worker.attempt is not None for worker in self._workers)
        return ExecutorState(capacity=self._max_in_flight, running=running, queued=len(self._queue), nodes=1)

    def submit(self, job: WorkT) -> None:
        """Hand a job to a free worker, or let it wait for one."""
        self._queue.append(Attempt(job))
        self._dispatch()

    def next_outcome(self) -> Outcome[WorkT, ResultT]:
        """Wait for the next job to end.

        Raises:
            UserError: when no worker gets ready.
        """
        while not self._done:
            self._dispatch()
            waited_for = [handle for w in self._workers for handle in (w.connection, w.process.sentinel)]
            wait(waited_for, self._until_next_deadline())
            for number, worker in enumerate(self._workers):
                if not self._receive(worker):
                    self._lost(worker)
                    self._workers[number] = self._start()
                elif worker.spent or self._overdue(worker):
                    self._stop(worker)
                    self._workers[number] = self._start()
        return self._done.popleft()

    def close(self) -> None:
        """Stop every worker; what a busy one was doing is lost."""
        for worker in self._workers:
            worker.connection.close()  # an idle worker ends by itself, and cleans up behind it
            if worker.attempt is not None or not worker.ready:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join(PATIENCE_S)
            worker.process.kill()
            worker.process.join()
        self._clock.close()
        self._workers.clear()
        self._queue.clear()

    def _start(self) -> _Worker:
        return _Worker(*start(work, self._evaluate, self._limits, self._logs))

    def _dispatch(self) -> None:
        """Send attempts to free workers; one that ran out of memory has the machine to itself if there is no bound."""
        for worker in self._workers:
            busy = [other.attempt for other in self._workers if other.attempt is not None]
            if not self._queue or any(self._wants_all(attempt) for attempt in busy):
                return
            if self._wants_all(self._queue[0]) and busy:
                return
            if worker.attempt is None:
                worker.attempt, worker.sent_s = self._queue.popleft(), time.monotonic()
                worker.started_s = None
                with suppress(OSError):  # a dead worker: its sentinel tells
                    worker.connection.send(worker.attempt)

    def _wants_all(self, attempt: Attempt) -> bool:
        return attempt.more_memory and self._limits.memory_gb is None

    def _receive(self, worker: _Worker) -> bool:
        """Take the messages of a worker and return whether it still lives."""
        alive = worker.process.is_alive()  # asked first: what a dead one said before is still in the pipe
        try:
            while worker.connection.poll():
                message = worker.connection.recv()
                if message == READY:
                    worker.ready = True
                    self._false_starts = 0
                elif message == STARTED:
                    worker.started_s = self._clock.now_s()
                else:
                    self._finished(worker, message)
        except (EOFError, OSError):
            worker.process.join()
            return False
        return alive

    def _finished(self, worker: _Worker, outcome: Outcome[WorkT, ResultT]) -> None:
        attempt, worker.attempt = worker.attempt, None
        assert attempt is not None
        if ran_out_of_memory(outcome):
            assert isinstance(outcome.result, Failure)
            worker.spent = True  # what ran out of memory half-way, in native code, may fail for ever after
            self._again(
                after_memory_ran_out(attempt, outcome.result.reason, self._more()), attempt, worker, outcome
            )
        else:
            # what was stopped in the middle of an import leaves a broken module behind, for every later evaluation
            worker.spent = isinstance(outcome.result, Failure) and outcome.result.reason.startswith(
                TIME_IS_UP
            )
            self._done.append(outcome)

    def _lost(self, worker: _Worker) -> None:
        """Deal with a worker that died."""
        worker.process.join()
        worker.connection.close()
        code = worker.process.exitcode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        if not worker.ready:
            self._false_starts += 1
            if self._false_starts >= MAX_FALSE_STARTS:
                raise UserError(
                    f"executor: {self._false_starts} worker processes in a row died while they started, the last "
                    f"{how}; what they wrote says why"
                )
        attempt = worker.attempt
        if attempt is None:
            return
        if not worker.ready:
            self._queue.appendleft(attempt)  # it never saw the job
            return
        write_log(self._logs, attempt, f"its worker died, {how}")
        killed = n_killed_for_memory()
        if code == -signal.SIGKILL and killed > self._killed_for_memory:
            self._again(
                after_memory_ran_out(attempt, "the system killed its worker", self._more()), attempt, worker
            )
        else:
            self._again(after_crash(attempt, self._max_retries, how), attempt, worker)
        self._killed_for_memory = killed

    def _stop(self, worker: _Worker) -> None:
        """End a worker that is spent, or one whose evaluation is overdue and does not end by itself."""
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        if worker.attempt is None:
            return
        reason = self._limits.out_of_time(worker.attempt)
        write_log(self._logs, worker.attempt, reason)
        self._again(Failure(reason, ""), worker.attempt, worker)

    def _again(
        self,
        next_step: Attempt | Failure,
        attempt: Attempt,
        worker: _Worker,
        outcome: Outcome[WorkT, ResultT] | None = None,
    ) -> None:
        if isinstance(next_step, Attempt):
            self._queue.append(next_step)
            return
        if outcome is not None and isinstance(outcome.result, Failure):
            next_step = Failure(next_step.reason, outcome.result.traceback)
        wall_time_s = time.monotonic() - worker.sent_s
        self._done.append(
            failed(
                attempt, next_step, threads=self._limits.threads, wall_time_s=wall_time_s, node=node_name()
            )
        )

    def _more(self) -> str:
        gigabytes = self._limits.memory_gb
        return "this machine to itself" if gigabytes is None else f"{2 * gigabytes:g} GB"

    def _overdue(self, worker: _Worker) -> bool:
        deadline_s = self._deadline_s(worker)
        return deadline_s is not None and self._clock.now_s() > deadline_s

    def _until_next_deadline(self) -> float | None:
        deadlines_s = [self._deadline_s(worker) for worker in self._workers]
        left_s = [at_s - self._clock.now_s() for at_s in deadlines_s if at_s is not None]
        return min(max(0.0, min(left_s)) + 0.01, LONGEST_WAIT_S) if left_s else None

    def _deadline_s(self, worker: _Worker) -> float | None:
        """Return when a worker is killed that does not end its evaluation by itself; None: never."""
        if worker.attempt is None or worker.started_s is None:
            return None
        limit_s = self._limits.time_of(worker.attempt)
        return None if limit_s is None else worker.started_s + limit_s + GRACE_S
