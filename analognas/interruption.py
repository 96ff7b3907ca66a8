"""Ctrl-C, once and twice: stop proposing and finish what runs, then stop at once. SIGTERM stops at once, too.

All leave a run that can be resumed. The first Ctrl-C only sets a flag that the search loop looks at; the second, and
SIGTERM, raise `KeyboardInterrupt` wherever the process is. While a command cleans up after that, it is not disturbed
by more of them.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

WORDS: Final = b"\nstopping: what runs is finished and kept; press Ctrl-C again to stop at once\n"


class StopRequest:
    """Whether the user has asked to stop.

    Attributes:
        requested: set once, never cleared.
    """

    def __init__(self) -> None:
        self.requested = False


@contextmanager
def stop_on_interrupt() -> Iterator[StopRequest]:
    """Yield a request that the first SIGINT sets; a second one raises KeyboardInterrupt.

    In a thread other than the main one, where Python takes no signals, nothing sets it.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def on_interrupt(_signal: int, _frame: Any) -> None:
        if request.requested:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            raise KeyboardInterrupt
        request.requested = True
        os.write(2, WORDS)  # not a stream of Python's, which a signal may find half-way through a line

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM, as a system that shuts down or a scheduler sends it.

    A process that is interrupted in here, in either way, is about to end: it takes no signals of the kind any more.
    In a thread other than the main one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def take_no_more() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def on_termination(_signal: int, _frame: Any) -> None:
        take_no_more()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, on_termination)
    try:
        yield
    except KeyboardInterrupt:
        take_no_more()
        raise
    finally:
        if signal.getsignal(signal.SIGTERM) is on_termination:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def termination_kept() -> Iterator[None]:
    """Keep this process's own handler of SIGTERM through code that sets another, as `ray.init` does.

    Ray's raises SystemExit at once and, once it is connected, writes a dump and ends the process with status 1. A
    SIGTERM that it takes in here goes to the kept handler. Where there is no handler, or in a thread other than the
    main one, nothing changes.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM) if main else None
    if not callable(before):
        yield
        return
    taken = False
    try:
        yield
    except SystemExit as stopped:
        taken = stopped.code == signal.SIGTERM
        if not taken:
            raise
    finally:
        signal.signal(signal.SIGTERM, before)
    if taken:
        signal.alarm(0)  # with its dump, Ray sets one that aborts the process in the middle of its cleaning
        signal.raise_signal(signal.SIGTERM)
