"""A command whose output nobody takes: a closed stream, a pipe without a reader, a full disk."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analognas.cli.streams import prepare_streams
from analognas.config.loader import dump_config, load_config
from analognas.interruption import stop_on_interrupt
from analognas.progress.printable import tell
from analognas.progress.terminal import PlainObserver
from analognas.record.directory import create_run
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import command, environment, write_small


def sh(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {script}', "sh", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        timeout=60,
    )


@contextmanager
def unread_errors(monkeypatch) -> Iterator[None]:
    """Make standard error a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    kept = os.dup(2)
    os.dup2(writer, 2)
    os.close(writer)
    monkeypatch.setattr("sys.stderr", sys.stderr)
    prepare_streams()
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_a_search_goes_on_when_nobody_reads_its_progress(monkeypatch) -> None:
    observer = PlainObserver()
    with unread_errors(monkeypatch):
        with pytest.raises(BrokenPipeError):
            os.write(2, b"lost")
        observer.stage("searching")
        observer.trial(a_trial(), 2, None)
        tell("interrupted")
        with stop_on_interrupt() as stop:
            os.kill(os.getpid(), 2)
    assert stop.requested


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_output_on_a_full_disk_is_told_in_a_line(tmp_path) -> None:
    run = create_run(tmp_path / "run", dump_config(load_config(write_small(tmp_path))[0]), {})
    done = sh(">/dev/full", *command("status", run.path))
    assert done.returncode == 2
    assert done.stderr == "the output: No space left on device; make room, and give the command again\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_terminal_that_was_closed_does_not_change_the_exit_code(unbuffered) -> None:
    code = (
        "import sys, analognas.cli.main as cli; from analognas.__main__ import main\n"
        "def app(prog_name):\n"
        "    sys.stdout.write_through or sys.stdout.write('held back')\n"
        "    sys.stderr.write('a bar'); sys.stderr.flush(); sys.exit(130)\n"
        "cli.app = app; sys.stdin.readline(); main()"
    )
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=terminal,
        stderr=terminal,
        env={**environment(), "PYTHONUNBUFFERED": unbuffered},
    )
    os.close(terminal)
    os.close(screen)
    process.communicate(b"go on\n", timeout=30)
    assert process.returncode == 130
