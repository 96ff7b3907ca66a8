"""A task out of clips: features, computed once and kept, of the clips and of those that are trained on with noise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.assemble import Index, Limits, make_task
from analognas.tasks.audio.background import Mixture, draw_mixture, pink_noise
from analognas.tasks.audio.front_end import FrontEnd
from analognas.tasks.audio.speed import Hundredths, draw_speeds, played_at
from analognas.tasks.audio.wav import Samples
from analognas.tasks.complete_splits import check_classes
from analognas.tasks.store.cache import cached
from analognas.tasks.task import Labels, Task

NOISE_SEED: Final = 2305_10459
BATCH: Final = 1024
VERSION: Final = 2
"""Of what is kept in the cache."""
FULL_SCALE: Final = 1 << 15


@dataclass(frozen=True)
class Background:
    """Noisy copies of the training clips.

    Attributes:
        copies: of each clip; 0 for none.
        snr_db: the signal-to-noise ratio is drawn evenly between these two.
        speed: how fast each copy is played, drawn between these two; the noise below it keeps its speed.
    """

    copies: int = 0
    snr_db: tuple[float, float] = (5.0, 25.0)
    speed: tuple[float, float] = (1.0, 1.0)

    @property
    def changes_speed(self) -> bool:
        """Whether any copy is faster or slower than its clip."""
        return self.speed != (1.0, 1.0)


@dataclass(frozen=True)
class Clips:
    """Clips of one length and the noise that may lie below them.

    Attributes:
        clips: `(n, samples)` int16: a large data set fits into memory.
        notes: lines for the record, such as files left out.
        good: `(n,)` indices, among all files, of the clips; None for all.
        noise: recordings of background noise; pink noise where there are none.
    """

    clips: npt.NDArray[np.int16]
    notes: tuple[str, ...] = ()
    good: Index | None = None
    noise: tuple[Samples, ...] = ()


def task_of_clips(
    name: str,
    load: Callable[[], Clips],
    y: Labels,
    parts: Sequence[Index],
    class_names: Sequence[str],
    *,
    front_end: FrontEnd,
    background: Background,
    limits: Limits,
    identity: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> Task:
    """Return a task of spectral features.

    Args:
        name: of the data set.
        load: reads the clips; called when their features are not kept yet.
        y: `(n,)` labels of all files.
        parts: indices of training, validation and test among all files.
        class_names: name of each label.
        front_end: makes the features.
        background: noisy copies of the training clips.
        limits: the most items of each split.
        identity: what the clips depend on, as JSON values.
        notes: what a report must say of the data.

    Raises:
        UserError: when a class is missing from a split, because its files cannot be read.
    """
    settings = {
        "front_end": front_end.identity,
        "background": [background.copies, *background.snr_db, *background.speed],
    }
    arrays = cached(
        name,
        {
            "version": VERSION,
            "clips": dict(identity),
            **settings,
            "training": [int(part) for part in parts[0]] if background.copies else [],
            "validation": [int(part) for part in parts[1]] if background.copies else [],
        },
        lambda: _features(load(), parts[:2], front_end, background),
    )
    good = arrays["good"] if len(arrays["good"]) else np.arange(len(y))
    places = [np.flatnonzero(np.isin(good, part)) for part in parts]
    kept = y[good]
    try:
        check_classes(kept, places, class_names, "mend or replace the files that cannot be read")
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    return make_task(
        name,
        arrays["x"],
        kept,
        places,
        class_names,
        noisy=(arrays["noisy"], arrays["noisy_validation"]) if background.copies else (),
        statistics="band",
        limits=limits,
        notes=(*notes, *(str(note) for note in arrays["notes"])),
        origin=origin_of({**settings, "sound": str(arrays["sound"])}, places),
    )


def origin_of(settings: Mapping[str, Any], arrays: Sequence[npt.NDArray[Any]]) -> str:
    """Return a digest of what features are computed from: settings, as JSON values, and whole numbers."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _features(
    loaded: Clips, parts: Sequence[Index], front_end: FrontEnd, background: Background
) -> dict[str, npt.NDArray[Any]]:
    rng = np.random.default_rng(NOISE_SEED)
    n = len(loaded.clips)
    good = np.arange(n) if loaded.good is None else loaded.good
    recordings = loaded.noise or (pink_noise(front_end.rate_hz, rng),)
    noisy = []
    for part in parts:
        chosen = np.flatnonzero(np.isin(good, part))
        copies = []
        for _ in range(background.copies):
            mixture = draw_mixture(recordings, len(chosen), front_end.samples, background.snr_db, rng)
            speeds = draw_speeds(len(chosen), background.speed, rng) if background.changes_speed else None
            copies.append(_batches(loaded.clips, chosen, front_end, mixture, speeds))
        noisy.append(np.stack(copies) if copies else np.empty((0,), np.float32))
    return {
        "x": _batches(loaded.clips, np.arange(n), front_end),
        "noisy": noisy[0],
        "noisy_validation": noisy[1],
        "good": np.empty((0,), np.int64) if loaded.good is None else loaded.good,
        "notes": np.array(loaded.notes, dtype=np.str_),
        "sound": np.array(origin_of({}, [loaded.clips, *map(whole_numbers, loaded.noise)])),
    }


def _batches(
    clips: npt.NDArray[np.int16],
    chosen: Index,
    front_end: FrontEnd,
    mixture: Mixture | None = None,
    speeds: Hundredths | None = None,
) -> npt.NDArray[np.float32]:
    """Return the features of the chosen clips, at other speeds and with noise below them if there are such."""
    out = np.empty((len(chosen), *front_end.shape), np.float32)
    for start in range(0, len(chosen), BATCH):
        which = slice(start, start + BATCH)
        sound = clips[chosen[which]].astype(np.float32) / np.float32(FULL_SCALE)
        if speeds is not None:
            sound = played_at(sound, speeds[which])
        out[which] = front_end.features(sound if mixture is None else mixture.apply(sound, which))
    return out


def whole_numbers(samples: Samples) -> npt.NDArray[np.int16]:
    """Return samples from -1 to 1 as int16."""
    return np.asarray(np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1), dtype=np.int16)
