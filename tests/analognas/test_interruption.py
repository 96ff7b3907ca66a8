"""Signals as a command takes them: the first ends it in order, and what comes while it ends changes nothing."""

import os
import signal
import time

import pytest

from analognas.interruption import stop_on_interrupt, terminated_as_interrupted, termination_kept


@pytest.fixture(autouse=True)
def handlers_of_a_terminal():
    """Python's own handlers, then what was before: a shell's background job ignores SIGINT."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(kind) for kind in kinds]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for kind, handler in zip(kinds, before, strict=True):
        signal.signal(kind, handler)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_ends_takes_no_more_signals(kind) -> None:
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        os.kill(os.getpid(), kind)
        time.sleep(10)
    assert signal.getsignal(signal.SIGINT) == signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_a_command_that_is_done_leaves_the_signals_as_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with terminated_as_interrupted():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_cleaning_after_a_second_interrupt_is_not_disturbed(capfd) -> None:
    before, cleaned = signal.getsignal(signal.SIGINT), False
    with pytest.raises(KeyboardInterrupt), stop_on_interrupt() as stop:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            assert stop.requested
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            cleaned = True
    assert cleaned
    assert signal.getsignal(signal.SIGINT) == before
    assert capfd.readouterr().err.count("press Ctrl-C again") == 1


def another_handler(number: int, _frame: object) -> None:
    """As `ray.init` sets one."""
    raise SystemExit(number)


def test_code_that_sets_a_handler_of_its_own_takes_no_termination() -> None:
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        kept = signal.getsignal(signal.SIGTERM)
        with termination_kept():
            signal.signal(signal.SIGTERM, another_handler)
        assert signal.getsignal(signal.SIGTERM) == kept
        with termination_kept():
            signal.signal(signal.SIGTERM, another_handler)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)


def test_where_there_is_no_handler_the_other_one_stays() -> None:
    with termination_kept():
        signal.signal(signal.SIGTERM, another_handler)
    assert signal.getsignal(signal.SIGTERM) == another_handler


def test_what_ends_for_another_reason_ends() -> None:
    with pytest.raises(SystemExit, match="3"), terminated_as_interrupted(), termination_kept():
        raise SystemExit(3)
