"""Signals as a command takes them: the first ends it in order, and what comes while it ends changes nothing."""

import os
import signal
import time

import pytest

from analognas.interruption import (
    StopRequest,
    interruptions_held_back,
    stop_on_interrupt,
    terminated_as_interrupted,
)


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


def _interrupt_twice(stop: StopRequest) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)
    assert stop.requested
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


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
            _interrupt_twice(stop)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            cleaned = True
    assert cleaned
    assert signal.getsignal(signal.SIGINT) == before
    assert capfd.readouterr().err.count("press Ctrl-C again") == 1


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_the_cleaning_of_a_process_that_ends_is_not_disturbed(kind) -> None:
    cleaned = False
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        finally:
            os.kill(os.getpid(), kind)
            time.sleep(0.01)
            cleaned = True
    assert cleaned


def test_a_third_interrupt_does_not_disturb_a_process_that_ends(capfd) -> None:
    cleaned = False
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        try:
            with stop_on_interrupt() as stop:
                _interrupt_twice(stop)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            cleaned = True
    assert cleaned
    assert capfd.readouterr().err.count("press Ctrl-C again") == 1


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_what_must_not_be_interrupted_half_way_comes_to_its_end(kind) -> None:
    done = False
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        with interruptions_held_back():
            os.kill(os.getpid(), kind)
            time.sleep(0.01)
            done = True
        time.sleep(10)
    assert done


def test_handlers_that_a_library_sets_do_not_outlive_what_it_was_called_for() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruptions_held_back():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGTERM) == before
