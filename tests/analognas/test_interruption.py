"""Signals as a command takes them: the first ends it in order, and what comes while it ends changes nothing."""

import os
import signal
import subprocess
import sys
import time

import pytest

from analognas.__main__ import EXIT_INTERRUPTED as EXIT_WHILE_LOADED
from analognas.interruption import (
    ENDING,
    EXIT_INTERRUPTED,
    StopRequest,
    interruptions_held_back,
    stop_on_interrupt,
    terminated_as_interrupted,
)
from tests.analognas.small_search import environment


@pytest.fixture(autouse=True)
def handlers_of_a_terminal():
    """Python's own handlers, then what was before: a shell's background job ignores SIGINT."""
    before = [signal.getsignal(kind) for kind in ENDING]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for kind, handler in zip(ENDING, before, strict=True):
        signal.signal(kind, handler)


def _interrupt_twice(stop: StopRequest) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)
    assert stop.requested
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


@pytest.mark.parametrize("kind", ENDING)
def test_a_process_that_ends_takes_no_more_signals(kind) -> None:
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        os.kill(os.getpid(), kind)
        time.sleep(10)
    assert all(signal.getsignal(each) == signal.SIG_IGN for each in ENDING)


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


@pytest.mark.parametrize("kind", ENDING)
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


@pytest.mark.parametrize("kind", ENDING)
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


INTERRUPTED_WHILE_LOADED = """
import os, signal, sys

class CtrlC:
    def find_spec(self, name, *_):
        if name == "analognas.cli.search":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, CtrlC())
signal.signal(signal.SIGINT, signal.default_int_handler)
from analognas.__main__ import main
main()
"""


def test_a_command_that_is_interrupted_while_it_is_loaded_says_so_in_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADED],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (EXIT_INTERRUPTED, "interrupted; nothing was begun\n")


def test_the_exit_code_of_a_command_that_is_loaded_is_that_of_all() -> None:
    assert EXIT_WHILE_LOADED == EXIT_INTERRUPTED


def test_a_command_that_runs_without_a_terminal_stays_without_one() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    with terminated_as_interrupted():
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.01)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
