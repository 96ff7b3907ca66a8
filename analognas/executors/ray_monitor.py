"""Monitors a cluster: how much room it has now, and whether it still answers.

One monitor serves a run from its first evaluation to the end of the trainings after the search, so that a loss of the
cluster is noticed at every moment.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from typing import Final

import ray

from analognas.errors import UserError
from analognas.executors.memory import GIGABYTE
from analognas.executors.ray_cluster import Demand, all_nodes, head_answers, leave_at_exit

LOOK_S: Final = 2.0
"""Seconds between two looks at the nodes."""

WAIT_S: Final = 0.1
"""Longest call into Ray that waits: Python hears of a Ctrl-C after it, and of two within it as one."""

EXIT_LOST: Final = 2
"""Exit code of a process that has lost its cluster: that of every other error a user can mend."""

LOST_S: Final = 20.0
"""Seconds without an answer after which a cluster is lost; Ray itself would wait without end."""

STUCK_S: Final = 40.0
"""Seconds without an answer after which a search that a call into Ray holds back is ended; Ray aborts it after 60."""


class ClusterMonitor:
    """The room in a cluster, looked at every other second.

    Attributes:
        demand: what an evaluation reserves.
        slots: evaluations that run at a time.
        n_nodes: nodes that run evaluations.
        largest_cpus: processors of the largest node that runs evaluations.
        largest_memory_gb: gigabytes of the largest node that runs evaluations.
        lost_nodes: identities of the nodes that were part of the cluster and are gone.
        lost: whether the cluster has not answered for too long.
    """

    def __init__(self, demand: Demand) -> None:
        self.demand = demand
        self.slots = 0
        self.n_nodes = 0
        self._able: list[Mapping[str, float]] = []
        self.largest_cpus = 0.0
        self.largest_memory_gb = 0.0
        self.lost_nodes: frozenset[str] = frozenset()
        self.lost = False
        context = ray.get_runtime_context()
        self._node_id = context.get_node_id()
        self._address = context.gcs_address
        self._silent_s = 0.0
        self._closed = threading.Event()
        # In threads of their own: a question that the head node no longer answers blocks for a minute.
        threading.Thread(target=self._keep_time, daemon=True).start()
        self._count()
        threading.Thread(target=self._keep_counting, daemon=True).start()

    def check(self) -> None:
        """Check that the cluster is still there.

        Raises:
            UserError: when it has not answered for `LOST_S`.
        """
        if self._silent_s > LOST_S:
            self.lost = True
            leave_at_exit(EXIT_LOST)
            sys.excepthook = sys.__excepthook__  # Ray's asks the cluster, too
            raise UserError(self._words())

    def has_node_for(self, demand: Demand) -> bool:
        """Return whether any node that runs evaluations has what a demand reserves."""
        return any(demand.slots(resources) for resources in self._able)

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()

    def _words(self) -> str:
        return (
            f"executor: the Ray cluster at {self._address} has not answered for {self._silent_s:.0f} s; every "
            "finished trial is kept, start the cluster again and resume the run"
        )

    def _keep_counting(self) -> None:
        while not self._closed.wait(LOOK_S):
            if head_answers(self._address) and self._count():
                self._silent_s = 0.0

    def _keep_time(self) -> None:
        """Add up the silence, in ticks: a process that was stopped itself for a while must not blame its cluster.

        A call into Ray that needs a lost head node never returns: the process is ended here when the search cannot.
        A process that has left the cluster has nothing to lose.
        """
        while not self._closed.wait(LOOK_S) and ray.is_initialized():
            self._silent_s += LOOK_S
            if self._silent_s > STUCK_S and not self.lost:
                os.write(2, f"{self._words()}\n".encode())
                os._exit(EXIT_LOST)

    def _count(self) -> bool:
        """Count the nodes and return whether this process is still on one of them."""
        try:
            known = all_nodes()
        except Exception:  # whatever Ray raises when the head node is another one now
            return False
        nodes = [node for node in known if node["Alive"]]
        self.lost_nodes = frozenset(node["NodeID"] for node in known if not node["Alive"])
        slots = [self.demand.slots(node["Resources"]) for node in nodes]
        able = [node["Resources"] for node, n in zip(nodes, slots, strict=True) if n]
        self.slots = sum(slots)
        self.n_nodes = len(able)
        self._able = able
        self.largest_cpus = max((has.get("CPU", 0.0) for has in able), default=0.0)
        self.largest_memory_gb = max((has.get("memory", 0.0) for has in able), default=0.0) / GIGABYTE
        return any(node["NodeID"] == self._node_id for node in nodes)
