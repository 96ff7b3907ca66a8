"""Speech Commands v0.02 in the twelve classes of MLPerf Tiny: ten words, silence, unknown; 16 kHz.

The official split: the files of `validation_list.txt` are validation, those of `testing_list.txt` and of the balanced
test archive are never trained on, and that archive is the test split. Both lists are disjoint by speaker. As in the
recipe of the data set, training and validation get as many clips of silence and of unknown words as of an average
word: unknown ones are a fixed choice of the other 25 words, silent ones are pieces of the background recordings at a
volume drawn evenly from 0 to 1, of their first four fifths for training and of the last for validation.

Where only a copy of the log-mel spectrograms of the 4,890 test clips is on this machine (`logmel`, `y` and `filename`
in one `.npz`), the task is another one and says so: those clips, split by speaker here.

References:
    P. Warden, "Speech Commands", 2018, arXiv 1804.03209.
    Banbury et al., "MLPerf Tiny Benchmark", NeurIPS Datasets and Benchmarks 2021, arXiv 2106.07597.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.assemble import Limits, make_task
from analognas.tasks.audio.background import draw_pieces
from analognas.tasks.audio.base_spec import SoundSpec
from analognas.tasks.audio.clips import Background, Clips, origin_of, task_of_clips, whole_numbers
from analognas.tasks.audio.front_end import FrontEnd
from analognas.tasks.audio.wav import Samples, WavError, decode_wav, fit_length, resample
from analognas.tasks.complete_splits import check_classes
from analognas.tasks.speakers import speaker_disjoint_indices
from analognas.tasks.store.archives import members
from analognas.tasks.store.cache import file_identity
from analognas.tasks.store.copies import open_copy
from analognas.tasks.store.sources import SOURCES
from analognas.tasks.task import Labels, Task

RATE_HZ: Final = 16_000
SILENCE, UNKNOWN = "_silence_", "_unknown_"
NOISE_FOLDER: Final = "_background_noise_"
CLASSES: Final = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", SILENCE, UNKNOWN)
SPLIT_SEED: Final = 2305_10459
FRACTIONS: Final = (0.6, 0.2, 0.2)
TRAINING_SHARE: Final = 0.8
SPECTRAL: Final = ("clip_ms", "window_ms", "hop_ms", "mel_bands", "low_hz", "high_hz")
"""What a spectrogram depends on and a copy of spectrograms has settled."""
LISTS: Final = {"validation_list.txt": 1, "testing_list.txt": 2}


class SpeechCommandsSpec(SoundSpec):
    """Speech Commands v0.02: ten words, silence and unknown, 16 kHz, official split (Warden 2018)."""

    kind: Literal["speech-commands"] = "speech-commands"

    @property
    def sampled_hz(self) -> int:
        """16 kHz."""
        return RATE_HZ

    def build(self) -> Task:
        """Load the data set."""
        return load_speech_commands(*self.mechanisms, self.limits)


def load_speech_commands(front_end: FrontEnd, background: Background, limits: Limits) -> Task:
    """Return the twelve classes as features.

    Args:
        front_end: makes the features, at `RATE_HZ`.
        background: noisy copies of the training clips.
        limits: the most items of each split.

    Raises:
        UserError: when the data are not on this machine, or damaged, or the copy cannot do what is asked.
    """
    source = SOURCES["speech-commands"]
    files, copy = source.files(), source.copy()
    if files is not None:
        return _official(files[0], files[1], front_end, background, limits)
    if copy is not None:
        return _test_set_copy(copy, front_end, background, limits)
    raise source.missing()


class _Plan:
    """Which files are read, and which clip each becomes: words first, then silence, then the test."""

    def __init__(self, main: Path, test: Path) -> None:
        names, lists = _index(main)
        words: dict[str, list[tuple[str, int]]] = {}
        for name in names:
            entry = PurePosixPath(name)
            part = lists.get(f"{entry.parent.name}/{entry.name}", 0)
            if part < 2:
                word = entry.parent.name if entry.parent.name in CLASSES else UNKNOWN
                words.setdefault(word, []).append((name, part))
        rng = np.random.default_rng(SPLIT_SEED)
        self.files: list[str] = []
        labels: list[int] = []
        parts: list[int] = []
        self.silent: list[int] = []
        for part in (0, 1):
            counts = [sum(p == part for _, p in words.get(word, [])) for word in CLASSES[:-2]]
            if not min(counts):
                raise UserError(f"{main}: a word has no clips in one of the splits; fetch it again")
            quota = round(sum(counts) / len(counts))
            self.silent.append(quota)
            for label, word in enumerate(CLASSES):
                held = [name for name, p in words.get(word, []) if p == part]
                if word == UNKNOWN:
                    held = sorted(rng.permutation(np.array(held))[:quota].tolist())
                self.files += held
                labels += [label] * len(held)
                parts += [part] * len(held)
        for part, quota in enumerate(self.silent):
            labels += [CLASSES.index(SILENCE)] * quota
            parts += [part] * quota
        self.test_files = [name for name in _index(test)[0] if PurePosixPath(name).parent.name in CLASSES]
        labels += [CLASSES.index(PurePosixPath(name).parent.name) for name in self.test_files]
        parts += [2] * len(self.test_files)
        self.y: Labels = np.array(labels, dtype=np.int64)
        self.parts = tuple(np.flatnonzero(np.array(parts) == part) for part in range(3))
        check_classes(self.y, self.parts, CLASSES, f"fetch {main} and {test} again")


def _official(main: Path, test: Path, front_end: FrontEnd, background: Background, limits: Limits) -> Task:
    plan = _Plan(main, test)

    def load() -> Clips:
        clips = np.zeros((len(plan.y), front_end.samples), np.int16)
        places = {name: index for index, name in enumerate(plan.files)}
        noise = []
        for name, content in members(main):
            if name.parent.name == NOISE_FOLDER and name.suffix == ".wav":
                noise.append(_decoded(main, name, content))
            elif str(name) in places:
                samples = _decoded(main, name, content)
                clips[places[str(name)]] = whole_numbers(fit_length(samples, front_end.samples, "start"))
        try:
            silence = np.concatenate(_silence(noise, plan.silent, front_end.samples))
        except ValueError as error:
            raise UserError(f"{main}: {NOISE_FOLDER}: {error}; fetch it again") from None
        clips[len(plan.files) : len(plan.files) + len(silence)] = silence
        places = {name: index for index, name in enumerate(plan.test_files, len(plan.files) + len(silence))}
        for name, content in members(test):
            if str(name) in places:
                samples = _decoded(test, name, content)
                clips[places[str(name)]] = whole_numbers(fit_length(samples, front_end.samples, "start"))
        training_noise = tuple(recording[: int(len(recording) * TRAINING_SHARE)] for recording in noise)
        return Clips(clips, noise=training_noise)

    return task_of_clips(
        "speech-commands",
        load,
        plan.y,
        plan.parts,
        CLASSES,
        front_end=front_end,
        background=background,
        limits=limits,
        identity={"files": [file_identity([path], path.parent) for path in (main, test)]},
    )


def _silence(noise: list[Samples], quotas: list[int], length: int) -> list[npt.NDArray[np.int16]]:
    """Return the silent clips of training and of validation, from different parts of the recordings."""
    rng = np.random.default_rng(SPLIT_SEED)
    edges = [int(len(recording) * TRAINING_SHARE) for recording in noise]
    halves = (
        [recording[:edge] for recording, edge in zip(noise, edges, strict=True)],
        [recording[edge:] for recording, edge in zip(noise, edges, strict=True)],
    )
    return [
        whole_numbers(
            draw_pieces(half, quota, length, rng).cut() * rng.uniform(0, 1, (quota, 1)).astype(np.float32)
        )
        for half, quota in zip(halves, quotas, strict=True)
    ]


def _test_set_copy(path: Path, front_end: FrontEnd, background: Background, limits: Limits) -> Task:
    if background.copies:
        raise UserError(
            f"{path}: holds spectrograms, noise can only be added to sound; "
            "set `noise: {copies: 0}`, or get the sound with `analognas data fetch speech-commands`"
        )
    copy = open_copy(path, "the Speech Commands test set", ("logmel", "y", "filename"))
    spectra, y = copy["logmel"], copy["y"].astype(np.int64)
    made_with = FrontEnd(RATE_HZ)
    for name in SPECTRAL:
        if getattr(front_end, name) != getattr(made_with, name):
            raise UserError(
                f"{path}: holds spectrograms made with `{name}: {getattr(made_with, name):g}`, asked for is "
                f"{getattr(front_end, name):g}; leave it out, or get the sound with "
                "`analognas data fetch speech-commands`"
            )
    names = copy["filename"].tolist()
    speakers = [_speaker(name, CLASSES[label]) for name, label in zip(names, y, strict=True)]
    return make_task(
        "speech-commands-test-set",
        front_end.from_log_mel(spectra),
        y,
        speaker_disjoint_indices(speakers, y, FRACTIONS, SPLIT_SEED, CLASSES),
        CLASSES,
        statistics="band",
        limits=limits,
        origin=origin_of(front_end.identity, [spectra]),
        notes=(
            "the official test set alone (4,890 clips), split by speaker: not comparable with published accuracies",
            "spectrograms of power, clips not scaled to equal peaks",
        ),
    )


def _speaker(name: str, class_name: str) -> str:
    """Return who speaks; every silent clip is a speaker of its own."""
    if class_name == SILENCE:
        return f"silence {name}"
    return name.split("_")[1 if class_name == UNKNOWN else 0]


def _index(path: Path) -> tuple[list[str], dict[str, int]]:
    """Return the names of all clips in order, and the part of each that a list names."""
    names, lists = [], {}
    for name, content in members(path, lambda name: name.name in LISTS):
        if name.name in LISTS:
            lists.update(dict.fromkeys(content.decode().split(), LISTS[name.name]))
        elif name.suffix == ".wav" and name.parent.name != NOISE_FOLDER:
            names.append(str(name))
    if not names:
        raise UserError(f"{path}: no WAV files in it; fetch it again")
    return sorted(names), lists


def _decoded(path: Path, name: PurePosixPath, content: bytes) -> Samples:
    try:
        samples, rate_hz = decode_wav(content)
    except WavError as error:
        raise UserError(f"{path}: {name}: {error}; fetch it again") from None
    return resample(samples, rate_hz, RATE_HZ)
