"""From the `executor` section to an executor."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analognas.executors.device import resolve_device
from analognas.executors.executor import Evaluate, Executor
from analognas.executors.limits import Limits
from analognas.executors.memory import GIGABYTE
from analognas.executors.place import Here, Place, RayPlace
from analognas.executors.specs import ProcessesSpec, RaySpec, SerialSpec

if TYPE_CHECKING:
    from analognas.executors.ray_cluster import Demand


def open_executor(spec: SerialSpec | ProcessesSpec | RaySpec) -> Callable[[], None]:
    """Check that evaluations can run as `spec` says; connect to the Ray cluster that it names.

    Returns:
        What ends the connection.

    Raises:
        UserError: when there is no cluster, or it cannot do what is asked of it, or there is no such device.
    """
    if isinstance(spec, RaySpec):
        from analognas.executors.ray_cluster import connect

        return connect(spec.address, _demand(spec))
    resolve_device(spec.device)
    return _nothing_to_close


def _nothing_to_close() -> None:
    """Do nothing."""


def _demand(spec: RaySpec) -> Demand:
    from analognas.executors.ray_cluster import Demand

    return Demand(spec.num_cpus, spec.num_gpus, spec.memory_gb)


def make_place(spec: SerialSpec | ProcessesSpec | RaySpec) -> Place:
    """Return where the trainings after the search run: on the cluster, or in this process."""
    if not isinstance(spec, RaySpec):
        return Here()
    reservation: dict[str, Any] = {"num_cpus": spec.num_cpus, "num_gpus": spec.num_gpus}
    if spec.memory_gb is not None:
        reservation["memory"] = round(spec.memory_gb * GIGABYTE)
    return RayPlace(reservation, spec.max_retries)


def make_executor(
    spec: SerialSpec | ProcessesSpec | RaySpec, evaluate: Evaluate, logs: Path | None
) -> Executor:
    """Return a new executor.

    Args:
        spec: which, after `open_executor`.
        evaluate: the evaluation.
        logs: an existing folder for the output of evaluations that run elsewhere.
    """
    match spec:
        case SerialSpec():
            from analognas.executors.serial import SerialExecutor

            return SerialExecutor(evaluate)
        case ProcessesSpec():
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
        case RaySpec():
            from analognas.executors.ray_executor import RayExecutor

            return RayExecutor(
                evaluate,
                demand=_demand(spec),
                max_in_flight=spec.max_in_flight,
                max_retries=spec.max_retries,
                limits=Limits(spec.trial_timeout, spec.memory_gb, spec.threads),
                logs=logs,
            )
