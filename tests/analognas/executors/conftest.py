from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.analognas.executors.cluster import NODE
from tests.analognas.small_search import ROOT

os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # before ray is imported: localhost alone


@pytest.fixture
def on_nodes(tmp_path, monkeypatch) -> Path:
    """The temporary folder of every node; Ray's own sockets need a short path elsewhere."""
    folder = tmp_path / "on-nodes"
    folder.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", tempfile.gettempdir())
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def cluster(request, monkeypatch, on_nodes):
    """Two nodes of one processor each; the head node has none, so that it can stay when others go.

    Settings of Ray itself can be given as an indirect parameter.
    """
    import ray
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = {"_system_config": request.param} if hasattr(request, "param") else {}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **NODE, **settings})
    made.workers = [made.add_node(num_cpus=1, **NODE) for _ in range(2)]
    yield made
    ray.shutdown()
    made.shutdown()
