"""The inside of a worker process: receives attempts, sends outcomes, ends with its driver."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final, Literal

from analognas.executors.attempts import Attempt
from analognas.executors.executor import Evaluate, Outcome
from analognas.executors.limits import Limits, evaluate_within

STARTED: Final = "started"
READY: Final = "ready"
Message = Outcome | Literal["started", "ready"]


def work(
    connection: Connection[Message, Attempt], evaluate: Evaluate, limits: Limits, logs: Path | None
) -> None:
    """Evaluate what comes through `connection` until it is closed.

    Args:
        connection: to the driver.
        evaluate: the evaluation.
        limits: of each.
        logs: where the output of an evaluation goes, a file of its own for each candidate; None: nowhere else.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_driver, daemon=True).start()
    faulthandler.enable()
    connection.send(READY)
    while True:
        try:
            attempt = connection.recv()
        except EOFError:
            return
        connection.send(STARTED)
        with output_to(None if logs is None else logs / f"{attempt.job.key}.log"):
            outcome = evaluate_within(evaluate, attempt, limits)
        connection.send(outcome)


def _end_with_driver() -> None:
    driver = multiprocessing.parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(1)


@contextmanager
def output_to(path: Path | None) -> Iterator[None]:
    """Send everything this process writes to a file, that of native code and of a crash included; drop an empty file.

    A file that cannot be written, on a full disk or behind a symbolic link, leaves the output where it was.
    """
    if path is None:
        yield
        return
    try:
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError:
        yield
        return
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    for stream, _ in kept:
        os.dup2(log, stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, copy in kept:
            os.dup2(copy, stream)
            os.close(copy)
        if os.fstat(log).st_size == 0:
            path.unlink(missing_ok=True)
        os.close(log)
