"""What runs on a node of a Ray cluster: one task is one attempt of one piece of work."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ray

from analognas.errors import UserError
from analognas.executors.attempts import Attempt, ran_out_of_memory
from analognas.executors.executor import Evaluate, Report
from analognas.executors.fingerprint import differences, fingerprint
from analognas.executors.limits import Limits, evaluate_within
from analognas.executors.memory import import_ahead
from analognas.executors.node_log import (
    log_on_node,
    output_on_node,
    remove_logs,
    remove_orphans_once,
    take_log,
)
from analognas.executors.ray_object_store import StoredObject
from analognas.executors.ray_starts import REPORTER
from analognas.executors.trial_log import write_at_once


@dataclass(frozen=True)
class Mismatch:
    """A node with other versions than the driver: it has evaluated nothing.

    Attributes:
        node: its name.
        differences: in words.
    """

    node: str
    differences: str

    def error(self) -> UserError:
        """Return the error that ends the run."""
        return UserError(
            f"executor: node {self.node} differs: {self.differences}; make them equal and resume the run"
        )


@dataclass(frozen=True)
class SharedInput:
    """What is the same for every task of a search.

    Attributes:
        evaluation: to make.
        limits: of each.
        expected: the driver's versions.
        registry: the actor that records every start, and the reports of attempts that ran out of memory.
        run: a word of the search's own, in the names of the logs on the nodes; empty: nobody wants the logs.
    """

    evaluation: StoredObject
    limits: Limits
    expected: Mapping[str, str]
    registry: Any
    run: str


def evaluate_remotely(shared: StoredObject, attempt: Attempt) -> Report | Mismatch:
    """Evaluate the job of `attempt` on this node; `shared` is stored once, for all tasks."""
    todo: SharedInput = shared.get()
    found = differences(todo.expected, fingerprint())
    if found:
        return Mismatch(os.uname().nodename, found)
    import_ahead(todo.limits.memory_gb)
    evaluate: Evaluate[Any, Any] = todo.evaluation.get()
    write_at_once()
    faulthandler.enable()
    with REPORTER.start_reported(
        todo.registry, attempt_name(attempt), at_once=todo.limits.time_s is not None
    ):
        report = _report(evaluate, attempt, todo)
    if ran_out_of_memory(report.outcome):
        # What ran out of memory half-way, in native code, may fail for ever after: this process takes no other task.
        ray.get(todo.registry.ran_out_of_memory.remote(attempt_name(attempt), report))
        os._exit(1)
    return report


def _report(evaluate: Evaluate[Any, Any], attempt: Attempt, todo: SharedInput) -> Report:
    if not todo.run:
        return Report(evaluate_within(evaluate, attempt, todo.limits), "")
    remove_orphans_once()
    with output_on_node(todo.run, attempt) as log:
        outcome = evaluate_within(evaluate, attempt, todo.limits)
    return Report(outcome, take_log(log))


def salvage_log(run: str, attempt: Attempt) -> str:
    """Return what an attempt whose worker died has left on this node; empty on all nodes but its own."""
    return take_log(log_on_node(run, attempt))


def clear_logs(run: str) -> None:
    """Remove what attempts of a run that ends have left on this node."""
    remove_logs(run)


def attempt_name(attempt: Attempt) -> str:
    """Return a name that no other attempt of the run has."""
    return f"{attempt.job.key}-{attempt.number}"
