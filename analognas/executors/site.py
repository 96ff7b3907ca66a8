"""From the `executor` section to where evaluations run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from analognas.executors.device import resolve_device
from analognas.executors.executor import Evaluate, Executor, ResultT, WorkT
from analognas.executors.fingerprint import compiled_kernels
from analognas.executors.limits import Limits
from analognas.executors.specs import AutoSpec, ProcessesSpec, RaySpec, SerialSpec
from hwsim.kernels.library import switched_off

if TYPE_CHECKING:
    from analognas.executors.ray_monitor import ClusterMonitor
    from analognas.executors.ray_object_store import ObjectStoreCache


class Site(Protocol):
    """Where the evaluations of a run are made: trials, and the trainings at full budget."""

    @property
    def workers(self) -> int:
        """Evaluations at a time."""
        ...

    def executor(
        self, evaluate: Evaluate[WorkT, ResultT], logs: Path | None, at_most: int | None = None
    ) -> Executor[WorkT, ResultT]:
        """Return a new executor.

        Args:
            evaluate: the evaluation.
            logs: an existing folder for the output of evaluations that run elsewhere.
            at_most: evaluations that will ever be under way together; None: any number.
        """
        ...

    def notes(self) -> tuple[str, ...]:
        """Return what somebody should know before evaluations begin."""
        ...

    def close(self) -> None:
        """End the connection to it."""
        ...


def open_site(spec: AutoSpec | SerialSpec | ProcessesSpec | RaySpec, at_a_time: int | None = None) -> Site:
    """Check that evaluations can run as `spec` says; connect to the Ray cluster that it names.

    Args:
        spec: the `executor` section.
        at_a_time: candidates that a search in order can have under way; None: any number.

    Raises:
        UserError: when there is no cluster, or it cannot do what is asked of it, or there is no such device.
    """
    if isinstance(spec, RaySpec):
        from analognas.executors.ray_cluster import Demand, connect

        demand = Demand(spec.num_cpus, spec.num_gpus, spec.memory_gb)
        disconnect = connect(spec.address, demand)
        from analognas.executors.ray_monitor import ClusterMonitor
        from analognas.executors.ray_object_store import ObjectStoreCache

        return RaySite(spec, ClusterMonitor(demand), ObjectStoreCache(), disconnect)
    on_gpu = resolve_device(spec.device).type == "cuda"
    if isinstance(spec, SerialSpec):
        return ThisMachine(spec, workers=1, idle=0)
    one_each = max(1, len(os.sched_getaffinity(0)) // spec.threads)
    if isinstance(spec, ProcessesSpec):
        return ThisMachine(spec, spec.workers or one_each, idle=0)
    # several processes may not fit into the memory of one GPU
    wanted = spec.workers or (1 if on_gpu else one_each)
    workers = wanted if at_a_time is None else min(wanted, at_a_time)
    return ThisMachine(spec, workers, idle=wanted - workers)


@dataclass(frozen=True)
class ThisMachine:
    """This process, and processes beside it.

    Attributes:
        spec: what the configuration says.
        workers: evaluations at a time.
        idle: further ones that the machine could make, were there more candidates at a time.
    """

    spec: AutoSpec | SerialSpec | ProcessesSpec
    workers: int
    idle: int

    def executor(
        self, evaluate: Evaluate[WorkT, ResultT], logs: Path | None, at_most: int | None = None
    ) -> Executor[WorkT, ResultT]:
        """Return a new executor with no more workers than have something to do."""
        spec = self.spec
        workers = self.workers if at_most is None else max(1, min(self.workers, at_most))
        if isinstance(spec, SerialSpec) or (isinstance(spec, AutoSpec) and _needs_no_process(spec, workers)):
            from analognas.executors.serial import SerialExecutor

            return SerialExecutor(evaluate)
        from analognas.executors.processes import ProcessExecutor

        in_flight = spec.max_in_flight if isinstance(spec, ProcessesSpec) else None
        return ProcessExecutor(
            evaluate,
            workers=workers,
            max_in_flight=in_flight or workers,
            max_retries=spec.max_retries,
            limits=Limits(spec.trial_timeout, spec.memory_gb, spec.threads),
            logs=logs,
        )

    def notes(self) -> tuple[str, ...]:
        """Say when kernels are not compiled, threads are more than processors, or workers have nothing to do."""
        return (*self._slow(), *self._ill_sized())

    def _slow(self) -> tuple[str, ...]:
        kernels = compiled_kernels()
        if kernels == "all" or switched_off():
            return ()
        return (
            f"compiled kernels: {kernels}: evaluations take 2 to 2.6 times as long; install a C compiler such as gcc",
        )

    def _ill_sized(self) -> tuple[str, ...]:
        threads, processors = self.workers * self.spec.threads, len(os.sched_getaffinity(0))
        if threads > processors:
            also = " or `executor.workers`" if self.workers > 1 else ""
            return (
                f"executor: {threads} threads slow each other down on the {processors} processors they may use; "
                f"lower `executor.threads`{also}",
            )
        if self.idle:
            return (
                f"executor: {self.idle} of {self.workers + self.idle} workers have nothing to do; "
                "raise `search.batch`, or choose `executor.kind: processes`, which waits for no batch",
            )
        return ()

    def close(self) -> None:
        """Do nothing."""


def _needs_no_process(spec: AutoSpec, workers: int) -> bool:
    return workers == 1 and spec.trial_timeout is None and spec.memory_gb is None


@dataclass(frozen=True)
class RaySite:
    """A Ray cluster that this process is connected to.

    Attributes:
        spec: what the configuration says.
        monitor: of the cluster, from now until the site is closed.
        object_store: what the run has in the object store.
        disconnect: ends the connection.
    """

    spec: RaySpec
    monitor: ClusterMonitor
    object_store: ObjectStoreCache
    disconnect: Callable[[], None]

    @property
    def workers(self) -> int:
        """Evaluations for which the cluster has room now, at least one."""
        return max(1, self.monitor.slots)

    def executor(
        self, evaluate: Evaluate[WorkT, ResultT], logs: Path | None, at_most: int | None = None
    ) -> Executor[WorkT, ResultT]:
        """Return a new executor; the cluster gives it what it has."""
        from analognas.executors.ray_executor import RayExecutor

        return RayExecutor(
            evaluate,
            object_store=self.object_store,
            monitor=self.monitor,
            max_in_flight=self.spec.max_in_flight,
            max_retries=self.spec.max_retries,
            limits=Limits(self.spec.trial_timeout, self.spec.memory_gb, self.spec.threads),
            logs=logs,
        )

    def notes(self) -> tuple[str, ...]:
        """Return nothing: the evaluations run on other machines."""
        return ()

    def close(self) -> None:
        """Disconnect."""
        try:
            self.disconnect()
        finally:
            self.monitor.close()
