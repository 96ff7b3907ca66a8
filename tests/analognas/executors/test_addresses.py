"""Wrong addresses and missing clusters: one line, soon, that says what to start."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from analognas.config.document import parse_document
from analognas.config.loader import located_in, validate_document
from analognas.errors import UserError
from tests.analognas.parse import parse_config
from tests.analognas.small_search import SMALL, analognas, write_small

pytest.importorskip("ray")


HTTP2_SETTINGS = b"\0\0\0\4\0\0\0\0\0"


@contextmanager
def service(answer: bytes | None, host: str = "127.0.0.1", family: int = socket.AF_INET) -> Iterator[int]:
    """Yield the port of a service that says `answer` to whoever connects; None: it only listens."""
    with socket.create_server((host, 0), family=family) as server:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(answer or b"")
                    connection.recv(1000)

        if answer is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize("behind", ["nothing", "silence", "another service"])
def test_an_address_without_a_cluster_is_told_within_15_s(tmp_path, behind) -> None:
    begun = time.monotonic()
    analognas("search", write_small(tmp_path), "--dry-run", "--executor", "processes")
    loading_s = time.monotonic() - begun  # of the packages and the data, on this machine at this moment
    with ExitStack() as stack:
        port = stack.enter_context(service(b"SSH-2.0\r\n" if behind == "another service" else None))
        if behind == "nothing":
            stack.close()
        begun = time.monotonic()
        done = analognas(
            "search", write_small(tmp_path), "--out", tmp_path / "run",
            "--executor", "ray", "--set", f"executor.address=127.0.0.1:{port}",
        )  # fmt: skip
        took_s = time.monotonic() - begun
    assert done.returncode == 2
    address = f"executor.address=127.0.0.1:{port}"
    assert f"--set {address}: executor.address: no Ray cluster answers at 127.0.0.1:{port}" in done.stderr
    assert "`ray start --head`" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
    assert took_s < 15 + 2 * loading_s


def test_auto_without_a_cluster_says_what_to_start(monkeypatch) -> None:
    from analognas.executors import ray_cluster

    def nothing_runs(arguments: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        assert arguments[-1] == "health-check"
        return subprocess.CompletedProcess(arguments, 1, "", "")

    monkeypatch.setattr(ray_cluster.subprocess, "run", nothing_runs)
    with pytest.raises(
        UserError, match=r"no Ray cluster answers on this machine; start one with `ray start --head`"
    ):
        ray_cluster.check_answers("auto")


def test_an_address_of_ipv6_is_reached(monkeypatch) -> None:
    from analognas.executors import ray_cluster

    well = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(ray_cluster.subprocess, "run", lambda *_, **__: well)
    try:
        with service(HTTP2_SETTINGS, "::1", socket.AF_INET6) as port:
            ray_cluster.check_answers(f"[::1]:{port}")
    except OSError:
        pytest.skip("this machine has no IPv6")


def test_only_what_speaks_http2_is_asked_further(monkeypatch) -> None:
    from analognas.executors import ray_cluster

    asked: list[object] = []
    well = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(ray_cluster.subprocess, "run", lambda *_, **__: asked.append(1) or well)
    with (
        service(b"HTTP/1.1 400 Bad Request\r\n") as port,
        pytest.raises(UserError, match=rf"no Ray cluster answers at 127\.0\.0\.1:{port} \(another service"),
    ):
        ray_cluster.check_answers(f"127.0.0.1:{port}")
    assert not asked
    monkeypatch.setenv("RAY_USE_TLS", "1")
    with service(b"\x16\x03\x01") as port:
        ray_cluster.check_answers(f"127.0.0.1:{port}")
    assert asked


@pytest.mark.parametrize("token", ["right", "wrong", "none"])
def test_a_cluster_that_asks_for_a_token(monkeypatch, token) -> None:
    """Stands in for the health check of a cluster with token authentication, which needs ray[default]."""
    from analognas.executors import ray_cluster

    def asks(arguments: list[str], *, env: dict[str, str], **_options: object) -> object:
        if env.get("RAY_AUTH_MODE") == "token" and token != "wrong":
            if token == "right":
                return subprocess.CompletedProcess(arguments, 0, "", "")
            lacks = "Token authentication is enabled but Ray couldn't find an authentication token."
            return subprocess.CompletedProcess(arguments, 1, "", lacks)
        return subprocess.CompletedProcess(arguments, 1, "", "ray.exceptions.AuthenticationError: no token")

    monkeypatch.setattr(ray_cluster.subprocess, "run", asks)
    monkeypatch.setenv("RAY_AUTH_MODE", "anything, so that it is put back")
    monkeypatch.delenv("RAY_AUTH_MODE")
    if token == "right":
        ray_cluster.check_answers("auto")
        assert os.environ["RAY_AUTH_MODE"] == "token"
    else:
        with pytest.raises(
            UserError, match="on this machine asks for a token that this process does not have"
        ):
            ray_cluster.check_answers("auto")
        assert "RAY_AUTH_MODE" not in os.environ


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ("{kind: ray, address: here}", "executor.address: must be auto, local or HOST:PORT, got 'here'"),
        ("{kind: ray, address: 'ray://head:10001'}", "must be auto, local or HOST:PORT"),
        ("{kind: ray, num_gpus: 1.5}", "must be a fraction of one GPU or a whole number, got 1.5"),
        ("{kind: ray, num_cpus: 0}", "executor.num_cpus: must be >= 0.001"),
        ("{kind: ray, num_cpus: 1e300}", "executor.num_cpus: must be <= 100000"),
        ("{kind: ray, num_gpus: 1e-9}", "executor.num_gpus: must be 0 or at least 0.001, got 1e-09"),
        ("{kind: ray, memory_gb: 1e300}", "executor.memory_gb: must be <= 1000000"),
        ("{kind: processes, memory_gb: 0}", "executor.memory_gb: must be > 0"),
        ("{kind: processes, trial_timeout: 2 years}", "executor.trial_timeout: must be <= 31536000"),
        ("{kind: ray, workers: 4}", "executor.workers: unknown key"),
        ("{kind: slurm}", "unknown kind 'slurm'; known: auto, processes, ray, serial"),
        ("{kind: processes, trial_timeout: 5 lightyears}", "must be seconds or a text such as"),
        ("{kind: processes, trial_timeout: -3}", "executor.trial_timeout: must be > 0, got -3"),
        ("{kind: processes, trial_timeout: 0}", "executor.trial_timeout: must be > 0"),
    ],
)
def test_wrong_values_have_their_place(tmp_path, executor, message) -> None:
    text = SMALL.replace("{kind: serial, threads: 1}", executor)
    with pytest.raises(UserError) as caught:
        parse_config(text, tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).startswith("config:16:")


def test_another_python_is_told(monkeypatch) -> None:
    import ray

    from analognas.executors import ray_cluster

    def mismatch(**_options: object) -> None:
        raise RuntimeError(
            "Version mismatch: The cluster was started with:\n    Ray: 2.60.0\n    Python: 3.12.1"
        )

    monkeypatch.setattr(ray_cluster, "check_answers", lambda address: None)
    monkeypatch.setattr(ray, "init", mismatch)
    with pytest.raises(UserError, match=r"has another Python or Ray than this process: .*Python: 3\.12\.1"):
        ray_cluster.connect("somewhere:6379", ray_cluster.Demand(1, 0, None))


@pytest.mark.parametrize(
    ("values", "key"), [("num_cpus: 9", "num_cpus"), ("memory_gb: 900, num_gpus: 0", "memory_gb")]
)
def test_resources_that_no_node_has_are_told_where_they_were_asked_for(monkeypatch, values, key) -> None:
    from analognas.compose import compose
    from analognas.executors import ray_cluster

    node = {
        "NodeManagerHostname": "here", "NodeManagerAddress": "::1", "Resources": {"CPU": 2, "memory": 2**33},
    }  # fmt: skip
    monkeypatch.setattr(ray_cluster, "check_answers", lambda address: None)
    monkeypatch.setattr(ray_cluster, "_initialise", lambda address: None)
    monkeypatch.setattr(ray_cluster, "alive_nodes", lambda: [node])
    document = parse_document(SMALL.replace("kind: serial", f"kind: ray, {values}"), "config")
    told = rf"^config:16:\d\d: executor\.{key}: no node .* it has here"
    with pytest.raises(UserError, match=told), located_in(document):
        compose(validate_document(document, Path()))
    assert ray_cluster.Demand(2, 0, 5).too_much_for([{"CPU": 1, "memory": 2**33}, {"CPU": 2}]) == (
        "num_cpus", "num_gpus", "memory_gb",
    )  # fmt: skip
