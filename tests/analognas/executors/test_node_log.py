"""Files of attempts on nodes: gone when the attempt or the run ends, or with the next worker after a crash."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from analognas.executors import node_log
from analognas.executors.attempts import Attempt
from tests.analognas.executors.evaluations import a_job
from tests.analognas.small_search import ROOT, environment

RUN = "0123456789abcdef"


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    node_log.remove_orphans_once.cache_clear()
    yield tmp_path
    node_log.remove_orphans_once.cache_clear()


def grow_old(path: Path) -> None:
    then = time.time() - 2 * node_log.ORPHANED_S
    os.utime(path, (then, then))


@pytest.mark.parametrize("says", ["", "words"])
def test_an_attempt_that_ends_leaves_nothing(temporary, says) -> None:
    with node_log.output_on_node(RUN, Attempt(a_job())) as path:
        assert path.stat().st_mode & 0o777 == 0o600
        os.write(1, says.encode())
    assert node_log.take_log(path) == says
    assert list(temporary.iterdir()) == []


def test_what_a_dead_worker_left_is_removed_by_the_next_one(temporary) -> None:
    script = (
        "import os, signal\n"
        "from analognas.executors.attempts import Attempt\n"
        "from analognas.executors.node_log import output_on_node\n"
        "from tests.analognas.executors.evaluations import a_job\n"
        f"with output_on_node('{RUN}', Attempt(a_job())):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], env={**environment(), "TMPDIR": str(temporary)}, cwd=ROOT, check=False
    )
    (left,) = temporary.iterdir()
    node_log.remove_orphans_once()
    assert left.exists(), "the driver may still fetch it"
    grow_old(left)
    node_log.remove_orphans_once()
    assert left.exists(), "asked once a process"
    node_log.remove_orphans_once.cache_clear()
    node_log.remove_orphans_once()
    assert not left.exists()


def test_a_log_that_is_written_and_what_is_no_log_stay(temporary) -> None:
    diary = temporary / "diary"
    diary.write_text("mine")
    link = temporary / f"analognas-{RUN}-0-1.log"
    link.symlink_to(diary)
    other = temporary / "analognas-notes.log"
    other.write_text("mine, too")
    grow_old(diary)
    grow_old(other)
    with node_log.output_on_node(RUN, Attempt(a_job())) as path:
        grow_old(path)
        node_log.remove_orphans_once()
        assert path.exists()
    assert diary.read_text() == "mine"
    assert link.is_symlink()
    assert other.exists()


def test_the_end_of_a_run_removes_its_own(temporary) -> None:
    own, other = (node_log.log_on_node(run, Attempt(a_job())) for run in (RUN, "f" * 16))
    own.touch()
    other.touch()
    node_log.remove_logs(RUN)
    assert list(temporary.iterdir()) == [other]
