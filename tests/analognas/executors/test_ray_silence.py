"""Nodes that go silent: their connections stay open, and nothing answers. Run with `pytest -m ray`."""

import os
import signal
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from analognas.executors.ray_cluster import connect
from tests.analognas.executors import evaluations
from tests.analognas.executors.cluster import ONE
from tests.analognas.executors.drive import check_run, drive, ray_executor, search_loop

os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # before ray is imported: localhost alone
pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")]

SOON = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}
"""Ray gives a silent node up after seconds instead of a minute; what runs there it waits for as long as ever."""

PATIENCE_S = 120.0
"""Far more than is needed, and far less than the seven minutes after which Ray itself notices."""


class Silence(threading.Thread):
    """Stops the node of the process that `held` names, with all of its processes, until the end of the test."""

    def __init__(self, held: Path) -> None:
        super().__init__(daemon=True)
        self.held = held
        self.silent: list[int] = []

    def run(self) -> None:
        while not self.held.exists():
            time.sleep(0.05)
        worker = int(self.held.read_text().split()[1])
        raylet = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
        children = Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()
        self.silent = [raylet, *map(int, children)]
        for process in self.silent:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)

    def end(self) -> None:
        for process in self.silent:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@pytest.fixture
def silence(tmp_path):
    made = Silence(tmp_path / "held")
    with ExitStack() as stack:
        stack.callback(made.end)
        made.start()
        yield made


@pytest.mark.parametrize("cluster", [SOON], indirect=True)
def test_what_was_on_a_silent_node_is_evaluated_elsewhere(tmp_path, cluster, silence) -> None:
    wanted = tmp_path / "wanted"
    connect(cluster.address, ONE)
    evaluate = evaluations.HeldOnce(wanted, silence.held, tmp_path / "pids", 1.2)
    wanted.touch()
    began_s = time.monotonic()
    drive(tmp_path, search_loop(8), ray_executor(evaluate))
    assert time.monotonic() - began_s < PATIENCE_S
    trials = check_run(tmp_path, 8)
    assert silence.silent
    assert {trial.status for trial in trials} == {"completed"}
    # One attempt where its worker was stopped before its start was told: it may not have begun.
    assert sorted(trial.attempts for trial in trials) in ([1] * 8, [1] * 7 + [2])
