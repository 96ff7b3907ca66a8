"""What goes to the nodes of a Ray cluster, and what they must have. Run as test_ray.py is."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from analognas.errors import UserError
from analognas.executors.fingerprint import OWN_PACKAGES
from analognas.executors.in_order import outcomes_in_order
from analognas.executors.ray_cluster import Demand, connect
from analognas.progress.observer import Silent
from analognas.record.journal import read_trials
from tests.analognas.executors import evaluations
from tests.analognas.executors.cluster import NODE, ONE
from tests.analognas.executors.drive import drive, ray_executor, search_loop
from tests.analognas.small_search import ROOT, write_small
from tests.analognas.small_search import analognas_process as analognas

ray = pytest.importorskip("ray")
# Ray leaves sockets and files of its processes to the garbage collector.
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")]


def test_serial_and_one_ray_worker_give_the_same_trials(tmp_path, cluster) -> None:
    from analognas.executors.serial import SerialExecutor

    for name in ("serial", "ray"):
        (tmp_path / name).mkdir()
    drive(tmp_path / "serial", search_loop(10, batch=3), SerialExecutor(evaluations.instant))
    connect(cluster.address, ONE)
    executor = ray_executor(evaluations.instant, in_flight=1)
    drive(tmp_path / "ray", search_loop(10, batch=3), executor)
    serial, on_ray = (
        [
            {**vars(trial), "finished_at": "", "elapsed_s": None, "threads": 1}
            for trial in read_trials(tmp_path / name / "trials.jsonl")
        ]
        for name in ("serial", "ray")
    )
    assert serial == on_ray


def test_data_are_shared_and_come_back_as_they_went(cluster) -> None:
    import torch

    connect(cluster.address, ONE)
    x = torch.randn(64, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    odd = torch.arange(7)
    data = {"x": x, "odd": odd, "none": torch.empty(0, 3)}
    executor = ray_executor(evaluations.Describes(data).evaluate)
    (outcome,) = outcomes_in_order(executor, [evaluations.Work("final-best")])
    executor.close()
    assert outcome.result[:4] == (x.sum().item(), True, odd.tolist(), (0, 3))


def test_the_data_are_put_into_the_object_store_once_a_run(tmp_path, cluster, monkeypatch) -> None:
    from analognas.api import searches
    from analognas.executors import ray_object_store

    packed = []
    pack = ray_object_store._pack

    def note(tensor):
        packed.append((tensor.data_ptr(), tuple(tensor.shape)))
        return pack(tensor)

    monkeypatch.setattr(ray_object_store, "_pack", note)
    address = f"executor.address={cluster.address}"
    values = (
        "executor={kind: ray, threads: 1}",
        address,
        "references=[]",
        "search.trials=6",
        "final.finalists=2",
    )
    run = searches.search(write_small(tmp_path), out=tmp_path / "run", overrides=values, observer=Silent())
    assert run.result is not None
    assert any(len(shape) == 4 for _, shape in packed), "no images went into the object store"
    assert len(packed) == len(set(packed))


def test_what_the_cluster_lacks_is_said(cluster) -> None:
    with pytest.raises(
        UserError, match=r"no node of the Ray cluster has 64 CPU for an evaluation; it has .*\(1 CPU"
    ):
        connect(cluster.address, Demand(64, 0, None))
    with pytest.raises(UserError, match=r"has 1 CPU, 0\.5 GPU for an evaluation; it has .*0 GPU"):
        connect(cluster.address, Demand(1, 0.5, None))
    with pytest.raises(UserError, match="5000 GB"):
        connect(cluster.address, Demand(1, 0, 5000))


def test_a_node_with_other_versions_is_named(cluster, monkeypatch) -> None:
    from analognas.executors import ray_cluster

    here = dict(ray_cluster.fingerprint())
    monkeypatch.setattr(ray_cluster, "fingerprint", lambda: {**here, "torch": "1.0"})
    with pytest.raises(UserError, match=r"node .* differs: torch 2\.13\.0.* there and 1\.0 here"):
        connect(cluster.address, ONE)


def test_a_node_with_another_source_and_another_package_is_named(tmp_path, cluster, monkeypatch) -> None:
    """A node that really has its own installation: a copy of ours with a line more, and an older scipy beside it."""
    for package in OWN_PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / "there" / package)
    with (tmp_path / "there" / "hwsim" / "mvm.py").open("a") as file:
        file.write("# changed\n")
    metadata = tmp_path / "there" / "scipy-0.1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: scipy\nVersion: 0.1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "there"))
    monkeypatch.chdir(tmp_path)  # Ray's workers look where the driver is, too
    cluster.add_node(num_cpus=1, **NODE)
    with pytest.raises(UserError) as caught:
        connect(cluster.address, ONE)
    assert re.fullmatch(
        r"node .* \(1 CPU, .*\) differs: scipy 0\.1 there and .* here, our source \w{12} there and \w{12} here; "
        "make them equal",
        str(caught.value),
    )


@pytest.mark.skipif(
    "ANALOGNAS_OTHER_RAY" not in os.environ, reason="names the command `ray` of another Python"
)
def test_a_cluster_with_another_python_is_told(tmp_path) -> None:
    arguments = ["start", "--head", "--block", "--port=6391", "--node-ip-address=127.0.0.1", "--num-cpus=1"]
    head = subprocess.Popen(
        [os.environ["ANALOGNAS_OTHER_RAY"], *arguments, "--include-dashboard=false"],
        env={**os.environ, "PYTHONPATH": "", "RAY_AUTH_MODE": "disabled"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert head.stdout is not None
        assert any("Ray runtime started" in line for line in head.stdout)
        told = analognas(
            "search", write_small(tmp_path), "--out", tmp_path / "run",
            "--executor", "ray", "--set", "executor.address=127.0.0.1:6391",
        )  # fmt: skip
    finally:
        os.killpg(head.pid, signal.SIGTERM)
        head.communicate(timeout=60)
    assert told.returncode == 2
    assert "the Ray cluster at 127.0.0.1:6391 has another Python or Ray than this process" in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_late_node_with_other_versions_ends_the_search(tmp_path, cluster, monkeypatch) -> None:
    connect(cluster.address, ONE)
    from analognas.executors import ray_executor as module

    here = dict(module.fingerprint())
    monkeypatch.setattr(module, "fingerprint", lambda: {**here, "Python": "3.99"})
    with pytest.raises(UserError, match=r"executor: node .* differs: Python 3\.11\.\d+ there and 3\.99 here"):
        drive(tmp_path, search_loop(4), ray_executor(evaluations.instant))
