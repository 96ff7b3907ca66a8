"""What a search with a cluster of its own listens on. Run with `pytest -m ray`."""

import subprocess
import sys

import pytest

from tests.analognas.small_search import ROOT, environment

pytestmark = pytest.mark.ray
pytest.importorskip("ray")

LISTENERS = r"""
import os, re
from contextlib import suppress
from pathlib import Path
from analognas.executors.ray_cluster import Demand, connect

close = connect("local", Demand(1, 0, None))
import ray
ray.get(ray.remote(lambda: 1).remote())

def family(pid):
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    return [pid, *(member for child in children for member in family(child))]

def sockets(pid):
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            inodes |= set(re.findall(r"^socket:\[(\d+)\]$", os.readlink(descriptor)))
    return inodes

ours = set().union(*(sockets(pid) for pid in family(os.getpid())))
for table in ("tcp", "tcp6"):
    for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and words[9] in ours:
            print(words[1].split(":")[0])
close()
"""
LOCALHOST = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.mark.skipif(sys.platform != "linux" or sys.byteorder != "little", reason="reads /proc/net/tcp")
def test_a_local_cluster_listens_on_localhost_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTENERS],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(), "PYTHONWARNINGS": "default"},
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    addresses = done.stdout.split()
    assert len(addresses) >= 3, "the cluster's sockets were not found"
    assert set(addresses) <= LOCALHOST
