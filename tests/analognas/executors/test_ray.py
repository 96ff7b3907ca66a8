"""Faults on a real Ray cluster of several nodes on this machine. Run with `pytest -m ray tests/analognas/executors`."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from analognas.errors import UserError
from analognas.executors.ray_cluster import Demand, connect
from analognas.progress.observer import Silent
from analognas.record.trial import candidate_key
from tests.analognas.executors import evaluations
from tests.analognas.executors.cluster import NODE, ONE
from tests.analognas.executors.drive import check_run, drive, ray_executor, search_loop
from tests.analognas.executors.evaluations import Breaks, Sleeps, Sometimes
from tests.analognas.executors.test_asynchronous import kill_drivers, start, wait_for_trials
from tests.analognas.small_search import ROOT, environment

os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # before ray is imported: localhost alone
ray = pytest.importorskip("ray")
# Ray leaves sockets and files of its processes to the garbage collector.
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")]


def search(folder: Path, cluster, evaluate, n_trials: int, observer=None, **options):
    connect(cluster.address, ONE)
    return drive(folder, search_loop(n_trials), ray_executor(evaluate, **options), observer)


class When(Silent):
    """Calls something when as many trials have finished."""

    def __init__(self, actions) -> None:
        self.actions, self.nodes, self.most = actions, [], 0

    def progress(self, progress) -> None:
        self.nodes.append(progress.nodes)
        self.most = max(self.most, progress.running)

    def trial(self, trial, n_trials, best) -> None:
        if trial.number in self.actions:
            self.actions[trial.number]()


def wait_until(fact: Callable[[], bool], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def starts(path: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in path.read_text().splitlines())


def test_1_a_killed_worker_is_retried(tmp_path, cluster) -> None:
    wanted, held, pids = tmp_path / "wanted", tmp_path / "held", tmp_path / "pids"

    def kill() -> None:
        wait_until(held.exists)
        os.kill(int(held.read_text().split()[1]), signal.SIGKILL)

    def begin() -> None:
        wanted.touch()
        threading.Thread(target=kill).start()

    search(tmp_path, cluster, evaluations.HeldOnce(wanted, held, pids, 0.2), 8, When({3: begin}))
    trials = check_run(tmp_path, 8)
    assert {trial.status for trial in trials} == {"completed"}
    assert sorted(trial.attempts for trial in trials) == [1] * 7 + [2]
    (key,) = (candidate_key(trial.genotype) for trial in trials if trial.attempts == 2)
    first, second = (line.split()[1] for line in pids.read_text().splitlines() if line.startswith(key))
    assert held.read_text() == f"{key} {first}"
    assert second != first


def test_2_a_node_goes_and_another_comes(tmp_path, cluster) -> None:
    """The node goes while it certainly works: what it evaluates never ends."""
    lost_node, kept_node = cluster.workers
    doomed, held, nodes = tmp_path / "doomed", tmp_path / "held", tmp_path / "nodes"

    def remove_when_it_works() -> None:
        wait_until(held.exists)
        cluster.remove_node(lost_node, allow_graceful=False)

    removal = threading.Thread(target=remove_when_it_works)

    def doom() -> None:
        part = tmp_path / "part"
        part.write_text(lost_node.node_id)
        part.rename(doomed)  # whole or not at all
        removal.start()

    class Watch(When):
        added = None

        def progress(self, progress) -> None:
            super().progress(progress)
            if progress.nodes == 1 and self.added is None:
                self.added = cluster.add_node(num_cpus=2, **NODE)

    observer = Watch({4: doom})
    search(tmp_path, cluster, evaluations.HeldOnNode(doomed, held, nodes, 1.0), 60, observer)
    removal.join()
    trials = check_run(tmp_path, 60)
    assert {trial.status for trial in trials} == {"completed"}
    again = {trial.genotype for trial in trials if trial.attempts == 2}
    assert {trial.attempts for trial in trials} == {1, 2}
    assert held.read_text() in {candidate_key(genotype) for genotype in again}
    assert observer.nodes[0] == observer.nodes[-1] == 2
    assert observer.added is not None, "the loss of the node was not told"
    assert observer.most == 3, "there was no room for more on the new node"
    began_on = Counter(line.split()[1] for line in nodes.read_text().splitlines())
    assert set(began_on) == {lost_node.node_id, kept_node.node_id, observer.added.node_id}
    assert sum(began_on.values()) == sum(trial.attempts for trial in trials)
    assert began_on[observer.added.node_id] >= 2


def test_3_a_driver_killed_at_ten_random_moments(tmp_path, cluster) -> None:
    after = range(2, 21, 2)
    kept = kill_drivers(tmp_path, random.Random(3), after, n_trials=30, seconds=0.3, where=cluster.address)
    search(tmp_path, cluster, Sleeps(0.1), 30)
    assert (tmp_path / "trials.jsonl").read_bytes().startswith(kept)
    check_run(tmp_path, 30)


def test_4_a_candidate_that_always_crashes(tmp_path, cluster) -> None:
    record = tmp_path / "starts"
    search(tmp_path, cluster, Sometimes(evaluations.die, record, every=3), 12)
    trials = check_run(tmp_path, 12)
    failed = [trial for trial in trials if trial.status == "failed"]
    assert failed
    assert all(trial.attempts == 3 and "its worker died 3 times" in trial.failure.reason for trial in failed)
    chosen = Counter(line.split()[0] for line in record.read_text().splitlines() if line.endswith("1"))
    assert set(chosen.values()) == {3}


def test_5_a_worker_that_the_kernel_killed_has_run_out_of_memory(tmp_path, cluster, monkeypatch) -> None:
    """Its node says that the kernel has killed one more process since; a real one takes a machine's memory."""
    from analognas.executors.ray_starts import StartListener

    monkeypatch.setattr(StartListener, "ask_node", lambda self, start: ray.put(start.n_killed + 1))
    evaluate = Sometimes(evaluations.die_after_a_while, tmp_path / "starts", every=3)
    search(tmp_path, cluster, evaluate, 6, time_s=60.0)
    failed = [trial for trial in check_run(tmp_path, 6) if trial.status == "failed"]
    assert failed
    assert {trial.attempts for trial in failed} == {2}
    assert {trial.failure.reason for trial in failed} == {
        "out of memory, also with a whole node to itself: the system killed its worker"
    }


def test_5_memory_is_doubled_once(tmp_path, cluster) -> None:
    record = tmp_path / "starts"
    evaluate = Sometimes(evaluations.allocate, record, every=3)
    search(tmp_path, cluster, evaluate, 6, memory_gb=0.4)
    failed = [trial for trial in check_run(tmp_path, 6) if trial.status == "failed"]
    assert failed
    assert all(trial.attempts == 2 for trial in failed)
    assert all(trial.failure.reason.startswith("out of memory, also with 0.8 GB: ") for trial in failed)


def test_5_a_second_attempt_asks_for_no_more_than_a_node_has(tmp_path, cluster) -> None:
    connect(cluster.address, ONE)
    most_gb = max(node["Resources"]["memory"] for node in ray.nodes() if node["Resources"].get("CPU")) / 1e9
    evaluate = Sometimes(evaluations.hoard, tmp_path / "starts", every=3)
    drive(tmp_path, search_loop(6), ray_executor(evaluate, memory_gb=0.7 * most_gb))
    failed = [trial for trial in check_run(tmp_path, 6) if trial.status == "failed"]
    assert failed
    assert {trial.attempts for trial in failed} == {2}
    assert {trial.failure.reason for trial in failed} == {
        f"out of memory, also with {most_gb:g} GB: MemoryError: "
    }


def test_5_a_second_attempt_asks_for_less_when_the_largest_node_goes(tmp_path, cluster) -> None:
    """The largest node is held while second attempts wait for it, and then removed."""
    connect(cluster.address, ONE)
    most_gb = max(node["Resources"]["memory"] for node in ray.nodes() if node["Resources"].get("CPU")) / 1e9
    largest = cluster.add_node(num_cpus=1, memory=int(2e9 * most_gb), **NODE)
    doomed, held = tmp_path / "doomed", tmp_path / "held"
    doomed.write_text(largest.node_id)

    def remove() -> None:
        wait_until(held.exists)
        time.sleep(3)
        cluster.remove_node(largest, allow_graceful=False)

    removal = threading.Thread(target=remove)
    removal.start()
    holds = evaluations.HeldOnNode(doomed, held, tmp_path / "nodes", 0.2)
    executor = ray_executor(evaluations.HoardsOrIsHeld(holds, 3), memory_gb=0.7 * most_gb, in_flight=12)
    drive(tmp_path, search_loop(12), executor)
    removal.join()
    failed = [trial for trial in check_run(tmp_path, 12) if trial.status == "failed"]
    assert {trial.attempts for trial in failed} == {2}
    assert {trial.failure.reason for trial in failed} == {
        f"out of memory, also with {most_gb:g} GB: MemoryError: "
    }


@pytest.mark.parametrize(("memory_gb", "more"), [(0.4, "0.8 GB"), (None, "a whole node to itself")])
def test_5_a_worker_that_ran_out_of_memory_evaluates_nothing_more(tmp_path, cluster, memory_gb, more) -> None:
    search(tmp_path, cluster, Breaks(every=3), 12, memory_gb=memory_gb, retries=0)
    failed = [trial for trial in check_run(tmp_path, 12) if trial.status == "failed"]
    assert failed
    assert {trial.failure.reason for trial in failed} == {f"out of memory, also with {more}: MemoryError: "}
    assert all(trial.seed % 3 == 0 for trial in failed)


def test_6_a_start_that_is_told_late_counts_nevertheless(tmp_path, cluster, monkeypatch) -> None:
    from analognas.executors import ray_starts as module

    wait, asked = ray.wait, set()

    def late(references, **options):
        if options.get("timeout") == module.LISTEN_S and references[0] not in asked:
            asked.update(references)
            return [], references
        return wait(references, **options)

    monkeypatch.setattr(module.ray, "wait", late)
    evaluate = Sometimes(evaluations.deaf_for_a_while, tmp_path / "starts", every=1)
    search(tmp_path, cluster, evaluate, 2, time_s=1.0)
    for trial in check_run(tmp_path, 2):
        assert trial.failure and trial.failure.reason.startswith("stopped at `executor.trial_timeout`")
        assert trial.failure.traceback == "", "it ended by itself"


@pytest.mark.parametrize("how", [evaluations.hang_in_python, evaluations.hang_in_native_code])
def test_6_a_hanging_candidate_is_stopped(tmp_path, cluster, how) -> None:
    record = tmp_path / "starts"
    search(tmp_path, cluster, Sometimes(how, record, every=4), 10, time_s=1.0)
    failed = [trial for trial in check_run(tmp_path, 10) if trial.status == "failed"]
    assert failed
    assert all("stopped at `executor.trial_timeout`" in trial.failure.reason for trial in failed)
    assert all(starts(record)[key] == 1 for key in starts(record))


def test_7_an_exception_keeps_its_traceback_and_its_log(tmp_path, cluster) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    evaluate = Sometimes(evaluations.print_and_raise, tmp_path / "starts", every=3)
    search(tmp_path, cluster, evaluate, 8, logs=logs)
    failed = [trial for trial in check_run(tmp_path, 8) if trial.status == "failed"]
    assert failed
    for trial in failed:
        assert "ValueError" in trial.failure.reason
        assert "in raise_error" in trial.failure.traceback
        assert trial.attempts == 1
    assert len(list(logs.iterdir())) == len(failed)
    assert all("what this evaluation says" in path.read_text() for path in logs.iterdir())


def logs_on(nodes: Path) -> list[str]:
    return [path.name for path in nodes.glob("analognas-*.log")]


def test_what_a_crashed_attempt_wrote_is_in_the_log_of_its_candidate(tmp_path, cluster, on_nodes) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    evaluate = Sometimes(evaluations.print_and_segfault, tmp_path / "starts", every=3)
    search(tmp_path, cluster, evaluate, 8, logs=logs, retries=1)
    failed = [trial for trial in check_run(tmp_path, 8) if trial.status == "failed"]
    assert failed
    assert len(list(logs.iterdir())) == len(failed)
    for path in logs.iterdir():
        text = path.read_text()
        for attempt in (1, 2):
            assert re.search(rf"attempt {attempt}, .*\nlast words, not flushed\n", text)
        assert text.count("Fatal Python error: Segmentation fault") == 2
        assert "its worker died 2 times in 2 attempts" in text
    assert logs_on(on_nodes) == []


def test_a_search_that_is_stopped_at_once_leaves_no_log_on_its_nodes(tmp_path, cluster, on_nodes) -> None:
    class Stop(Silent):
        def trial(self, trial, n_trials, best) -> None:
            deadline = time.monotonic() + 20
            while not logs_on(on_nodes):  # the next evaluation has begun
                assert time.monotonic() < deadline
                time.sleep(0.05)
            raise KeyboardInterrupt

    logs = tmp_path / "logs"
    logs.mkdir()
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, cluster, Sleeps(2.0), 8, Stop(), logs=logs)
    assert logs_on(on_nodes) == []


def test_9_two_drivers_on_one_directory(tmp_path, cluster) -> None:
    process = start(tmp_path, 30, 0.5, cluster.address)
    wait_for_trials(tmp_path, 2)
    with pytest.raises(UserError, match="another process is running this search"):
        search(tmp_path, cluster, Sleeps(0.1), 30)
    ray.shutdown()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    search(tmp_path, cluster, Sleeps(0.1), 30)
    check_run(tmp_path, 30)


def test_11_the_head_node_is_lost_and_started_again(tmp_path, cluster) -> None:
    from ray.cluster_utils import Cluster

    process = start(tmp_path, 1000, 0.5, cluster.address)
    wait_for_trials(tmp_path, 4)
    cluster.head_node.kill_gcs_server()
    cluster.head_node.kill_raylet()
    begun = time.monotonic()
    code = process.wait(timeout=90)
    took_s = time.monotonic() - begun
    _, said = process.communicate(timeout=90)
    assert "has not answered for" in said
    assert code == 2
    assert took_s < 40, "the driver did not notice that the cluster is gone"
    kept = (tmp_path / "trials.jsonl").read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    ray.shutdown()
    again = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, **NODE})
    try:
        n_trials = kept.count(b"\n") + 10
        search(tmp_path, again, Sleeps(0.1), n_trials)
        assert (tmp_path / "trials.jsonl").read_bytes().startswith(kept)
        check_run(tmp_path, n_trials)
    finally:
        ray.shutdown()
        again.shutdown()


LOST_WHILE_RAY_IS_ASKED = """
import sys
import ray
from analognas.executors import ray_monitor
from analognas.executors.site import open_site
from analognas.executors.specs import RaySpec
from tests.analognas.executors.evaluations import Work

ray_monitor.STUCK_S = 6.0
site = open_site(RaySpec(address=sys.argv[1]))
executor = site.executor(max, None)
print("the search is over", flush=True)
sys.stdin.readline()
exec(sys.argv[2])
print("not held back", flush=True)
"""


@pytest.mark.parametrize(
    "question", ["ray.cluster_resources()", "executor.submit(Work('late')); executor.next_outcome()"]
)
def test_11_a_driver_that_ray_holds_back_ends_too(cluster, question) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LOST_WHILE_RAY_IS_ASKED, cluster.address, question],
        env={**environment(), "PYTHONWARNINGS": "default"},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "the search is over\n"
    cluster.head_node.kill_gcs_server()
    begun = time.monotonic()
    out, said = process.communicate("lost\n", timeout=90)
    assert time.monotonic() - begun < 30
    assert not out, "the call came back: nothing was tested"
    assert process.returncode == 2
    assert "start the cluster again and resume the run" in said


def test_four_evaluations_share_a_gpu(tmp_path, cluster) -> None:
    """As far as it goes without one: Ray counts GPUs that it is told of."""
    cluster.add_node(num_cpus=8, num_gpus=1, **NODE)
    connect(cluster.address, Demand(1, 0.25, None))
    observer = When({})
    drive(tmp_path, search_loop(12), ray_executor(evaluations.TellsGpu(0.5), gpus=0.25), observer)
    trials = check_run(tmp_path, 12)
    assert observer.most == 4
    assert set(observer.nodes) == {1}
    assert {trial.device for trial in trials} == {"cuda:0"}, "an evaluation does not see the one GPU alone"
