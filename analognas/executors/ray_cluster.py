"""The way to a Ray cluster: connecting, and what its nodes have.

Everything that can be wrong is found before a search begins: no cluster behind the address, another Python, resources
that no node has, other versions of the packages on a node. `local` starts a cluster that listens on localhost alone.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

from analognas.errors import MisfitError, UserError
from analognas.executors.fingerprint import differences, fingerprint
from analognas.executors.memory import GIGABYTE
from analognas.interruption import EXIT_INTERRUPTED, interruptions_held_back

ANSWER_S: Final = 8.0
"""Seconds within which a cluster has to answer."""

PROBE_S: Final = 60.0
"""Seconds that a node may take to start a worker that tells its versions."""

HTTP2_SETTINGS: Final = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""The frame with which both sides of a connection begin: three bytes of length, the type 4, flags and stream."""

HTTP2_GREETING: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HTTP2_SETTINGS
"""What a client says first (RFC 9113, 3.4)."""

AUTH_MODE: Final = "RAY_AUTH_MODE"
"""Ray's variable that says whether a process shows a token."""


@dataclass(frozen=True)
class Demand:
    """What one evaluation reserves.

    Attributes:
        cpus: processors.
        gpus: GPUs, or a fraction of one.
        memory_gb: gigabytes; None: not reserved.
    """

    cpus: float
    gpus: float
    memory_gb: float | None

    def slots(self, resources: Mapping[str, float]) -> int:
        """Return how many evaluations a node with `resources` runs at a time.

        >>> Demand(cpus=1, gpus=0.25, memory_gb=None).slots({"CPU": 8, "GPU": 1})
        4
        """
        return min(_fits(resources, name, n) for name, n in self._wanted().values() if n)

    def too_much_for(self, nodes: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
        """Return which keys of a configuration ask for more than any of the nodes has; all where none does alone."""
        wanted = self._wanted()
        alone = tuple(
            key
            for key, (name, n) in wanted.items()
            if n and not any(_fits(resources, name, n) for resources in nodes)
        )
        return alone or tuple(wanted)

    def _wanted(self) -> dict[str, tuple[str, float]]:
        """Return Ray's name and the amount of each resource, by its key in a configuration."""
        return {
            "num_cpus": ("CPU", self.cpus),
            "num_gpus": ("GPU", self.gpus),
            "memory_gb": ("memory", (self.memory_gb or 0) * GIGABYTE),
        }

    def reservation(self) -> dict[str, Any]:
        """Return it as Ray's options of a task."""
        options: dict[str, Any] = {"num_cpus": self.cpus, "num_gpus": self.gpus}
        return options if self.memory_gb is None else {**options, "memory": round(self.memory_gb * GIGABYTE)}

    def in_words(self) -> str:
        """Return what is reserved."""
        parts = [f"{self.cpus:g} CPU", *([f"{self.gpus:g} GPU"] if self.gpus else [])]
        return ", ".join([*parts, *([f"{self.memory_gb:g} GB"] if self.memory_gb else [])])


def _fits(resources: Mapping[str, float], name: str, n: float) -> int:
    return int(resources.get(name, 0) / n + 1e-9)


def connect(address: str, demand: Demand) -> Callable[[], None]:
    """Connect this process to a cluster and check that it can run evaluations that reserve `demand`.

    Args:
        address: `auto`, `local` or HOST:PORT.
        demand: of one evaluation.

    Returns:
        What ends the connection; it does nothing where the process was connected before.

    Raises:
        MisfitError: when there is no cluster, it is of another Python or Ray, or no node has the resources.
        UserError: when one of its nodes has other versions.
    """
    if address == "local":
        # Ray binds to all interfaces unless it is told that this machine makes up no cluster with others.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if find_spec("ray") is None:
        raise UserError(
            "the executor `ray` needs the package ray; install it with `pip install 'analognas[ray]'`"
        )
    connected = "ray" in sys.modules and sys.modules["ray"].is_initialized()
    if address != "local" and not connected:
        check_answers(address)  # before ray is imported: the import settles how to authenticate
    import ray

    if connected:
        check_cluster(demand)
        return _keep
    _initialise(address)
    try:
        check_cluster(demand)
    except BaseException:
        ray.shutdown()
        raise
    return _shut_down


def _shut_down() -> None:
    """End the connection, unless the head node is gone: that would block until Ray gives up."""
    import ray

    if head_answers(ray.get_runtime_context().gcs_address):
        ray.shutdown()


def leave_at_exit(code: int) -> None:
    """Have this process end without what Ray does then: it asks the cluster, and blocks or crashes without one."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)


def head_answers(address: str) -> bool:
    """Return whether anything listens at the address of a head node; asking Ray itself would block for a minute."""
    try:
        _knock(address, ANSWER_S / 4).close()
    except OSError:
        return False
    return True


def _knock(address: str, timeout_s: float) -> socket.socket:
    """Connect to HOST:PORT, which may be `[IPv6]:PORT`."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s)


def _greet(address: str, timeout_s: float) -> None:
    """Check that the service at an address speaks HTTP/2 as Ray does; over TLS it only has to listen.

    Raises:
        OSError: when it does not.
    """
    with _knock(address, timeout_s) as connection:
        if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
            return
        connection.sendall(HTTP2_GREETING)
        with connection.makefile("rb") as answer:
            header = answer.read(len(HTTP2_SETTINGS))
    if header[3:4] != HTTP2_SETTINGS[3:4]:
        raise OSError("another service is there")


def _keep() -> None:
    """Leave the connection as it was found."""


def _initialise(address: str) -> None:
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    if address == "local":
        options |= {"num_cpus": len(os.sched_getaffinity(0)), "include_dashboard": False}
    try:
        # Interrupted half-way, Ray would crash when the process ends; and its own SIGTERM handler prints a stack.
        with interruptions_held_back():
            ray.init(address=address, **options)
    except SystemExit:  # what Ray makes of SIGTERM while it starts a cluster
        leave_at_exit(EXIT_INTERRUPTED)
        raise KeyboardInterrupt from None
    except KeyboardInterrupt:
        ray.shutdown()
        raise
    except (RuntimeError, ConnectionError, ValueError, ray.exceptions.RayError) as error:
        reason = " ".join(str(error).split())
        if "ersion mismatch" in reason:
            raise _no_cluster(
                f"the Ray cluster at {address} has another Python or Ray than this process: {reason}; "
                "start the search with the cluster's own versions, or the cluster with these"
            ) from None
        raise _no_cluster(f"cannot connect to the Ray cluster at {address}: {reason}") from None


def _no_cluster(message: str) -> MisfitError:
    """Return the error for an address behind which is no cluster that this process can use."""
    return MisfitError(message, ("executor", "address"))


def check_answers(address: str) -> None:
    """Check that a cluster answers at `address`, within seconds; Ray itself tries for minutes.

    Raises:
        MisfitError: when none does; it says what to start.
    """
    remedy = "start one with `ray start --head`, or use `address: local` for one of this search's own"
    arguments = [] if address == "auto" else ["--address", address]
    if address != "auto":
        try:
            _greet(address, ANSWER_S / 2)
        except OSError as error:
            raise _no_cluster(
                f"no Ray cluster answers at {address} ({error.strerror or error}); {remedy}"
            ) from None
    done = _health_check(arguments, {})
    if _wants_token(done) and AUTH_MODE not in os.environ:
        # `ray start` asks for a token where this user has one; whoever connects has to be told to show it.
        done = _health_check(arguments, {AUTH_MODE: "token"})
        if not _wants_token(done):
            os.environ[AUTH_MODE] = "token"
    where = "on this machine" if address == "auto" else f"at {address}"
    if _wants_token(done):
        raise _no_cluster(
            f"the Ray cluster {where} asks for a token that this process does not have; put the cluster's "
            f"`ray get-auth-token` into ~/.ray/auth_token or RAY_AUTH_TOKEN, and set {AUTH_MODE}=token"
        )
    if done is None or done.returncode:
        raise _no_cluster(f"no Ray cluster answers {where}; {remedy}")


def _health_check(
    arguments: list[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str] | None:
    """Return what `ray health-check` says, None when it takes too long."""
    try:
        return subprocess.run(
            [sys.executable, "-m", "ray.scripts.scripts", "health-check", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=ANSWER_S,
            env={**os.environ, **environment},
        )
    except subprocess.TimeoutExpired:
        return None


def _wants_token(done: subprocess.CompletedProcess[str] | None) -> bool:
    """Return whether the cluster refused this process, or Ray gave up for it because there is no token to show."""
    signs = ("AuthenticationError", "Token authentication is enabled but")
    return done is not None and bool(done.returncode) and any(sign in done.stderr for sign in signs)


def check_cluster(demand: Demand) -> None:
    """Check that a node has the resources of `demand`, and that every node has our versions.

    Raises:
        MisfitError: naming what the nodes have.
        UserError: naming the node that differs.
    """
    nodes = alive_nodes()
    if not any(demand.slots(node["Resources"]) for node in nodes):
        keys = demand.too_much_for([node["Resources"] for node in nodes])
        raise MisfitError(
            f"no node of the Ray cluster has {demand.in_words()} for an evaluation; it has "
            f"{'; '.join(map(describe_node, nodes)) or 'no nodes'}; ask for less, or add such a node",
            *(("executor", key) for key in keys),
        )
    check_versions(nodes)


def check_versions(nodes: list[Mapping[str, Any]]) -> None:
    """Compare Python, packages and our source on every node with those of this process.

    A node that goes away meanwhile is passed over.

    Raises:
        UserError: naming the first node that differs, and how.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    probe = ray.remote(num_cpus=0, max_retries=0)(tell_versions)
    answers = {
        node["NodeID"]: probe.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote()
        for node in nodes
    }
    ray.wait(list(answers.values()), num_returns=len(answers), timeout=PROBE_S)
    for node in nodes:
        try:
            there = ray.get(answers[node["NodeID"]], timeout=0)
        except (
            ray.exceptions.NodeDiedError,
            ray.exceptions.TaskUnschedulableError,
            ray.exceptions.GetTimeoutError,
        ):
            continue
        except ray.exceptions.RayError as error:
            last = str(error).strip().splitlines()[-1]
            raise UserError(
                f"node {describe_node(node)} cannot run analognas: {last}; install the same version there"
            ) from None
        if found := differences(fingerprint(), there):
            raise UserError(f"node {describe_node(node)} differs: {found}; make them equal")


def tell_versions() -> dict[str, str]:
    """Return the fingerprint of the node that this is called on."""
    return dict(fingerprint())


def all_nodes() -> list[Mapping[str, Any]]:
    """Return Ray's description of every node, also of those that are gone."""
    import ray

    nodes: list[Mapping[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # ray leaves it untyped
    return nodes


def alive_nodes() -> list[Mapping[str, Any]]:
    """Return Ray's description of every node that is alive."""
    return [node for node in all_nodes() if node["Alive"]]


def describe_node(node: Mapping[str, Any]) -> str:
    """Return name and resources of a node: `worker-1 (4 CPU, 1 GPU, 15.2 GB)`."""
    resources = node["Resources"]
    memory_gb = resources.get("memory", 0) / GIGABYTE
    return (
        f"{node['NodeManagerHostname']} {node['NodeManagerAddress']} ({resources.get('CPU', 0):g} CPU, "
        f"{resources.get('GPU', 0):g} GPU, {memory_gb:.1f} GB)"
    )
