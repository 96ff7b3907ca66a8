"""Accuracy over time: every chip, at every time, on every image.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (evaluation after 1 s, 1 h, 1 day, 1 month, 1 year on many
    chips). Benmeziane et al., AnalogNAS, arXiv 2305.10459, 2023 (AVM: accuracy at 1 s minus accuracy at 1
    month).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from hwsim.chips import Chips, Reading
from hwsim.devices.device import check_time
from hwsim.fused.executor import FusedNetwork, Worker
from hwsim.fused.graph import UnfusableError
from hwsim.modules import NOMINAL
from hwsim.noise import NoisePool, NoiseStream, longest_pixel
from hwsim.streams import stream

ONE_SECOND_S: Final = 1.0
ONE_MONTH_S: Final = 2_592_000.0


class DriftPoint(NamedTuple):
    """Accuracy at one time: `accuracy` is `(chips,)`, `mean` and `std` are over chips."""

    t_s: float
    mean: float
    std: float
    accuracy: npt.NDArray[np.float64]


@dataclass(frozen=True)
class DriftCurve:
    """Accuracy of chips over time.

    Attributes:
        times_s: seconds since programming, as they were asked for.
        accuracy: `(times, chips)` float64, 0 to 1.
    """

    times_s: tuple[float, ...]
    accuracy: npt.NDArray[np.float64]

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean over chips, `(times,)`."""
        return np.asarray(self.accuracy.mean(axis=1))

    @property
    def std(self) -> npt.NDArray[np.float64]:
        """Sample standard deviation over chips, `(times,)`; 0 for a single chip."""
        if self.accuracy.shape[1] == 1:
            return np.zeros(len(self.times_s))
        return np.asarray(self.accuracy.std(axis=1, ddof=1))

    @property
    def avm(self) -> float:
        """Mean accuracy at 1 s minus mean accuracy at 1 month.

        Raises:
            ValueError: if one of the two times was not evaluated.
        """
        return self.at(ONE_SECOND_S).mean - self.at(ONE_MONTH_S).mean

    def at(self, t_s: float) -> DriftPoint:
        """Return the accuracy at an evaluated time.

        Raises:
            ValueError: for a time that was not evaluated.
        """
        if float(t_s) not in self.times_s:
            known = ", ".join(f"{time:g}" for time in self.times_s)
            raise ValueError(f"`t_s` must be one of the evaluated times {known} s, got {t_s:g}")
        row = self.times_s.index(float(t_s))
        return DriftPoint(self.times_s[row], float(self.mean[row]), float(self.std[row]), self.accuracy[row])


@torch.no_grad()
def accuracy_over_time(
    chips: Chips, x: torch.Tensor, y: torch.Tensor, times_s: Sequence[float], *, batch_size: int = 512
) -> DriftCurve:
    """Classify `x` on every chip at every time.

    Args:
        chips: programmed chips.
        x: `(images, ...)` float32 inputs.
        y: `(images,)` int64 classes.
        times_s: seconds since programming, each at least 0.
        batch_size: images in one forward pass; the noise of an image does not depend on it.

    Returns:
        The curve; the same chips, data and times give the same curve.

    Raises:
        ValueError: for no images or times, lengths that differ, or times outside the device's validity range.
    """
    if len(x) == 0 or len(x) != len(y):
        raise ValueError(f"`x` and `y` must have the same length, at least 1, got {len(x)} and {len(y)}")
    if len(times_s) == 0:
        raise ValueError("`times_s` must have at least one time, got none")
    for t_s in times_s:
        check_time(t_s)
    longest = longest_pixel(layer.weight for layer in chips.layers.values())
    pool = NoisePool(stream(chips.seed, "pool"), longest)
    tasks = [(row, chip) for chip in range(len(chips)) for row in range(len(times_s))]
    accuracy = np.empty((len(times_s), len(chips)), dtype=np.float64)
    for (row, chip), predicted in _predictions(chips, x, times_s, tasks, pool, batch_size):
        accuracy[row, chip] = float((predicted == y).double().mean())
    return DriftCurve(tuple(float(t_s) for t_s in times_s), accuracy)


Task: TypeAlias = tuple[int, int]
"""Number of the time, number of the chip."""


def _predictions(
    chips: Chips,
    x: torch.Tensor,
    times_s: Sequence[float],
    tasks: Sequence[Task],
    pool: NoisePool,
    batch_size: int,
) -> Iterator[tuple[Task, torch.Tensor]]:
    """Yield each task with the `(images,)` int64 classes that its chip finds."""
    try:
        network = FusedNetwork(chips, x[:1])
    except UnfusableError:
        for row, chip in tasks:
            noise = NoiseStream(pool, chips.mvm_key(times_s[row], chip))
            yield (row, chip), _classify(chips, chips.at(times_s[row], chip), noise, x, batch_size)
        return
    workers = threading.local()

    def evaluate(task: Task) -> tuple[Task, torch.Tensor]:
        row, chip = task
        if not isinstance(getattr(workers, "mine", None), Worker):
            workers.mine = Worker(network)
        worker: Worker = workers.mine
        with torch.no_grad():
            worker.load(chips.at(times_s[row], chip), NoiseStream(pool, chips.mvm_key(times_s[row], chip)))
            chunks = range(0, len(x), network.chunk)
            predicted = [worker(x[start : start + network.chunk], start).argmax(1) for start in chunks]
        return task, torch.cat(predicted)

    n_threads = torch.get_num_threads()
    torch.set_num_threads(
        1
    )  # one chip a thread: no barriers inside a layer, and results that do not depend on n
    try:
        with ThreadPoolExecutor(n_threads) as executor:
            yield from executor.map(evaluate, tasks)
    finally:
        torch.set_num_threads(n_threads)


def _classify(
    chips: Chips, reading: Reading, noise: NoiseStream, x: torch.Tensor, batch_size: int
) -> torch.Tensor:
    """Return the classes that one chip finds, layer by layer without compiled stages."""
    predicted = []
    try:
        for start in range(0, len(x), batch_size):
            for index, (name, layer) in enumerate(chips.layers.items()):
                layer.execution = reading.execution(name, noise.child(index), start)
            predicted.append(chips.net(x[start : start + batch_size]).argmax(1))
    finally:
        for layer in chips.layers.values():
            layer.execution = NOMINAL
    return torch.cat(predicted)
