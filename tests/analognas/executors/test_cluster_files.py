"""The cluster files in configs/cluster, as far as they can be checked without a cluster."""

import json
import shlex
from pathlib import Path

import pytest
import yaml

from analognas.config.loader import load_config
from tests.analognas.small_search import ROOT

FOLDER = ROOT / "configs" / "cluster"


def read(name: str) -> dict:
    return yaml.safe_load((FOLDER / name).read_text())


def test_the_launcher_file_fits_the_schema_of_ray() -> None:
    ray = pytest.importorskip("ray")
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    config = read("ray-cluster.yaml")
    jsonschema.validate(config, schema)
    types = config["available_node_types"]
    assert config["head_node_type"] in types
    assert types["head"]["resources"]["CPU"] == 0
    assert sum(kind.get("max_workers", 0) for kind in types.values()) <= config["max_workers"]
    assert "~/.ray/auth_token" in config["file_mounts"], "`ray start` ends where it finds no token"
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert any("RAY_AUTH_MODE=token" in command for command in config[commands])
    assert any("--dashboard-host=127.0.0.1" in command for command in config["head_start_ray_commands"])


def test_the_head_of_the_launcher_can_start_workers() -> None:
    """With the defaults that Ray adds: its autoscaler needs boto3 in the environment that it runs in."""
    util = pytest.importorskip("ray.autoscaler._private.util")
    config = util.prepare_config(read("ray-cluster.yaml"))
    assert "~/env/bin/pip install boto3" in config["head_setup_commands"]
    for kind in ("head", "worker"):
        commands = config[f"{kind}_setup_commands"] + config[f"{kind}_start_ray_commands"]
        assert not [command for command in commands if "~/env" not in command]


def test_the_kuberay_job_gives_a_command_that_this_version_understands(tmp_path) -> None:
    job = read("kuberay.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    pinned = dict(
        line.strip().split("==")
        for line in (ROOT / "scripts" / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    assert cluster["rayVersion"] == pinned["ray"]
    head, (workers,) = cluster["headGroupSpec"], cluster["workerGroupSpecs"]
    # No dashboard-host: the operator submits the job through the head's service, which localhost would shut out.
    assert head["rayStartParams"] == {"num-cpus": "0"}
    assert cluster["authOptions"] == {"mode": "token"}
    assert 1 <= workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]
    mounts = {
        mount["name"]: mount["mountPath"]
        for mount in head["template"]["spec"]["containers"][0]["volumeMounts"]
    }
    assert set(mounts) == {volume["name"] for volume in head["template"]["spec"]["volumes"]}

    words = shlex.split(job["spec"]["entrypoint"])
    assert words[:2] == ["analognas", "search"]
    assert words[words.index("--resume") + 1] == "auto"
    overrides = [words[n + 1] for n, word in enumerate(words) if word == "--set"]
    search, run = Path(words[2]), Path(words[words.index("--out") + 1])
    assert {str(search.parent), str(run.parent)} == {mounts["runs"]}
    config = ROOT / "configs" / search.name
    parsed, _ = load_config(config, overrides, words[words.index("--executor") + 1])
    assert parsed.executor.kind == "ray"
