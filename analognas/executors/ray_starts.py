"""Start registry: where each task has begun, and the reports of workers that are about to end.

Ray tells a driver neither that a task has left its queue nor which node it is on, and when a node goes silent it may
take eight minutes to fail a task there, long after it has given up the node itself.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ray
from ray import exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from analognas.executors.memory import n_killed_for_memory

REPORT_S: Final = 1.0
"""Seconds between reports of short tasks without a time limit."""

LISTEN_S: Final = 0.05
"""Longest wait for the registry's answer."""

REGISTRY_START_S: Final = 10.0
"""Longest wait for its process to start: what a worker tells before that, and then dies, nobody hears."""

UNHEARD_S: Final = 20.0
"""Seconds after a node was lost in which tasks that were under way then are waited for to begin."""

if TYPE_CHECKING:  # the registry's own process has no other use for torch
    from analognas.executors.executor import Report


class Start(NamedTuple):
    """That a task has begun.

    Attributes:
        node_id: where.
        n_killed: processes that the kernel there had killed because memory ran out.
    """

    node_id: str
    n_killed: int


class StartRegistry:
    """An actor that records every start, and keeps the reports of attempts that ran out of memory."""

    def __init__(self) -> None:
        self._started: dict[str, Start] = {}
        self._reports: dict[str, Report] = {}

    def started(self, name: str, start: Start) -> None:
        """Note that a task has begun."""
        self._started[name] = start

    def take(self) -> dict[str, Start]:
        """Return the starts since the last call, by the tasks' names."""
        started, self._started = self._started, {}
        return started

    def ran_out_of_memory(self, name: str, report: Report) -> None:
        """Keep the report of an attempt whose worker is about to end."""
        self._reports[name] = report

    def take_report(self, name: str) -> Report | None:
        """Return the report of an attempt whose worker has ended, None where it did not run out of memory."""
        return self._reports.pop(name, None)


class StartReporter:
    """Reports to a registry which tasks of this process have begun.

    A task that does nothing would take half as long again with the report. One that begins within `REPORT_S` of the
    last report is therefore reported when it has run as long itself, unless it has a time limit.
    """

    def __init__(self) -> None:
        self._reported_s = -math.inf

    @contextmanager
    def start_reported(self, registry: Any, name: str, *, at_once: bool) -> Iterator[None]:
        """Report that a task has begun on this node."""
        start = Start(ray.get_runtime_context().get_node_id(), n_killed_for_memory())
        if at_once or time.monotonic() > self._reported_s + REPORT_S:
            self._report(registry, name, start)
            yield
            return
        later = threading.Timer(REPORT_S, self._report, (registry, name, start))
        later.daemon = True
        later.start()
        try:
            yield
        finally:
            later.cancel()

    def _report(self, registry: Any, name: str, start: Start) -> None:
        registry.started.remote(name, start)
        self._reported_s = time.monotonic()


REPORTER: Final = StartReporter()
"""Of this process."""


class StartListener:
    """Reads a registry on the driver.

    Attributes:
        registry: what tasks call; it lives on the driver's node, as long as the driver can.
        starts: of the tasks under way that have begun, as far as is known, by their names.
    """

    def __init__(self) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.registry: Any = ray.remote(StartRegistry).options(num_cpus=0, scheduling_strategy=here).remote()
        self.starts: dict[str, Start] = {}
        self._answer: Any = None
        self._lost_nodes: frozenset[str] | None = None
        self._lost_s = 0.0
        self._suspects: set[str] = set()
        self.listen((), REGISTRY_START_S)

    def listen(self, under_way: Iterable[str], timeout_s: float = LISTEN_S) -> None:
        """Read the starts since the last call; an answer that takes long is read at a later call.

        Args:
            under_way: names of all tasks whose starts are still of interest.
            timeout_s: longest wait for the answer.
        """
        if self._answer is None:
            self._answer = self.registry.take.remote()
        if ray.wait([self._answer], timeout=timeout_s)[0]:
            answer, self._answer = self._answer, None
            with suppress(exceptions.RayError):
                self.starts.update(ray.get(answer))
        names = set(under_way)
        self.starts = {name: start for name, start in self.starts.items() if name in names}

    def on_lost_node(self, under_way: Mapping[str, Any], lost_nodes: frozenset[str]) -> list[str]:
        """Return the names of the tasks that began on a node which is gone, and have not ended.

        Args:
            under_way: references of the tasks, by name.
            lost_nodes: the nodes that were given up.
        """
        names = [
            name for name in under_way if name in self.starts and self.starts[name].node_id in lost_nodes
        ]
        return [name for name in names if not ray.wait([under_way[name]], timeout=0)[0]]

    def unheard_of(self, under_way: Mapping[str, Any], lost_nodes: frozenset[str]) -> list[str]:
        """Return, once, the names of tasks that were under way when a node was lost and have not begun since.

        They may have been on their way to it, or their telling on the way from it; or they wait for room.

        Args:
            under_way: references of the tasks, by name.
            lost_nodes: the nodes that were given up.
        """
        if self._lost_nodes is not None and lost_nodes - self._lost_nodes:
            self._lost_s = time.monotonic()
            self._suspects = set(under_way)
        self._lost_nodes = lost_nodes
        self._suspects -= self.starts.keys()
        if not self._suspects or time.monotonic() < self._lost_s + UNHEARD_S:
            return []
        names, self._suspects = self._suspects & under_way.keys(), set()
        return [name for name in under_way if name in names and not ray.wait([under_way[name]], timeout=0)[0]]

    def ask_node(self, start: Start) -> Any:
        """Return a reference to how many processes the kernel of a task's node has killed because memory ran out."""
        there = NodeAffinitySchedulingStrategy(start.node_id, soft=False)
        task = ray.remote(num_cpus=0, max_retries=0)(n_killed_for_memory)
        return task.options(scheduling_strategy=there, name="killed for memory").remote()

    def take_report(self, name: str, timeout_s: float) -> Report | None:
        """Return what an attempt that ran out of memory reported before its worker ended; None for any other."""
        try:
            report: Report | None = ray.get(self.registry.take_report.remote(name), timeout=timeout_s)
        except exceptions.RayError:
            return None
        return report

    def close(self) -> None:
        """Stop the registry."""
        ray.kill(self.registry)
