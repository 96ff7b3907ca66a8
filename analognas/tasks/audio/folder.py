"""A user's own recordings, one folder a class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

import numpy as np

from analognas.errors import UserError
from analognas.tasks.assemble import Limits
from analognas.tasks.audio.clips import Background, Clips, task_of_clips, whole_numbers
from analognas.tasks.audio.front_end import FrontEnd
from analognas.tasks.audio.wav import Samples, WavError, decode_wav, fit_length, resample
from analognas.tasks.bad_files import BadFiles
from analognas.tasks.class_folders import NOISE_FOLDER, ClassFolders, files_in, scan
from analognas.tasks.store.cache import file_identity
from analognas.tasks.task import Task

SUFFIXES: Final = frozenset({".wav", ".wave"})


def load_wav_folder(
    path: Path,
    *,
    front_end: FrontEnd,
    align: Literal["start", "centre"],
    speaker: str | None,
    background: Background,
    fractions: tuple[float, float, float],
    split_seed: int,
    limits: Limits,
    max_bad_files: int,
) -> Task:
    """Return the task of a folder of class folders of WAV files.

    Args:
        path: the folder, as `analognas.tasks.class_folders` describes it; long recordings in its folder
            `_background_noise_` are the noise of noisy copies.
        front_end: makes the features; every file is brought to its sampling rate.
        align: which part of a clip that is too long is kept, and where one that is too short lies.
        speaker: regular expression whose first group finds the speaker in a file's name; None: stratified split.
        background: noisy copies of the training clips.
        fractions: training, validation and test shares where the folders name no splits.
        split_seed: of the split.
        limits: the most items of each split.
        max_bad_files: how many unreadable files may be left out.

    Raises:
        UserError: when the folder does not fit, a class is empty, or too many files are bad.
    """
    folders = scan(path, SUFFIXES)
    speakers = None if speaker is None else _speakers(folders, speaker)
    parts = folders.parts(fractions, split_seed, speakers)
    noise_files, _ = files_in(path / NOISE_FOLDER, SUFFIXES)

    def load() -> Clips:
        bad = BadFiles(str(path), max_bad_files)
        clips, good = [], []
        for index, file in enumerate(folders.files):
            samples = _read(file, front_end.rate_hz, bad)
            if samples is not None:
                clips.append(whole_numbers(fit_length(samples, front_end.samples, align)))
                good.append(index)
        if not clips:
            raise UserError(f"{path}: none of {len(folders.files)} files can be read")
        kept = np.array(good, dtype=np.int64)
        noise = [
            samples for file in noise_files if (samples := _read(file, front_end.rate_hz, bad)) is not None
        ]
        usable = tuple(samples for samples in noise if len(samples) > front_end.samples)
        notes = bad.notes
        if background.copies and (path / NOISE_FOLDER).exists() and not usable:
            notes += (f"no recording in {NOISE_FOLDER} is longer than a clip: the noise is pink noise",)
        return Clips(np.stack(clips), notes, kept, usable)

    return task_of_clips(
        path.name,
        load,
        folders.y,
        parts,
        folders.class_names,
        front_end=front_end,
        background=background,
        limits=limits,
        identity={
            "folder": str(path),
            "files": file_identity([*folders.files, *noise_files], path),
            "align": align,
            "max_bad_files": max_bad_files,
        },
        notes=folders.notes,
    )


def _read(file: Path, rate_hz: int, bad: BadFiles) -> Samples | None:
    try:
        samples, own_rate_hz = decode_wav(file.read_bytes())
    except (WavError, OSError) as error:
        bad.add(str(file), str(error))
        return None
    return resample(samples, own_rate_hz, rate_hz)


def _speakers(folders: ClassFolders, pattern: str) -> list[str]:
    found = []
    for file in folders.files:
        match = re.search(pattern, file.name)
        if match is None or not match.groups() or match[1] is None:
            raise UserError(
                f"{file}: `speaker: {pattern}` must find the speaker in every file name, as its first group"
            )
        found.append(match[1])
    return found
