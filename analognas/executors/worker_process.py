"""The inside of a worker process: receives attempts, sends outcomes, ends with its driver."""

from __future__ import annotations

from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Literal

from analognas.executors.attempts import Attempt
from analognas.executors.executor import Evaluate, Outcome
from analognas.executors.limits import Limits, evaluate_within
from analognas.executors.memory import import_ahead
from analognas.executors.spawned import settle
from analognas.executors.trial_log import output_to, write_at_once

STARTED: Final = "started"
READY: Final = "ready"
Message = Outcome[Any, Any] | Literal["started", "ready"]


def work(
    connection: Connection[Message, Attempt], evaluate: Evaluate[Any, Any], limits: Limits, logs: Path | None
) -> None:
    """Evaluate what comes through `connection` until it is closed.

    Args:
        connection: to the driver.
        evaluate: the evaluation.
        limits: of each.
        logs: where the output of an evaluation goes, a file of its own for each candidate; None: nowhere else.
    """
    settle()
    write_at_once()
    import_ahead(limits.memory_gb)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the driver is gone, or is done
        _serve(connection, evaluate, limits, logs)


def _serve(
    connection: Connection[Message, Attempt], evaluate: Evaluate[Any, Any], limits: Limits, logs: Path | None
) -> None:
    connection.send(READY)
    while True:
        attempt = connection.recv()
        connection.send(STARTED)
        with output_to(None if logs is None else logs / f"{attempt.job.key}.log"):
            outcome = evaluate_within(evaluate, attempt, limits)
        connection.send(outcome)
