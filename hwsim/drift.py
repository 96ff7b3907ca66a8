"""Accuracy over time: every chip, at every time, on every image.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (evaluation after 1 s, 1 h, 1 day, 1 month, 1 year on many
    chips).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from hwsim.arguments import number
from hwsim.batched import CHIPS_AT_ONCE
from hwsim.chips import Chips
from hwsim.curve import DriftCurve, half_width
from hwsim.durations import Times
from hwsim.evaluation import measured
from hwsim.inference import BATCH_SIZE, checked_job
from hwsim.metrics import Accuracy

FEWEST_CHIPS: Final = 3
"""Chips that `confidence` never goes below."""


def accuracy_over_time(
    chips: Chips,
    x: torch.Tensor | np.ndarray,
    y: torch.Tensor | np.ndarray,
    times_s: Times,
    *,
    batch_size: int = BATCH_SIZE,
    chips_at_once: int = CHIPS_AT_ONCE,
    confidence: float | None = None,
    adabs_inputs: torch.Tensor | np.ndarray | None = None,
    progress: bool | None = None,
) -> DriftCurve:
    """Classify `x` on every chip at every time, on the device where the chips are.

    `hwsim.evaluate(chips, (x, y), times_s)` finds the same; this one can stop early.

    Args:
        chips: programmed chips.
        x: `(images, ...)` inputs, a tensor or a numpy array.
        y: `(images,)` classes, whole numbers from 0 on.
        times_s: seconds since programming, each at least 0, or texts such as `1 day`; a single one is one time.
        batch_size: images in one forward pass where stages are not compiled, fewer on a CPU where activations are
            large; noise does not depend on it.
        chips_at_once: chips in one pass on a GPU, fewer where its memory does not hold them; a CPU runs one
            a thread.
        confidence: stop after the chip at which the 95 % interval of every mean is within plus or minus
            this, in points (0.2 means 0.2 % of the images); None evaluates all chips.
        adabs_inputs: `(images, ...)` inputs on which batch-norm statistics are measured again on each chip
            at each time; None keeps those of training.
        progress: True reports on the error stream, False never does, None where it takes more than a few seconds.

    Returns:
        The curve; the same chips, data and times give the same curve, whatever the number of threads.

    Raises:
        ValueError: for no images or times, lengths that differ, NaN in `x`, classes that the network does
            not have, times outside the device's validity range, or a size below 1.
        TypeError: for an argument of another type.
    """
    if confidence is not None:
        confidence = number("confidence", confidence, above=0, remedy="points, like 0.2; None for all chips")

    def enough(accuracy: npt.NDArray[np.float64]) -> bool:
        return (
            confidence is not None
            and accuracy.shape[1] >= FEWEST_CHIPS
            and 100 * half_width(accuracy) <= confidence
        )

    job = checked_job(
        chips, (x, y), times_s, batch_size, chips_at_once, adabs_inputs, progress, needs_targets=True
    )
    return measured(job, {"accuracy": Accuracy()}, progress, enough)["accuracy"]
