"""Clips played faster or slower, which moves pitch and formants as another speaker's throat does (Ko et al. 2015).

    fast(t) = clip(speed · t),   ln speed drawn evenly for each clip

The middle of a clip stays in the middle; a slower one loses its ends, a faster one is filled up with zeros. Speeds are
rounded to hundredths, so that clips of equal speed are resampled together (polyphase filter, `scipy.signal`).

References:
    T. Ko, V. Peddinti, D. Povey, S. Khudanpur, "Audio augmentation for speech recognition", Interspeech 2015.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analognas.tasks.audio.wav import Samples

Hundredths = npt.NDArray[np.int64]

ONE: Final = 100


def draw_speeds(n: int, speed: tuple[float, float], rng: np.random.Generator) -> Hundredths:
    """Return `(n,)` speeds between the two of `speed`, in hundredths of the recorded one.

    >>> draw_speeds(3, (2.0, 2.0), np.random.default_rng(0)).tolist()
    [200, 200, 200]
    """
    low, high = np.log(speed)
    return np.asarray(np.rint(ONE * np.exp(rng.uniform(low, high, n))), dtype=np.int64)


def played_at(clips: Samples, speeds: Hundredths) -> Samples:
    """Return `(n, samples)` float32: each clip at its speed, in its old length.

    Args:
        clips: `(n, samples)` from -1 to 1.
        speeds: `(n,)` hundredths.
    """
    from scipy.signal import resample_poly

    out = np.zeros_like(clips, dtype=np.float32)
    length = clips.shape[1]
    for speed in np.unique(speeds):
        rows = np.flatnonzero(speeds == speed)
        played = clips[rows] if speed == ONE else resample_poly(clips[rows], ONE, int(speed), axis=1)
        surplus = played.shape[1] - length
        if surplus >= 0:
            out[rows] = played[:, surplus // 2 : surplus // 2 + length]
        else:
            out[rows, -surplus // 2 : -surplus // 2 + played.shape[1]] = played
    return out
