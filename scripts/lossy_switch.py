"""An Ethernet switch in user space whose frames wait and get lost, for kernels with TAP devices and without netem."""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LARGEST_FRAME = 65536


def open_tap(name: str) -> int:
    """Make a network device, and return the file descriptor that is the other end of its cable.

    A frame that the kernel sends to the device can be read from the descriptor, and the other way round. The device
    is gone when the descriptor is closed.

    Raises:
        OSError: without `/dev/net/tun` or the right to use it.
    """
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


class Switch(threading.Thread):
    """Passes Ethernet frames between its ports, each `delay_s` later, `loss` of them never.

    Args:
        ports: file descriptors by the number of their port; a read returns one frame, a write sends one.
        delay_s: what a frame waits from one port to another, in seconds.
        loss: the share of frames that is lost, from 0 to 1.
        seed: of the choice which.
    """

    def __init__(self, ports: Mapping[int, int], delay_s: float, loss: float, seed: int = 0) -> None:
        super().__init__(daemon=True)
        self._ports = dict(ports)
        self._delay_s, self._loss = delay_s, loss
        self._rng = random.Random(seed)
        self._port_of: dict[bytes, int] = {}
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._order = count()
        self._unplugged: set[int] = set()
        self._ended = threading.Event()
        self.n_passed = self.n_lost = 0

    def unplug(self, port: int) -> None:
        """Let nothing in or out of a port any more."""
        self._unplugged.add(port)

    def end(self) -> None:
        """Stop; frames that wait are dropped."""
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Pass frames until `end`; what `start` lets a thread do."""
        poll = select.epoll()
        numbers = {descriptor: port for port, descriptor in self._ports.items()}
        for descriptor in numbers:
            poll.register(descriptor, select.EPOLLIN)
        with poll:
            while not self._ended.is_set():
                for descriptor, _ in poll.poll(self._patience_s()):
                    self._take(numbers[descriptor])
                self._deliver()

    def _patience_s(self) -> float:
        """Return how long to wait for a frame before one that waits is due."""
        return max(0.0, min(0.2, self._waiting[0][0] - time.monotonic())) if self._waiting else 0.2

    def _take(self, port: int) -> None:
        """Take what has come in at a port."""
        with suppress(BlockingIOError):
            while frame := os.read(self._ports[port], LARGEST_FRAME):
                self._send(port, frame)

    def _send(self, port: int, frame: bytes) -> None:
        """Let a frame wait for each port it is for: one that is known by its address, or all others."""
        to, sender = frame[:6], frame[6:12]
        self._port_of[sender] = port
        known = self._port_of.get(to)
        for target in [known] if known is not None else self._ports:
            if target == port or {target, port} & self._unplugged:
                continue
            if self._rng.random() < self._loss:
                self.n_lost += 1
            else:
                heapq.heappush(
                    self._waiting, (time.monotonic() + self._delay_s, next(self._order), target, frame)
                )

    def _deliver(self) -> None:
        """Send the frames that have waited long enough."""
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, port, frame = heapq.heappop(self._waiting)
            if port not in self._unplugged:
                with suppress(BlockingIOError):
                    os.write(self._ports[port], frame)
                    self.n_passed += 1
