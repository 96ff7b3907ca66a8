"""Accuracy over time: every chip, at every time, on every image.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (evaluation after 1 s, 1 h, 1 day, 1 month, 1 year on many
    chips). Benmeziane et al., AnalogNAS, arXiv 2305.10459, 2023 (AVM: accuracy at 1 s minus accuracy at 1
    month).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from hwsim.chips import Chips, Reading
from hwsim.devices.device import check_time
from hwsim.modules import NOMINAL, Execution
from hwsim.noise import NoisePool, NoiseStream
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
    pool = NoisePool(stream(chips.seed, "pool"))
    accuracy = np.empty((len(times_s), len(chips)), dtype=np.float64)
    for chip in range(len(chips)):
        for row, t_s in enumerate(times_s):
            noise = NoiseStream(pool, chips.mvm_key(t_s, chip))
            correct = 0
            reading = chips.at(t_s, chip)
            for start in range(0, len(x), batch_size):
                with _running(chips, reading, noise, start):
                    logits = chips.net(x[start : start + batch_size])
                correct += int((logits.argmax(1) == y[start : start + batch_size]).sum())
            accuracy[row, chip] = correct / len(x)
    return DriftCurve(tuple(float(t_s) for t_s in times_s), accuracy)


@contextmanager
def _running(chips: Chips, reading: Reading, noise: NoiseStream, first_image: int) -> Iterator[None]:
    """Let the layers compute with one chip's weights and noise inside the context."""
    for index, (name, layer) in enumerate(chips.layers.items()):
        stream_of_layer = noise.child(index)
        layer.execution = Execution(
            programmed=reading.weights[name],
            compensation=None if reading.compensation is None else reading.compensation[name],
            noise=NoiseStream(noise.pool, stream_of_layer.key, first_image),
        )
    try:
        yield
    finally:
        for layer in chips.layers.values():
            layer.execution = NOMINAL
