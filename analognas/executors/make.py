"""From the `executor` section to an executor."""

from __future__ import annotations

import os
from pathlib import Path

from analognas.executors.executor import Evaluate, Executor
from analognas.executors.limits import Limits
from analognas.executors.specs import ProcessesSpec, RaySpec, SerialSpec


def check_executor(spec: SerialSpec | ProcessesSpec | RaySpec) -> None:
    """Check that evaluations can run as `spec` says; a Ray cluster is connected to and stays so.

    Raises:
        UserError: when there is no cluster, or it cannot do what is asked of it.
    """
    if isinstance(spec, RaySpec):
        from analognas.executors.ray_cluster import connect

        connect(spec.address, num_cpus=spec.num_cpus, num_gpus=spec.num_gpus, memory_gb=spec.memory_gb)


def make_executor(
    spec: SerialSpec | ProcessesSpec | RaySpec, evaluate: Evaluate, logs: Path | None
) -> Executor:
    """Return a new executor.

    Args:
        spec: which, after `check_executor`.
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
                num_cpus=spec.num_cpus,
                num_gpus=spec.num_gpus,
                max_in_flight=spec.max_in_flight,
                max_retries=spec.max_retries,
                limits=Limits(spec.trial_timeout, spec.memory_gb, spec.threads),
                logs=logs,
            )
