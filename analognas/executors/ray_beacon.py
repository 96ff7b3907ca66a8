"""What a driver hears from nodes while tasks run: where each has begun, and the reports of workers that end at once.

Ray tells a driver neither that a task has left its queue nor which node it is on, and when a node goes silent it may
take eight minutes to fail a task there, long after it has given up the node itself.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import ray
from ray import exceptions

ANNOUNCE_S: Final = 1.0
"""Seconds between what a process tells of short tasks that nobody times."""

LISTEN_S: Final = 0.05
"""Longest wait for the beacon's answer; while its process starts there is none."""

if TYPE_CHECKING:  # the beacon's own process has no other use for torch
    from analognas.executors.ray_worker import Report


class Beacon:
    """An actor that hears of every start, and keeps the reports of attempts that ran out of memory."""

    def __init__(self) -> None:
        self._started: dict[str, str] = {}
        self._reports: dict[str, Report] = {}

    def started(self, name: str, node_id: str) -> None:
        """Note that a task has begun on a node."""
        self._started[name] = node_id

    def take(self) -> dict[str, str]:
        """Return the nodes of the tasks that began since the last call, by the tasks' names."""
        started, self._started = self._started, {}
        return started

    def ran_out_of_memory(self, name: str, report: Report) -> None:
        """Keep the report of an attempt whose worker is about to end."""
        self._reports[name] = report

    def take_report(self, name: str) -> Report | None:
        """Return the report of an attempt whose worker has ended, None where it did not run out of memory."""
        return self._reports.pop(name, None)


class Announcer:
    """Tells a beacon which tasks of this process have begun.

    A task that does nothing would take half as long again with the telling. One that begins within `ANNOUNCE_S` of the
    last telling is therefore told when it has run as long itself, unless somebody times it.
    """

    def __init__(self) -> None:
        self._told_s = -math.inf

    @contextmanager
    def announced(self, beacon: Any, name: str, *, at_once: bool) -> Iterator[None]:
        """Tell a beacon that a task has begun on this node."""
        node_id = ray.get_runtime_context().get_node_id()
        if at_once or time.monotonic() > self._told_s + ANNOUNCE_S:
            self._tell(beacon, name, node_id)
            yield
            return
        later = threading.Timer(ANNOUNCE_S, self._tell, (beacon, name, node_id))
        later.daemon = True
        later.start()
        try:
            yield
        finally:
            later.cancel()

    def _tell(self, beacon: Any, name: str, node_id: str) -> None:
        beacon.started.remote(name, node_id)
        self._told_s = time.monotonic()


ANNOUNCER: Final = Announcer()
"""Of this process."""


class Lookout:
    """The driver's end of a beacon.

    Attributes:
        beacon: what tasks call; it lives on the driver's node, as long as the driver can.
    """

    def __init__(self) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.beacon: Any = ray.remote(Beacon).options(num_cpus=0, scheduling_strategy=here).remote()
        self._answer: Any = None
        self._node_of: dict[str, str] = {}

    def newly_started(self) -> Mapping[str, str]:
        """Return the nodes of tasks that have begun, by the tasks' names; an answer that takes long is there later."""
        if self._answer is None:
            self._answer = self.beacon.take.remote()
        if not ray.wait([self._answer], timeout=LISTEN_S)[0]:
            return {}
        answer, self._answer = self._answer, None
        try:
            started: Mapping[str, str] = ray.get(answer)
        except exceptions.RayError:
            return {}
        self._node_of.update(started)
        return started

    def on_lost_node(self, running: Mapping[str, Any], lost_nodes: frozenset[str]) -> list[str]:
        """Return the names of the tasks that began on a node which is gone, and have not ended.

        Args:
            running: all tasks under way, by name; what has ended is forgotten.
            lost_nodes: the nodes that were given up.
        """
        self._forget(running)
        names = [name for name, node_id in self._node_of.items() if node_id in lost_nodes]
        return [name for name in names if not ray.wait([running[name]], timeout=0)[0]]

    def take_report(self, name: str, timeout_s: float) -> Report | None:
        """Return what an attempt that ran out of memory told before its worker ended; None for any other."""
        try:
            report: Report | None = ray.get(self.beacon.take_report.remote(name), timeout=timeout_s)
        except exceptions.RayError:
            return None
        return report

    def close(self) -> None:
        """End the beacon."""
        ray.kill(self.beacon)

    def _forget(self, running: Iterable[str]) -> None:
        names = set(running)
        self._node_of = {name: node_id for name, node_id in self._node_of.items() if name in names}
