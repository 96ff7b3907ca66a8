"""From the `executor` section to where evaluations run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from analognas.executors.device import resolve_device
from analognas.executors.executor import Evaluate, Executor
from analognas.executors.limits import Limits
from analognas.executors.place import Here, Place
from analognas.executors.specs import ProcessesSpec, RaySpec, SerialSpec

if TYPE_CHECKING:
    from analognas.executors.ray_shipping import Freight
    from analognas.executors.ray_watch import ClusterWatch


class Site(Protocol):
    """Where the evaluations of a run, and the trainings after it, are made."""

    def executor(self, evaluate: Evaluate, logs: Path | None) -> Executor:
        """Return a new executor; `logs` is an existing folder for the output of evaluations that run elsewhere."""
        ...

    def place(self) -> Place:
        """Return where the trainings after the search run."""
        ...

    def notes(self) -> tuple[str, ...]:
        """Return what somebody should know before evaluations begin."""
        ...

    def close(self) -> None:
        """End the connection to it."""
        ...


def open_site(spec: SerialSpec | ProcessesSpec | RaySpec) -> Site:
    """Check that evaluations can run as `spec` says; connect to the Ray cluster that it names.

    Raises:
        UserError: when there is no cluster, or it cannot do what is asked of it, or there is no such device.
    """
    if isinstance(spec, RaySpec):
        from analognas.executors.ray_cluster import Demand, connect

        demand = Demand(spec.num_cpus, spec.num_gpus, spec.memory_gb)
        disconnect = connect(spec.address, demand)
        from analognas.executors.ray_shipping import Freight
        from analognas.executors.ray_watch import ClusterWatch

        return RaySite(spec, ClusterWatch(demand), Freight(), disconnect)
    resolve_device(spec.device)
    return ThisMachine(spec)


@dataclass(frozen=True)
class ThisMachine:
    """This process, and processes beside it.

    Attributes:
        spec: what the configuration says.
    """

    spec: SerialSpec | ProcessesSpec

    def executor(self, evaluate: Evaluate, logs: Path | None) -> Executor:
        """Return a new executor."""
        spec = self.spec
        if isinstance(spec, SerialSpec):
            from analognas.executors.serial import SerialExecutor

            return SerialExecutor(evaluate)
        from analognas.executors.processes import ProcessExecutor

        workers = spec.workers or max(1, len(os.sched_getaffinity(0)) // spec.threads)
        return ProcessExecutor(
            evaluate,
            workers=workers,
            max_in_flight=spec.max_in_flight or workers,
            max_retries=spec.max_retries,
            limits=Limits(spec.trial_timeout, spec.memory_gb, spec.threads),
            logs=logs,
        )

    def place(self) -> Place:
        """Return this process."""
        return Here()

    def notes(self) -> tuple[str, ...]:
        """Say when there are more threads than processors."""
        workers = (self.spec.workers or 1) if isinstance(self.spec, ProcessesSpec) else 1
        threads, processors = workers * self.spec.threads, len(os.sched_getaffinity(0))
        if threads <= processors:
            return ()
        also = " or `executor.workers`" if workers > 1 else ""
        return (
            f"executor: {threads} threads slow each other down on the {processors} processors they may use; "
            f"lower `executor.threads`{also}",
        )

    def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class RaySite:
    """A Ray cluster that this process is connected to.

    Attributes:
        spec: what the configuration says.
        watch: of the cluster, from now until the site is closed.
        freight: what the run has in the object store.
        disconnect: ends the connection.
    """

    spec: RaySpec
    watch: ClusterWatch
    freight: Freight
    disconnect: Callable[[], None]

    def executor(self, evaluate: Evaluate, logs: Path | None) -> Executor:
        """Return a new executor."""
        from analognas.executors.ray_executor import RayExecutor

        return RayExecutor(
            evaluate,
            freight=self.freight,
            watch=self.watch,
            max_in_flight=self.spec.max_in_flight,
            max_retries=self.spec.max_retries,
            limits=Limits(self.spec.trial_timeout, self.spec.memory_gb, self.spec.threads),
            logs=logs,
        )

    def place(self) -> Place:
        """Return the cluster."""
        from analognas.executors.ray_place import RayPlace

        return RayPlace(self.freight, self.watch, self.spec.max_retries)

    def notes(self) -> tuple[str, ...]:
        """Return nothing: the evaluations run on other machines."""
        return ()

    def close(self) -> None:
        """Disconnect."""
        try:
            self.disconnect()
        finally:
            self.watch.close()
