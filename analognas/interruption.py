"""Ctrl-C, once and twice: stop proposing and finish what runs, then stop at once. SIGTERM and SIGHUP stop at once, too.

All leave a run that can be resumed. The first Ctrl-C only sets a flag that the search loop looks at; the second, and
the other signals, raise `KeyboardInterrupt` wherever the process is. While a command cleans up after that, it is not
disturbed by more of them.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

EXIT_INTERRUPTED: Final = 130
"""Exit code of an interrupted process, whichever signal it was."""

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that ask a process to end, and that it can answer."""

WORDS: Final = b"\nstopping: what runs is finished and kept; press Ctrl-C again to stop at once\n"


class SearchInterrupted(KeyboardInterrupt):  # which it is
    """The user stopped a search; every finished trial is kept.

    Attributes:
        path: of the run or comparison that can be continued; None where it had not begun.
    """

    def __init__(self, path: Path | None) -> None:
        kept = "nothing was created" if path is None else f"every finished trial is kept in {path}"
        super().__init__(f"interrupted; {kept}")
        self.path = path


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
            if callable(before):
                before(_signal, _frame)
            raise KeyboardInterrupt
        request.requested = True
        with suppress(OSError):  # nobody may read it any more
            os.write(2, WORDS)  # not a stream of Python's, which a signal may find half-way through a line

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Raise KeyboardInterrupt, once, at SIGINT, SIGTERM and SIGHUP.

    A system that shuts down or a scheduler sends SIGTERM, a terminal that is closed SIGHUP. A process that is
    interrupted in here, in whichever way, is about to end: it takes no signals of the kind any more. In a thread other
    than the main one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ends = False

    def end(_signal: int, _frame: Any) -> None:
        nonlocal ends
        if not ends:
            ends = True
            raise KeyboardInterrupt

    before = {kind: signal.signal(kind, end) for kind in ENDING if _is_heeded(kind)}
    try:
        yield
    except KeyboardInterrupt:
        for kind in ENDING:
            signal.signal(kind, signal.SIG_IGN)
        raise
    finally:
        for kind, handler in before.items():
            if signal.getsignal(kind) is end:
                signal.signal(kind, handler)


def _is_heeded(kind: signal.Signals) -> bool:
    """Return whether a signal ends this process: a shell's background job ignores SIGINT, `nohup` SIGHUP."""
    return kind == signal.SIGTERM or signal.getsignal(kind) != signal.SIG_IGN


@contextmanager
def interruptions_held_back() -> Iterator[None]:
    """Keep SIGINT, SIGTERM and SIGHUP that arrive in here until it is left, for what must not be interrupted half-way.

    Handlers that were set in here are gone afterwards. In a thread other than the main one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def keep(number: int, _frame: Any) -> None:
        heard.append(number)

    before = {kind: signal.signal(kind, keep) for kind in ENDING}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
    for number in heard:
        signal.raise_signal(number)
