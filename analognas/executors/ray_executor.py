"""Evaluations as tasks on a Ray cluster.

One task is one attempt; tasks are waited for one at a time, in whatever order they end. The evaluation with its data
is put into the object store once. Ray's own retries are off: whether a job is started again, and with what, is decided
here, where its attempts are counted and recorded.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Generic

import ray
from ray import exceptions

from analognas.executors.attempts import (
    Attempt,
    after_crash,
    after_lost_node,
    after_memory_ran_out,
    failed,
    ran_out_of_memory,
)
from analognas.executors.executor import Evaluate, ExecutorState, Outcome, Report, ResultT, WorkT
from analognas.executors.fingerprint import fingerprint
from analognas.executors.limits import GRACE_S, Limits
from analognas.executors.ray_cluster import ANSWER_S, Demand
from analognas.executors.ray_logs import LogCollector
from analognas.executors.ray_monitor import WAIT_S, ClusterMonitor
from analognas.executors.ray_object_store import ObjectStoreCache
from analognas.executors.ray_starts import StartListener
from analognas.executors.ray_worker import Mismatch, SharedInput, attempt_name, evaluate_remotely
from analognas.executors.running_clock import RunningClock
from analognas.executors.trial_log import write_log
from analognas.record.trial import Failure

PATIENCE_S: Final = 10.0
"""how long the end of a search waits for the logs of workers that died."""

CLEARING_S: Final = 3.0
"""How long a search that is stopped waits for its workers to end, and for its nodes to remove what they wrote."""

POLL_S: Final = 1.0
"""Seconds between two looks at the cluster and at the clock."""


@dataclass
class _Pending:
    attempt: Attempt
    demand: Demand
    submitted_s: float
    started_s: float | None = None
    overdue: bool = False


@dataclass(frozen=True)
class _MemoryQuery:
    """A worker died; its node has been asked whether the kernel killed it because memory ran out."""

    pending: _Pending
    how: str
    n_killed_before: int


class RayExecutor(Generic[WorkT, ResultT]):
    """Evaluates jobs as tasks; the process must be connected to a cluster."""

    def __init__(
        self,
        evaluate: Evaluate[WorkT, ResultT],
        *,
        object_store: ObjectStoreCache,
        monitor: ClusterMonitor,
        max_in_flight: int | None,
        max_retries: int,
        limits: Limits,
        logs: Path | None = None,
    ) -> None:
        """Put the evaluation into the object store.

        Args:
            evaluate: the evaluation.
            object_store: what the run has in the object store.
            monitor: of the cluster; it knows what each evaluation reserves.
            max_in_flight: jobs under way; None: as many as the cluster evaluates at a time, which may change.
            max_retries: further starts of a job whose worker died.
            limits: of each evaluation.
            logs: folder for what the evaluations write; None: it stays in Ray's own logs.
        """
        self._monitor = monitor
        self._max_in_flight = max_in_flight
        self._max_retries = max_retries
        self._limits = limits
        self._logs = logs
        self._task = ray.remote(max_retries=0)(evaluate_remotely)
        self._tasks: dict[Demand, Any] = {}
        self._pending: dict[Any, _Pending] = {}
        self._queries: dict[Any, _MemoryQuery] = {}
        self._listener = StartListener()
        run = "" if logs is None else secrets.token_hex(8)
        self._log_collector = LogCollector(logs, run)
        self._shared = object_store.put(
            SharedInput(object_store.put(evaluate), limits, dict(fingerprint()), self._listener.registry, run)
        )
        self._looked_s = time.monotonic()
        self._clock = RunningClock()
        self._given_up: deque[Outcome[WorkT, ResultT]] = deque()

    @property
    def state(self) -> ExecutorState:
        """As many run as the cluster has room for, the rest waits."""
        slots, under_way = self._monitor.slots, len(self._pending) + len(self._queries)
        running = min(under_way, slots)
        return ExecutorState(
            capacity=self._max_in_flight or max(1, slots),
            running=running,
            queued=under_way - running,
            nodes=self._monitor.n_nodes,
        )

    def submit(self, job: WorkT) -> None:
        """Start a task."""
        self._start(Attempt(job))

    def next_outcome(self) -> Outcome[WorkT, ResultT]:
        """Wait for the next job to end.

        Raises:
            UserError: when the cluster is lost, or a node has other versions than this process.
        """
        while not self._given_up:
            ready, _ = ray.wait([*self._pending, *self._queries], num_returns=1, timeout=WAIT_S)
            outcome = self._settle(ready[0]) if ready else None
            if time.monotonic() > self._looked_s + POLL_S:
                self._looked_s = time.monotonic()
                self._monitor.check()
                self._look_at_starts()
                self._leave_lost_nodes()
                self._ask_for_less()
                self._stop_overdue()
                self._log_collector.take()
            if outcome is not None:
                return outcome
        return self._given_up.popleft()

    def close(self) -> None:
        """Cancel every task; what they were doing is lost."""
        self._clock.close()
        if self._monitor.lost:
            return
        if self._pending:
            self._stop_at_once()
        else:
            self._log_collector.take(timeout_s=PATIENCE_S)
        self._listener.close()

    def _stop_at_once(self) -> None:
        stop_s = time.monotonic() + CLEARING_S
        # Ray 2.60 can abort the whole process when it is told to cancel a task that has just ended.
        _, running = ray.wait(list(self._pending), num_returns=len(self._pending), timeout=0)
        for reference in running:
            ray.cancel(reference, force=True)
        self._log_collector.take()
        if running:  # what they write can be removed when they are gone
            ray.wait(running, num_returns=len(running), timeout=CLEARING_S)
        self._log_collector.clear(timeout_s=max(0.0, stop_s - time.monotonic()))
        self._pending.clear()

    def _start(self, attempt: Attempt) -> None:
        demand = self._demand_of(attempt)
        task = self._tasks.get(demand)
        if task is None:  # kept: making one takes as long as submitting it
            task = self._task.options(name="trial", **demand.reservation())
            self._tasks[demand] = task
        reference = task.remote(self._shared, attempt)
        self._pending[reference] = _Pending(attempt, demand, time.monotonic())

    def _demand_of(self, attempt: Attempt) -> Demand:
        cpus, gpus = self._monitor.demand.cpus, self._monitor.demand.gpus
        memory_gb = self._limits.memory_of(attempt)
        if attempt.more_memory:
            gpus = min(1.0, 2 * gpus) if gpus < 1 else gpus
            cpus = cpus if memory_gb is not None else max(cpus, self._monitor.largest_cpus)
        return Demand(cpus, gpus, memory_gb)

    def _settle(self, reference: Any) -> Outcome[WorkT, ResultT] | None:
        """Return the outcome of a task that ended, None when its job was started again."""
        if reference in self._queries:
            return self._answered(reference)
        pending = self._pending.pop(reference)
        attempt = pending.attempt
        try:
            report = ray.get(reference)
        except exceptions.TaskCancelledError:
            self._log_collector.ask_for(attempt)
            return self._again(pending, Failure(self._limits.out_of_time(attempt), ""))
        except exceptions.OutOfMemoryError as error:
            self._log_collector.ask_for(attempt)
            return self._again(pending, self._after_memory_ran_out(attempt, _first_line(error)))
        except exceptions.NodeDiedError:
            return self._again(pending, after_lost_node(attempt))
        except exceptions.RayTaskError as error:
            return self._again(pending, Failure(_first_line(error.cause), str(error)))
        except exceptions.RayError as error:
            kept = self._listener.take_report(attempt_name(attempt), ANSWER_S)
            if kept is not None:
                return self._reported(pending, kept)
            self._log_collector.ask_for(attempt)
            if pending.overdue:
                return self._again(pending, Failure(self._limits.out_of_time(attempt), ""))
            return self._ask_why(pending, f"by {_first_line(error)}")
        if isinstance(report, Mismatch):
            raise report.error()
        return self._reported(pending, report)

    def _ask_why(self, pending: _Pending, how: str) -> Outcome[WorkT, ResultT] | None:
        """Ask the node of a worker that died why; where it is not known, the evaluation counts as the reason."""
        name = attempt_name(pending.attempt)
        self._listener.listen([name, *self._names()])
        start = self._listener.starts.get(name)
        if start is None:
            return self._again(pending, after_crash(pending.attempt, self._max_retries, how))
        self._queries[self._listener.ask_node(start)] = _MemoryQuery(pending, how, start.n_killed)
        return None

    def _answered(self, reference: Any) -> Outcome[WorkT, ResultT] | None:
        query = self._queries.pop(reference)
        attempt = query.pending.attempt
        try:
            for_memory = ray.get(reference) > query.n_killed_before
        except exceptions.RayError:
            for_memory = False
        if for_memory:
            return self._again(
                query.pending, self._after_memory_ran_out(attempt, "the system killed its worker")
            )
        return self._again(query.pending, after_crash(attempt, self._max_retries, query.how))

    def _names(self) -> dict[str, Any]:
        """Return what is waited for, by the names under which the registry knows the attempts."""
        running = {attempt_name(pending.attempt): reference for reference, pending in self._pending.items()}
        asked = {attempt_name(i.pending.attempt): reference for reference, i in self._queries.items()}
        return {**running, **asked}

    def _reported(self, pending: _Pending, report: Report) -> Outcome[WorkT, ResultT] | None:
        outcome = report.outcome
        write_log(self._logs, pending.attempt, report.log)
        if not ran_out_of_memory(outcome):
            return outcome
        assert isinstance(outcome.result, Failure)
        next_step = self._after_memory_ran_out(pending.attempt, outcome.result.reason)
        if isinstance(next_step, Failure):
            next_step = Failure(next_step.reason, outcome.result.traceback)
        return self._again(pending, next_step)

    def _again(self, pending: _Pending, next_step: Attempt | Failure) -> Outcome[WorkT, ResultT] | None:
        if isinstance(next_step, Attempt):
            write_log(self._logs, pending.attempt, f"{next_step.why_after(pending.attempt)}\n")
            self._start(next_step)
            return None
        write_log(self._logs, pending.attempt, f"{next_step.reason}\n{next_step.traceback}")
        wall_time_s = time.monotonic() - pending.submitted_s
        return failed(pending.attempt, next_step, threads=self._limits.threads, wall_time_s=wall_time_s)

    def _after_memory_ran_out(self, attempt: Attempt, how: str) -> Attempt | Failure:
        """Return what follows; a second attempt that asks for more than any node has would wait for ever."""
        gigabytes = self._limits.memory_of(attempt)
        more = "a whole node to itself" if gigabytes is None else f"{gigabytes:g} GB"
        next_step = after_memory_ran_out(attempt, how, more)
        if isinstance(next_step, Failure):
            return next_step
        return replace(next_step, most_memory_gb=self._monitor.largest_memory_gb)

    def _look_at_starts(self) -> None:
        self._listener.listen(self._names())
        now = self._clock.now_s()
        for pending in self._pending.values():
            if pending.started_s is None and attempt_name(pending.attempt) in self._listener.starts:
                pending.started_s = now

    def _leave_lost_nodes(self) -> None:
        """Start again what was on nodes that are gone; Ray itself may wait for it minutes longer."""
        references = self._names()
        for name in self._listener.on_lost_node(references, self._monitor.lost_nodes):
            reference = references[name]
            pending = self._pending.pop(reference, None) or self._queries.pop(reference).pending
            outcome = self._again(pending, after_lost_node(pending.attempt))
            if outcome is not None:
                self._given_up.append(outcome)
        references = {
            attempt_name(pending.attempt): reference for reference, pending in self._pending.items()
        }
        for name in self._listener.unheard_of(references, self._monitor.lost_nodes):
            attempt = self._pending.pop(references[name]).attempt
            ray.cancel(references[name])
            self._start(attempt)

    def _ask_for_less(self) -> None:
        """Start second attempts again that wait for more than any node has since the largest went away."""
        too_large = {demand for demand in self._tasks if not self._monitor.has_node_for(demand)}
        if self._monitor.demand in too_large:
            return
        for reference in [ref for ref, pending in self._pending.items() if pending.demand in too_large]:
            attempt = self._pending.pop(reference).attempt
            ray.cancel(reference)
            self._start(replace(attempt, most_memory_gb=self._monitor.largest_memory_gb))

    def _stop_overdue(self) -> None:
        """Cancel evaluations that their own worker could not stop in time."""
        now = self._clock.now_s()
        for reference, pending in self._pending.items():
            begun_s, limit_s = pending.started_s, self._limits.time_of(pending.attempt)
            if limit_s is None or begun_s is None or pending.overdue:
                continue
            if now > begun_s + limit_s + GRACE_S:
                pending.overdue = True
                ray.cancel(reference, force=True)


def _first_line(error: BaseException) -> str:
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}: {words[0]}" if words else type(error).__name__
