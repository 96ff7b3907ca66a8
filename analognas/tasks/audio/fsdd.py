"""Free Spoken Digit Dataset: ten English digits by six speakers, 50 takes each, 8 kHz.

Two splits. `speaker-disjoint`, the default: of the speakers in alphabetical order the last is the test, the two before
it (or as many as `validation_speakers` says) validation, the others training; a network is judged on a voice it has
never heard, and not chosen by a single one. `official`: takes 0 to 4 are the test, in voices that are trained on;
validation is a fixed stratified ninth of the other takes.

Reads the official archive, or a copy in one `.npz` with `audio`, `offsets`, `digit`, `speaker`, `take`.

References:
    Z. Jackson et al., "Free Spoken Digit Dataset", github.com/Jakobovski/free-spoken-digit-dataset.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import numpy as np
from pydantic import Field, model_validator

from analognas.errors import UserError
from analognas.tasks.assemble import Index, Limits
from analognas.tasks.audio.base_spec import SoundSpec
from analognas.tasks.audio.clips import Background, Clips, task_of_clips, whole_numbers
from analognas.tasks.audio.front_end import FrontEnd
from analognas.tasks.audio.wav import Samples, WavError, decode_wav, fit_length
from analognas.tasks.complete_splits import check_classes
from analognas.tasks.store.cache import file_identity
from analognas.tasks.store.copies import open_copy, pieces
from analognas.tasks.store.sources import SOURCES
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Labels, Task

RATE_HZ: Final = 8_000
SPLIT_SEED: Final = 2305_10459
VALIDATION_SPEAKERS: Final = 2
TEST_TAKES: Final = 5
VALIDATION: Final = 1 / 9
CLASSES: Final = tuple(str(digit) for digit in range(10))
FILE: Final = re.compile(r"([0-9])_([a-z]+)_([0-9]+)\.wav")

FsddSplit = Literal["speaker-disjoint", "official"]


class FsddSpec(SoundSpec):
    """Free Spoken Digit Dataset: 3,000 spoken digits, six speakers, 8 kHz; the test is a voice never heard before."""

    kind: Literal["fsdd"] = "fsdd"
    split: FsddSplit = Field(
        default="speaker-disjoint",
        description="speaker-disjoint: the speakers that train, validate and test differ; official: takes 0 to 4 test",
    )
    validation_speakers: int = Field(
        default=VALIDATION_SPEAKERS,
        ge=1,
        le=4,
        description="speakers, of six, that validate in the speaker-disjoint split; one tests, the others train",
    )

    @property
    def sampled_hz(self) -> int:
        """8 kHz."""
        return RATE_HZ

    @model_validator(mode="after")
    def _speakers_validate_where_they_split(self) -> FsddSpec:
        # defaults pass: the `config.yaml` of a run holds every default, that of an earlier run 1
        if self.split == "official" and self.validation_speakers not in (1, VALIDATION_SPEAKERS):
            raise ValueError(
                f"`validation_speakers: {self.validation_speakers}` needs `split: speaker-disjoint`; "
                "in `split: official` everybody speaks in every split: leave one of the two out"
            )
        return self

    def build(self) -> Task:
        """Load the data set."""
        return load_fsdd(self.split, self.validation_speakers, *self.mechanisms, self.limits)


class _Recordings:
    """Every recording with digit, speaker and take."""

    def __init__(self, path: Path, clips: Sequence[Samples], facts: Sequence[tuple[int, str, int]]) -> None:
        if not facts:
            raise UserError(f"{path}: no recordings named DIGIT_SPEAKER_TAKE.wav in it; fetch it again")
        self.path = path
        self.clips = clips
        self.y: Labels = np.array([digit for digit, _, _ in facts], dtype=np.int64)
        self.speakers = np.array([speaker for _, speaker, _ in facts])
        self.takes = np.array([take for _, _, take in facts])

    def parts(self, split: FsddSplit, validation_speakers: int) -> tuple[Index, ...]:
        """Return the indices of training, validation and test."""
        if split == "official":
            rest = np.flatnonzero(self.takes >= TEST_TAKES)
            train, validation = stratified_indices(self.y[rest], (1 - VALIDATION, VALIDATION), SPLIT_SEED)
            parts: tuple[Index, ...] = (
                rest[train],
                rest[validation],
                np.flatnonzero(self.takes < TEST_TAKES),
            )
        else:
            names = sorted(set(self.speakers.tolist()))
            trained = len(names) - 1 - validation_speakers
            if trained < 1:
                raise UserError(
                    f"{self.path}: `validation_speakers: {validation_speakers}` needs {validation_speakers + 2} "
                    f"speakers, one of them to train on and one to test, got {', '.join(names)}"
                )
            held = (names[:trained], names[trained:-1], names[-1:])
            parts = tuple(np.flatnonzero(np.isin(self.speakers, part)) for part in held)
        try:
            check_classes(self.y, parts, CLASSES, "fetch it again")
        except UserError as error:
            raise UserError(f"{self.path}: {error}") from None
        return parts


def load_fsdd(
    split: FsddSplit,
    validation_speakers: int,
    front_end: FrontEnd,
    background: Background,
    limits: Limits,
) -> Task:
    """Return the digits as features.

    Args:
        split: see above.
        validation_speakers: how many voices validate in a speaker-disjoint split.
        front_end: makes the features, at `RATE_HZ`.
        background: noisy copies of the training clips.
        limits: the most items of each split.

    Raises:
        UserError: when the data are not on this machine, or damaged.
    """
    source = SOURCES["fsdd"]
    files, copy = source.files(), source.copy()
    if files is not None:
        recordings = _from_archive(files[0])
    elif copy is not None:
        recordings = _from_npz(copy)
    else:
        raise source.missing()
    parts = recordings.parts(split, validation_speakers)

    def load() -> Clips:
        return Clips(
            np.stack(
                [whole_numbers(fit_length(clip, front_end.samples, "centre")) for clip in recordings.clips]
            )
        )

    return task_of_clips(
        "fsdd" if split == "speaker-disjoint" else "fsdd-official",
        load,
        recordings.y,
        parts,
        CLASSES,
        front_end=front_end,
        background=background,
        limits=limits,
        identity={"file": file_identity([recordings.path], recordings.path.parent)},
        notes=(_who(recordings, parts),),
    )


def _who(recordings: _Recordings, parts: Sequence[Index]) -> str:
    said = [", ".join(sorted(set(recordings.speakers[part].tolist()))) for part in parts]
    return f"speakers: {said[0]} train; {said[1]} validation; {said[2]} test"


def _from_npz(path: Path) -> _Recordings:
    names = ("audio", "offsets", "digit", "speaker", "take")
    copy = open_copy(path, "the Free Spoken Digit Dataset", names)
    clips = [piece.astype(np.float32) / np.float32(2**15) for piece in pieces(copy["audio"], copy["offsets"])]
    facts = zip(*(copy[name].tolist() for name in names[2:]), strict=True)
    return _Recordings(path, clips, list(facts))


def _from_archive(path: Path) -> _Recordings:
    clips, facts = [], []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                match = FILE.fullmatch(PurePosixPath(name).name)
                if match and PurePosixPath(name).parent.name == "recordings":
                    samples, rate = decode_wav(archive.read(name))
                    if rate != RATE_HZ:
                        raise WavError(f"{name} has {rate} Hz, expected {RATE_HZ}")
                    clips.append(samples)
                    facts.append((int(match[1]), match[2], int(match[3])))
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, WavError) as error:
        raise UserError(f"{path}: damaged ({error}); fetch it again") from None
    return _Recordings(path, clips, facts)
