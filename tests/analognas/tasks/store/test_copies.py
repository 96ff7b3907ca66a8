"""Copies of data sets in one `.npz`: whatever is wrong with them is said before anything is computed from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analognas.errors import UserError
from analognas.tasks import Task
from analognas.tasks.audio.front_end import FrontEnd
from analognas.tasks.audio.speech_commands import CLASSES
from tests.analognas.parse import parse_config

CLIPS = 180
SPEECH = len(CLASSES) * 20


def fsdd() -> dict[str, Any]:
    number = np.arange(CLIPS)
    return {
        "audio": (np.arange(100 * CLIPS) % 1000).astype(np.int16),
        "offsets": 100 * np.arange(CLIPS + 1),
        "digit": (number % 10).astype(np.uint8),
        "speaker": np.array(["anna", "berta", "carla", "dora"])[number // 45],
        "take": (number // 10 % 6).astype(np.uint8),
    }


def speech() -> dict[str, Any]:
    y = np.repeat(np.arange(len(CLASSES)), 20)
    names = [f"cat_{k % 20}_0.wav" if label == 11 else f"{k % 20}_0.wav" for k, label in enumerate(y)]
    spectra = np.random.default_rng(0).normal(size=(SPEECH, 49, 40)).astype(np.float16)
    return {
        "logmel": spectra,
        "y": y.astype(np.uint8),
        "filename": np.array(names),
        "class_names": np.array(CLASSES),
    }


def cifar() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part, n in (("train", 100), ("test", 20)):
        made[f"jpeg_{part}"] = np.zeros(10 * n, np.uint8)
        made[f"offsets_{part}"] = 10 * np.arange(n + 1)
        made[f"y_{part}"] = (np.arange(n) % 10).astype(np.uint8)
    return made


FILES = {
    "fsdd": "fsdd/fsdd_8khz.npz",
    "speech-commands": "speech_commands_v2_test/derived_logmel_all4890.npz",
    "cifar10": "cifar10_jpeg/cifar10_jpeg.npz",
}
MADE = {"fsdd": fsdd, "speech-commands": speech, "cifar10": cifar}


def load(kind: str, changes: Mapping[str, Any], root: Path, options: str = "") -> Task:
    arrays = {**MADE[kind](), **changes}
    path = root / "copies" / FILES[kind]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return parse_config(f"task: {{kind: {kind}{options}}}\n", Path()).task.build()


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("ANALOGNAS_DATA", str(tmp_path / "copies"))


@pytest.mark.parametrize(("kind", "n"), [("fsdd", CLIPS), ("speech-commands", SPEECH)])
def test_a_whole_copy_is_read(kind: str, n: int, tmp_path) -> None:
    task = load(kind, {}, tmp_path)
    assert len(task.train) + len(task.validation) + len(task.test) == n


def test_a_copy_of_the_speech_commands_test_set_is_another_task(tmp_path) -> None:
    task = load("speech-commands", {}, tmp_path)
    assert task.name == "speech-commands-test-set"
    assert "not comparable" in task.notes[0]
    spectra = load("speech-commands", {}, tmp_path, ", front_end: {features: log-mel}")
    assert spectra.input_shape == (1, 49, 40)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("noise: {copies: 1}", "holds spectrograms, noise can only be added to sound"),
        ("front_end: {mel_bands: 20}", "made with `mel_bands: 40`, asked for is 20; leave it out"),
        ("front_end: {low_hz: 300}", "made with `low_hz: 20`, asked for is 300"),
        ("front_end: {high_hz: 3000}", "made with `high_hz: 4000`, asked for is 3000"),
        ("front_end: {window_ms: 40}", "made with `window_ms: 30`, asked for is 40"),
        ("front_end: {hop_ms: 10}", "made with `hop_ms: 20`, asked for is 10"),
        ("front_end: {clip_ms: 500}", "made with `clip_ms: 1000`, asked for is 500"),
    ],
)
def test_spectrograms_cannot_be_made_anew(options: str, message: str, tmp_path) -> None:
    with pytest.raises(UserError, match=message):
        load("speech-commands", {}, tmp_path, f", {options}")


def test_nobody_of_a_copied_test_set_is_in_two_splits(tmp_path) -> None:
    arrays = speech()
    task = load("speech-commands", arrays, tmp_path)
    words = [k for k, label in enumerate(arrays["y"]) if CLASSES[label] != "_silence_"]
    features = FrontEnd(16_000).from_log_mel(arrays["logmel"][words])
    said_by = {row.tobytes(): k % 20 for row, k in zip(features, words, strict=True)}
    splits = (task.train, task.validation, task.test)
    heard = [{said_by.get(row.tobytes()) for row in split.x.numpy()} - {None} for split in splits]
    assert [len(speakers) for speakers in heard] == [12, 4, 4]
    assert len(set.union(*heard)) == 20


def test_a_copy_that_lacks_an_array_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match="lacks take, holds audio, offsets, digit, speaker"):
        load("fsdd", {"take": None}, tmp_path)


def test_an_image_of_a_copy_that_is_none_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match=r"cifar10-jpeg: (.|\n)*image [0-9]+: no image that can be read"):
        load("cifar10", {}, tmp_path)


def test_a_torn_copy_is_refused(tmp_path) -> None:
    load("fsdd", {}, tmp_path)
    path = tmp_path / "copies" / FILES["fsdd"]
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(
        UserError, match=r"not a copy of the Free Spoken Digit Dataset .*; replace it, or remove it"
    ):
        parse_config("task: {kind: fsdd}\n", Path()).task.build()
