"""Looks at a folder of recordings: their sampling rate and length, and speakers in their names."""

from __future__ import annotations

import re
import wave
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from analognas.errors import UserError
from analognas.tasks.audio.folder import SUFFIXES
from analognas.tasks.class_folders import ClassFolders, scan

LOOKED_AT: Final = 200
"""Recordings whose header is read, spread over the folder."""

HIGHEST_HZ: Final = 16_000
"""Sampling rate that is enough for speech and most sounds of machines."""

LONGEST_MS: Final = 4000
SHORTEST_MS: Final = 200

SPEAKERS: Final = (r"^([^_]+)_", r"^([^-]+)-", r"_([^_]+)_")
"""Where names of files have speakers: before the first underscore or hyphen, or between underscores."""

FEWEST: Final = 3
"""Speakers that a split needs."""

COPIES: Final = 6
"""Noisy copies of each training clip, at other speeds: where speakers are known, whose voices should not matter."""

FEW_COPIES: Final = 2
MANY: Final = 10_000
"""Recordings beyond which there are fewer copies of each: all are kept in memory."""

SPEED: Final = (0.85, 1.18)


def look_at_sound(path: Path) -> Mapping[str, tuple[Any, str]]:
    """Return the options for recordings.

    Raises:
        UserError: when it is no folder of class folders with WAV files, or none of those looked at can be read.
    """
    if not path.is_dir():
        raise UserError(f"{path}: `wav-folder` needs a folder with a folder for each class")
    folders = scan(path, SUFFIXES)
    files = folders.files
    chosen = [files[row] for row in np.unique(np.linspace(0, len(files) - 1, LOOKED_AT).round().astype(int))]
    headers = [header for header in map(_header, chosen) if header is not None]
    if not headers:
        raise UserError(f"{path}: none of {len(chosen)} recordings can be read; {chosen[0]} is the first")
    rates = Counter(rate for rate, _ in headers)
    rate = min(HIGHEST_HZ, rates.most_common(1)[0][0])
    lengths = np.array([1000 * frames / rate_hz for rate_hz, frames in headers])
    clip_ms = int(np.clip(np.ceil(np.percentile(lengths, 90) / 100) * 100, SHORTEST_MS, LONGEST_MS))
    seen = ", ".join(f"{number} of {len(headers)} have {rate_hz}" for rate_hz, number in rates.most_common(2))
    options: dict[str, tuple[Any, str]] = {
        "rate_hz": (rate, f"every file is converted to it; {seen}"),
        "front_end": (
            {"clip_ms": clip_ms},
            f"lengths are {lengths.min():.0f} to {lengths.max():.0f} ms, nine in ten up to {clip_ms}",
        ),
    }
    speaker = _speaker(folders)
    if speaker is not None:
        pattern, number = speaker
        options["speaker"] = pattern, f"finds {number} speakers in the names; nobody is in two splits"
        copies = COPIES if len(files) <= MANY else FEW_COPIES
        options["noise"] = (
            {"copies": copies, "speed": list(SPEED)},
            "slower and faster copies of each training clip, like other voices",
        )
    return options


def _header(file: Path) -> tuple[int, int] | None:
    """Return sampling rate and frames; None for what the standard library cannot read."""
    try:
        with wave.open(str(file), "rb") as sound:
            found = sound.getframerate(), sound.getnframes()
    except (OSError, EOFError, wave.Error):
        return None
    return found if min(found) > 0 else None


def _speaker(folders: ClassFolders) -> tuple[str, int] | None:
    """Return the pattern that finds speakers, with their number: everybody in most classes, none in one alone."""
    if (folders.part >= 0).any():
        return None  # the folders say what is in which split
    names = [file.name for file in folders.files]
    labels = folders.y.tolist()
    for pattern in SPEAKERS:
        found = [re.search(pattern, name) for name in names]
        if not all(found):
            continue
        speakers = [match.group(1) for match in found if match is not None]
        number = len(set(speakers))
        if FEWEST <= number <= len(names) // 4 and _in_most_classes(
            speakers, labels, len(folders.class_names)
        ):
            return pattern, number
    return None


def _in_most_classes(speakers: Sequence[str], labels: Sequence[int], n_classes: int) -> bool:
    pairs = set(zip(speakers, labels, strict=True))
    classes = Counter(speaker for speaker, _ in pairs)
    return 2 * float(np.median(list(classes.values()))) > n_classes
