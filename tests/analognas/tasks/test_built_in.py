"""The built-in data sets, read from small archives of the official layouts that are made here."""

import gzip
import io
import re
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analognas.errors import UserError
from analognas.tasks import Task
from analognas.tasks.images import visual_wake_words
from analognas.tasks.speakers import speaker_disjoint_indices
from tests.analognas.parse import parse_config
from tests.analognas.tasks.made_folders import wav

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.delenv("ANALOGNAS_DATA", raising=False)
    return tmp_path / "share" / "analognas"


def load(text: str) -> Task:
    return parse_config(f"task: {{{text}}}\n", Path()).task.build()


def noise(n: int) -> np.ndarray:
    return RNG.integers(-3000, 3000, n)


def tar(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("name", ["fsdd", "speech-commands", "cifar10", "fashion-mnist", "visual-wake-words"])
def test_absent_data_name_the_command_and_the_folder(name, data) -> None:
    with pytest.raises(UserError, match=rf"analognas data fetch {name}.* into {re.escape(str(data / name))}"):
        load(f"kind: {name}")


def test_what_is_there_already_need_not_be_put_there_and_a_wrong_variable_is_named(
    data, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("ANALOGNAS_DATA", str(tmp_path / "typo"))
    there = data / "speech-commands" / "speech_commands_v0.02.tar.gz"
    there.parent.mkdir(parents=True)
    there.touch()
    with pytest.raises(
        UserError,
        match=rf"on this machine \(\$ANALOGNAS_DATA is {re.escape(str(tmp_path / 'typo'))}, which is no folder\).*"
        r"or put speech_commands_test_set_v0.02.tar.gz into",
    ):
        load("kind: speech-commands")
    (tmp_path / "typo").mkdir()
    with pytest.raises(UserError, match=r"on this machine; get them"):
        load("kind: speech-commands")


def cifar(data: Path, label: int = 0) -> Path:
    def batch(n: int) -> bytes:
        y = (np.arange(n) % 10).astype(np.uint8) + np.uint8(label)
        return np.concatenate([y[:, None], RNG.integers(0, 256, (n, 3072), dtype=np.uint8)], axis=1).tobytes()

    members = {f"cifar-10-batches-bin/data_batch_{k}.bin": batch(40) for k in range(1, 6)}
    path = data / "cifar10" / "cifar-10-binary.tar.gz"
    tar(
        path,
        {
            "cifar-10-batches-bin/readme.html": b"x",
            **members,
            "cifar-10-batches-bin/test_batch.bin": batch(30),
        },
    )
    return path


def test_cifar10_keeps_the_official_test_and_a_tenth_for_validation(data) -> None:
    path = cifar(data)
    task = load("kind: cifar10")
    assert task.name == "cifar10"
    assert [len(part) for part in (task.train, task.validation, task.test)] == [180, 20, 30]
    with tarfile.open(path) as archive:
        stream = archive.extractfile("cifar-10-batches-bin/test_batch.bin")
        assert stream is not None
        first = np.frombuffer(stream.read(3073), np.uint8)
    assert task.test.x[0].flatten().tolist() == first[1:].tolist()
    assert load("kind: cifar10").fingerprint == task.fingerprint
    small = load("kind: cifar10, max_train: 50, max_validation: 10")
    assert [len(part) for part in (small.train, small.validation, small.test)] == [50, 10, 30]
    assert np.bincount(small.train.y.numpy()).tolist() == [5] * 10


def test_a_damaged_or_mislabelled_cifar10_is_refused(data) -> None:
    path = cifar(data, label=5)
    with pytest.raises(UserError, match="holds the label 14, CIFAR-10 has 0 to 9"):
        load("kind: cifar10")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match="not a readable archive"):
        load("kind: cifar10")


def fashion(data: Path, labels: int = 10) -> None:
    folder = data / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, n in (("train", 200), ("t10k", 30)):
        x = RNG.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        y = (np.arange(n) % labels).astype(np.uint8)
        for kind, array in (("images-idx3", x), ("labels-idx1", y)):
            head = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))


def test_fashion_mnist_is_read(data) -> None:
    fashion(data)
    task = load("kind: fashion-mnist")
    assert task.input_shape == (1, 28, 28)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [180, 20, 30]
    (data / "fashion-mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(b"\0\0\x08\x03" + bytes(12) + b"x")
    )
    with pytest.raises(UserError, match="holds 1 values for the shape"):
        load("kind: fashion-mnist")


def test_labels_out_of_range_are_refused(data) -> None:
    fashion(data, labels=11)
    with pytest.raises(UserError, match="do not fit together"):
        load("kind: fashion-mnist")


def jpeg(value: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", visual_wake_words.SIZE, (value, 0, 0)).save(out, "JPEG")
    return out.getvalue()


def test_visual_wake_words_is_split_by_class_and_bad_images_are_named(data) -> None:
    members = {
        f"vw_coco2014_96/{name}/COCO_{index:03}.jpg": jpeg(100 * label + index)
        for label, name in enumerate(("non_person", "person"))
        for index in range(20)
    }
    path = data / "visual-wake-words" / "vw_coco2014_96.tar.gz"
    tar(path, members)
    task = load("kind: visual-wake-words")
    assert task.input_shape == (3, 96, 96)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [32, 4, 4]
    assert ((task.train.x[:, 0, 0, 0] > 60).long() == task.train.y).all()
    assert len(load("kind: visual-wake-words, max_train: 10").train) == 10
    tar(path, {**members, "vw_coco2014_96/person/COCO_021.jpg": b"torn"})
    with pytest.raises(UserError, match=r"person/COCO_021.jpg: no image"):
        load("kind: visual-wake-words")
    assert "COCO_021" in load("kind: visual-wake-words, max_bad_files: 1").notes[0]


def test_fsdd_is_split_by_speaker_or_by_take(data) -> None:
    path = data / "fsdd" / "free-spoken-digit-dataset-1.0.10.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fsdd/README.md", "x")
        for speaker in ("anna", "berta", "carla", "dora"):
            for digit in range(10):
                for take in range(14):
                    archive.writestr(f"fsdd/recordings/{digit}_{speaker}_{take}.wav", wav(noise(400), 8000))
    task = load("kind: fsdd, validation_speakers: 1")
    assert task.notes == ("speakers: anna, berta train; carla validation; dora test",)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [280, 140, 140]
    for written in ("", ", validation_speakers: 2", ", validation_speakers: 1"):  # as runs write it down
        official = load(f"kind: fsdd, split: official{written}")
        assert official.name == "fsdd-official"
        assert [len(part) for part in (official.train, official.validation, official.test)] == [320, 40, 200]
    noisy = load("kind: fsdd, validation_speakers: 1, noise: {copies: 1}")
    assert noisy.noisy is not None
    assert noisy.noisy_validation is not None
    assert noisy.noisy.shape[:2] == (1, 280)
    assert noisy.noisy_validation.shape[:2] == (1, 140)
    assert (noisy.noisy_validation[0] != noisy.validation.x).any()
    assert noisy.fingerprint != task.fingerprint
    two = load("kind: fsdd")
    assert two.notes == ("speakers: anna train; berta, carla validation; dora test",)
    assert [len(part) for part in (two.train, two.validation, two.test)] == [140, 280, 140]
    assert bool((two.test.x == task.test.x).all())
    with pytest.raises(
        UserError, match=r"`validation_speakers: 3` needs 5 speakers.*got anna, berta, carla, dora"
    ):
        load("kind: fsdd, validation_speakers: 3")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UserError, match="damaged"):
        load("kind: fsdd")


def speech(data: Path) -> None:
    words = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "cat", "dog", "tree")
    main: dict[str, bytes] = {}
    held: dict[str, list[str]] = {"validation_list.txt": [], "testing_list.txt": []}
    for word in words:
        for speaker in range(10):
            name = f"{word}/{speaker:08x}_nohash_0.wav"
            main[f"./{name}"] = wav(noise(15_000), 16_000)
            if speaker in (7, 8):
                held["validation_list.txt"].append(name)
            if speaker == 9:
                held["testing_list.txt"].append(name)
    for index in range(2):
        main[f"./_background_noise_/noise{index}.wav"] = wav(noise(16_000 * 12), 16_000)
    lists = {f"./{name}": "\n".join(entries).encode() for name, entries in held.items()}
    tar(data / "speech-commands" / "speech_commands_v0.02.tar.gz", {**main, **lists})
    classes = (*words[:10], "_silence_", "_unknown_")
    test = {f"./{name}/{k}.wav": wav(noise(16_000), 16_000) for name in classes for k in range(3)}
    tar(data / "speech-commands" / "speech_commands_test_set_v0.02.tar.gz", test)


def test_speech_commands_has_twelve_classes_and_the_official_split(data) -> None:
    speech(data)
    task = load("kind: speech-commands, noise: {copies: 1}")
    assert task.class_names[-2:] == ("_silence_", "_unknown_")
    assert np.bincount(task.train.y.numpy()).tolist() == [7] * 12
    assert np.bincount(task.validation.y.numpy()).tolist() == [2] * 12
    assert np.bincount(task.test.y.numpy()).tolist() == [3] * 12
    assert task.noisy is not None
    assert task.noisy.shape == (1, 84, 1, 49, 10)
    rows = [{row.tobytes() for row in part.x.numpy()} for part in (task.train, task.validation, task.test)]
    assert len(rows[0] | rows[1] | rows[2]) == 84 + 24 + 36
    assert load("kind: speech-commands, noise: {copies: 1}").fingerprint == task.fingerprint


def test_nobody_is_in_two_splits() -> None:
    rng = np.random.default_rng(1)
    for seed in range(20):
        speakers = [f"s{k}" for k in rng.integers(0, 30, 600)]
        y = np.arange(600) % 3
        parts = speaker_disjoint_indices(speakers, y, (0.6, 0.2, 0.2), seed, ("a", "b", "c"))
        groups = [{speakers[index] for index in part} for part in parts]
        assert sorted(np.concatenate(parts).tolist()) == list(range(600))
        assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
        np.testing.assert_allclose([len(part) / 600 for part in parts], [0.6, 0.2, 0.2], atol=0.05)
    with pytest.raises(UserError, match=r"the (training|validation|test) split lacks (cat|dog); add clips"):
        speaker_disjoint_indices(["a", "b", "c"], np.array([0, 0, 1]), (0.6, 0.2, 0.2), 0, ("cat", "dog"))
