"""The switch between the hosts of `scripts/cluster_namespaces.py`, with sockets in the place of network devices."""

import os
import runpy
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

SWITCH = runpy.run_path(str(Path(__file__).parents[1] / "scripts" / "lossy_switch.py"))["Switch"]
BROADCAST = b"\xff" * 6


def _frame(to: int | None, sender: int, content: bytes = b"") -> bytes:
    return (BROADCAST if to is None else bytes([to] * 6)) + bytes([sender] * 6) + content


@pytest.fixture
def wired() -> Iterator[Callable[..., tuple[Any, dict[int, socket.socket]]]]:
    with ExitStack() as stack:

        def build(delay_s: float, loss: float) -> tuple[Any, dict[int, socket.socket]]:
            pairs = {port: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for port in (1, 2, 3)}
            for host, end in pairs.values():
                stack.enter_context(host)
                stack.enter_context(end)
                host.settimeout(0.2)
                os.set_blocking(end.fileno(), False)
            switch = SWITCH({port: end.fileno() for port, (_, end) in pairs.items()}, delay_s, loss)
            switch.start()
            stack.callback(switch.end)
            return switch, {port: host for port, (host, _) in pairs.items()}

        yield build


def _silent(host: socket.socket) -> bool:
    try:
        host.recv(2000)
    except TimeoutError:
        return True
    return False


def test_a_frame_reaches_all_hosts_until_its_receiver_is_known(wired: Callable[..., Any]) -> None:
    _, hosts = wired(0.0, 0.0)
    hosts[1].send(_frame(None, 1))
    assert hosts[2].recv(2000) == hosts[3].recv(2000) == _frame(None, 1)
    hosts[2].send(_frame(1, 2, b"answer"))
    assert hosts[1].recv(2000) == _frame(1, 2, b"answer")
    assert _silent(hosts[3])


def test_frames_wait_and_keep_their_order(wired: Callable[..., Any]) -> None:
    _, hosts = wired(0.05, 0.0)
    began = time.monotonic()
    for i in range(5):
        hosts[1].send(_frame(None, 1, b"%d" % i))
    assert [hosts[2].recv(2000)[12:] for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    assert time.monotonic() - began >= 0.05


def test_a_share_of_the_frames_is_lost(wired: Callable[..., Any]) -> None:
    switch, hosts = wired(0.0, 0.25)
    for number in (2, 3):
        hosts[number].setblocking(False)
    for batch in range(1, 9):  # no more at a time than a socket holds
        for _ in range(50):
            hosts[1].send(_frame(None, 1))
        deadline = time.monotonic() + 10
        while switch.n_passed + switch.n_lost < 100 * batch and time.monotonic() < deadline:
            time.sleep(0.001)
        for number in (2, 3):
            with suppress(BlockingIOError):
                while hosts[number].recv(2000):
                    pass
    assert switch.n_passed + switch.n_lost == 800
    assert 140 < switch.n_lost < 260  # five standard deviations from 200


def test_an_unplugged_host_hears_and_says_nothing(wired: Callable[..., Any]) -> None:
    switch, hosts = wired(0.0, 0.0)
    switch.unplug(3)
    hosts[1].send(_frame(None, 1))
    hosts[3].send(_frame(None, 3))
    assert hosts[2].recv(2000) == _frame(None, 1)
    assert _silent(hosts[3])
    assert _silent(hosts[2])
