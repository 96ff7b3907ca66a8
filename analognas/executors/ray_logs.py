"""Collects the logs of workers that died: each has left a file on its node, which a task there reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ray
from ray import exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from analognas.executors.attempts import Attempt
from analognas.executors.ray_cluster import alive_nodes
from analognas.executors.ray_worker import clear_logs, salvage_log
from analognas.executors.trial_log import write_log


class LogCollector:
    """Collects the logs that attempts have left on the nodes, without holding up the search."""

    def __init__(self, logs: Path | None, run: str) -> None:
        """Write into the folder `logs`, None for nowhere, what attempts of `run` have left."""
        self._logs = logs
        self._run = run
        self._task = ray.remote(num_cpus=0, max_retries=0)(salvage_log)
        self._clear = ray.remote(num_cpus=0, max_retries=0)(clear_logs)
        self._asked: dict[Any, Attempt] = {}

    def ask_for(self, attempt: Attempt) -> None:
        """Ask every node: Ray does not tell which one an attempt was on."""
        if self._logs is None:
            return
        for there in _every_node():
            task = self._task.options(scheduling_strategy=there, name=f"log of {attempt.job.key}")
            self._asked[task.remote(self._run, attempt)] = attempt

    def take(self, timeout_s: float = 0.0) -> None:
        """Write what has arrived, or arrives within `timeout_s` seconds, into the logs of the candidates."""
        if not self._asked:
            return
        arrived, _ = ray.wait(list(self._asked), num_returns=len(self._asked), timeout=timeout_s)
        for reference in arrived:
            attempt = self._asked.pop(reference)
            try:
                write_log(self._logs, attempt, ray.get(reference))
            except exceptions.RayError:
                continue  # the node went away, and what was on it

    def clear(self, timeout_s: float) -> None:
        """Remove, within `timeout_s` seconds, what attempts that were cancelled have left on the nodes.

        What they left on this one is removed here: a worker takes seconds to start.
        """
        if self._logs is None:
            return
        clear_logs(self._run)
        cleared = [
            self._clear.options(scheduling_strategy=there, name="clear logs").remote(self._run)
            for there in _every_node()
            if there.node_id != ray.get_runtime_context().get_node_id()
        ]
        if cleared:
            ray.wait(cleared, num_returns=len(cleared), timeout=timeout_s)


def _every_node() -> list[NodeAffinitySchedulingStrategy]:
    return [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in alive_nodes()]
