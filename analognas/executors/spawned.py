"""Processes beside this one, each started afresh with torch's sharing of tensors.

A worker imports what it is sent, and never the script that started the search: an unguarded one would start it again.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import TYPE_CHECKING, Any

from analognas.errors import UserError

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess


def start(target: Callable[..., None], *arguments: Any) -> tuple[BaseProcess, Connection[Any, Any]]:
    """Start `target(connection, *arguments)` in a process that ends with this one.

    Args:
        target: a function of a module; it calls `settle` first.
        arguments: pickled, the tensors in them shared.

    Returns:
        The process, and our end of its connection.

    Raises:
        UserError: when the tensors do not fit into shared memory.
    """
    from torch import multiprocessing as tensor_sharing

    context = tensor_sharing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
    resource_tracker.ensure_running()  # which unblocks SIGINT where it has to start one
    # A worker that is still importing must not die of a Ctrl-C that is meant for the driver.
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _script_left_out():
            process.start()
    except RuntimeError as error:
        if "shared memory" not in str(error):
            raise
        raise UserError(
            f"executor: the data do not fit into shared memory ({' '.join(str(error).split())}); "
            "enlarge /dev/shm (in Docker `--shm-size`), or choose `executor.kind: serial`"
        ) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
    theirs.close()
    return process, ours


def settle() -> None:
    """Leave Ctrl-C to the process that started this one, and end when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_driver, daemon=True).start()
    faulthandler.enable()
    _keep_no_semaphore()


@contextmanager
def _script_left_out() -> Iterator[None]:
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _keep_no_semaphore() -> None:
    """Give tqdm, which torch makes bars with, a lock of this process alone: its own outlives a killed worker."""
    if find_spec("tqdm") is not None:
        import_module("tqdm").tqdm.set_lock(threading.RLock())


def _end_with_driver() -> None:
    driver = multiprocessing.parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(1)
