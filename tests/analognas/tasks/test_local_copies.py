"""The copies of real data sets in ANALOGNAS_DATA."""

import os
from pathlib import Path

import numpy as np
import pytest

from analognas.tasks import Task
from analognas.tasks.audio.front_end import FrontEnd
from tests.analognas.parse import parse_config

COPIES = os.environ.get("ANALOGNAS_DATA")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(COPIES is None, reason="ANALOGNAS_DATA names no folder with copies of data sets"),
]


def load(text: str, folder: str) -> Task:
    if not (Path(COPIES or "") / folder).exists():
        pytest.skip(f"no {folder} in ANALOGNAS_DATA")
    return parse_config(f"task: {{{text}}}\n", Path()).task.build()


def test_fsdd(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    task = load("kind: fsdd", "fsdd")
    assert [len(part) for part in (task.train, task.validation, task.test)] == [2000, 500, 500]
    assert task.fingerprint == load("kind: fsdd", "fsdd").fingerprint
    assert task.notes == ("speakers: george, jackson, lucas, nicolas train; theo validation; yweweler test",)
    assert all(np.bincount(part.y.numpy()).std() == 0 for part in (task.train, task.validation, task.test))


def test_the_speech_commands_test_set(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    task = load("kind: speech-commands", "speech_commands_v2_test")
    splits = (task.train, task.validation, task.test)
    assert sum(map(len, splits)) == 4890
    assert task.n_classes == 12
    assert task.fingerprint == load("kind: speech-commands", "speech_commands_v2_test").fingerprint
    with np.load(Path(COPIES or "") / "speech_commands_v2_test" / "derived_logmel_all4890.npz") as copy:
        features = FrontEnd(16_000).from_log_mel(copy["logmel"])
        classes = copy["class_names"][copy["y"]]
        names = [str(name).split("_") for name in copy["filename"]]
    said_by = {
        row.tobytes(): name[kind == "_unknown_"]
        for row, name, kind in zip(features, names, classes, strict=True)
        if kind != "_silence_"
    }
    heard = [{said_by.get(row.tobytes()) for row in split.x.numpy()} - {None} for split in splits]
    assert len(set.union(*heard)) == sum(map(len, heard)) == 239


def test_the_jpeg_copy_of_cifar10_has_the_statistics_of_its_readme(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    task = load("kind: cifar10, max_train: 3000, max_validation: 100, max_test: 100", "cifar10_jpeg")
    assert task.name == "cifar10-jpeg"
    assert "JPEG" in task.notes[0]
    np.testing.assert_allclose(task.mean.numpy() / 255, [0.4913, 0.4821, 0.4465], atol=0.01)
    np.testing.assert_allclose(task.std.numpy() / 255, [0.2452, 0.2428, 0.2606], atol=0.01)
