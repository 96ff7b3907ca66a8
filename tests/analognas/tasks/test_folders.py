"""A user's own folders: honest splits, and every way they can be wrong. Sound alone: test_sound_folders.py."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analognas.errors import UserError
from analognas.specs.problems import ConfigError
from analognas.tasks.images.decode import ImageRule
from tests.analognas.tasks.made_folders import image, images, load, sounds


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_images_are_split_by_class_and_keep_every_pixel(tmp_path) -> None:
    images(tmp_path / "pets")
    task = load(tmp_path, "kind: image-folder, path: pets")
    assert task.class_names == ("cat", "dog")
    assert task.input_shape == (3, 4, 6)
    parts = (task.train, task.validation, task.test)
    assert [len(part) for part in parts] == [12, 4, 4]
    red = np.concatenate([part.x[:, 0, 0, 0].numpy() for part in parts])
    labels = np.concatenate([part.y.numpy() for part in parts])
    assert sorted(red.tolist()) == [*range(10), *range(100, 110)]
    assert ((red >= 100) == labels).all()
    assert load(tmp_path, "kind: image-folder, path: pets").fingerprint == task.fingerprint
    other = load(tmp_path, "kind: image-folder, path: pets, split_seed: 1")
    assert other.fingerprint != task.fingerprint


def test_three_items_of_a_class_are_enough_for_three_splits(tmp_path) -> None:
    task = load(images(tmp_path / "d", n=3).parent, "kind: image-folder, path: d")
    parts = (task.train, task.validation, task.test)
    assert [sorted(part.y.tolist()) for part in parts] == [[0, 1]] * 3


def test_folders_of_splits_are_taken_as_they_are(tmp_path) -> None:
    images(tmp_path / "d" / "train")
    images(tmp_path / "d" / "test", n=3)
    task = load(tmp_path, "kind: image-folder, path: d, colour: grey")
    assert task.input_shape == (1, 4, 6)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [16, 4, 6]
    images(tmp_path / "d" / "val", n=2)
    given = load(tmp_path, "kind: image-folder, path: d")
    assert [len(part) for part in (given.train, given.validation, given.test)] == [20, 4, 6]


def test_folders_of_splits_are_known_in_any_case(tmp_path) -> None:
    for name, n in (("Train", 8), ("TEST", 3), ("Validation", 2)):
        images(tmp_path / "d" / name, n=n)
    task = load(tmp_path, "kind: image-folder, path: d")
    assert task.class_names == ("cat", "dog")
    assert [len(part) for part in (task.train, task.validation, task.test)] == [16, 4, 6]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("training", "Testing"), r"rename `Testing` to `test`, `training` to `train`"),
        (("train", "valid", "test"), r"rename `valid` to `validation`"),
        (("train", "dev", "eval"), r"rename `dev` to `validation`, `eval` to `test`"),
        (("Train", "train", "test"), r"Train and train are all the training split; merge them"),
        (("train", "test", "val", "validation"), r"val and validation are all the validation split"),
        (("Train", "Test", "Spare"), r"are splits, Spare is none; move it away"),
        (("Train", "val"), r"need both `train` and `test`"),
    ],
)
def test_folders_that_are_nearly_splits_are_never_taken_for_classes(tmp_path, names, message) -> None:
    for name in names:
        images(tmp_path / "d" / name)
    with pytest.raises(UserError, match=message) as caught:
        load(tmp_path, "kind: image-folder, path: d")
    assert "\n" not in str(caught.value)


def test_one_folder_that_is_named_like_a_split_is_a_class(tmp_path) -> None:
    for name in ("train", "bus"):
        for index in range(5):
            image(tmp_path / "d" / name / f"{index}.png", index)
    assert load(tmp_path, "kind: image-folder, path: d").class_names == ("bus", "train")


def test_names_that_begin_with_an_underscore_are_used_and_hidden_ones_are_not(tmp_path) -> None:
    for name in ("_unknown_", "dog"):
        for index in range(5):
            image(tmp_path / "d" / name / f"_DSC{index}.png", index)
    for name in (
        ".hidden/1.png",
        "_background_noise_/1.png",
        "__MACOSX/dog/._1.png",
        "dog/._1.png",
        "dog/.cache/1.png",
        "dog/puppies/.ipynb_checkpoints/1.png",
    ):
        image(tmp_path / "d" / name, 1)
    task = load(tmp_path, "kind: image-folder, path: d")
    assert task.class_names == ("_unknown_", "dog")
    assert sum(len(part) for part in (task.train, task.validation, task.test)) == 10
    assert not task.notes


@pytest.mark.parametrize("split", ["", "train"])
def test_files_beside_the_class_folders_are_counted_in_a_note(tmp_path, split) -> None:
    for name in ("train", "test") if split else ("",):
        images(tmp_path / "d" / name)
    for name in ("b.png", "a.JPG", "README.txt", ".hidden.png"):
        (tmp_path / "d" / split / name).write_bytes(b"x")
    (note,) = load(tmp_path, "kind: image-folder, path: d").notes
    first = tmp_path / "d" / split / "a.JPG"
    assert note == f"left out, beside the class folders and so of no class: 2; the first is {first}"


def test_a_limit_takes_a_stratified_part_and_says_so(tmp_path) -> None:
    images(tmp_path / "pets", n=20)
    task = load(tmp_path, "kind: image-folder, path: pets, max_train: 10, max_test: 4")
    assert np.bincount(task.train.y.numpy()).tolist() == [5, 5]
    assert len(task.test) == 4
    assert task.notes[0] == "10 of 24 training items, a fixed stratified choice"


@pytest.mark.parametrize(("resize", "white_columns"), [("squash", 1), ("crop", 0)])
def test_mixed_sizes_need_a_rule(tmp_path, resize, white_columns) -> None:
    images(tmp_path / "pets", size=(8, 8))
    wide = np.zeros((30, 40, 3), np.uint8)
    wide[:, :5] = 255  # a stripe at the left that `crop` cuts off and `squash` keeps
    Image.fromarray(wide).save(tmp_path / "pets" / "cat" / "wide.png")
    with pytest.raises(
        UserError, match=r"images differ in size, .* 8 x 8 and .* 40 x 30 pixels; give `size`"
    ):
        load(tmp_path, "kind: image-folder, path: pets")
    task = load(tmp_path, f"kind: image-folder, path: pets, size: [8, 8], resize: {resize}")
    assert task.input_shape == (3, 8, 8)
    x = np.concatenate([part.x.numpy() for part in (task.train, task.validation, task.test)])
    blue = x[:, 2].mean(axis=1)  # (images, columns); nothing else is blue
    assert int((blue > 200).sum()) == white_columns


def test_bad_images_are_listed_and_left_out_up_to_the_limit(tmp_path) -> None:
    images(tmp_path / "pets")
    whole = (tmp_path / "pets" / "cat" / "0.png").read_bytes()
    (tmp_path / "pets" / "cat" / "cut.png").write_bytes(whole[:45])
    (tmp_path / "pets" / "dog" / "empty.png").write_bytes(b"")
    (tmp_path / "pets" / "dog" / "words.jpg").write_text("no image")
    text = "kind: image-folder, path: pets, max_bad_files: 3"
    for _ in range(2):  # decoded, and from the cache
        task = load(tmp_path, text)
        assert sum(len(part) for part in (task.train, task.validation, task.test)) == 20
        assert [note.split(": ")[1].rsplit("/", 1)[1] for note in task.notes] == [
            "cut.png",
            "empty.png",
            "words.jpg",
        ]
    with pytest.raises(
        UserError, match=r"more than `max_bad_files: 2`(.|\n)*cut.png(.|\n)*empty.png(.|\n)*words.jpg"
    ):
        load(tmp_path, "kind: image-folder, path: pets, max_bad_files: 2")


@pytest.mark.parametrize(("kind", "ending"), [("image-folder", "heic"), ("wav-folder", "mp3")])
def test_files_with_other_endings_are_left_out_and_counted(tmp_path, kind, ending) -> None:
    (images if kind == "image-folder" else sounds)(tmp_path / "d")
    label = sorted((tmp_path / "d").iterdir())[0]
    assert not load(tmp_path, f"kind: {kind}, path: d").notes
    for name in (f"1.{ending.upper()}", f"2.{ending}", "labels.txt", "README", ".DS_Store"):
        (label / name).write_bytes(b"x")
    (note,) = load(tmp_path, f"kind: {kind}, path: d").notes
    counts = f"2 .{ending}, 1 no ending, 1 .txt"
    assert note == f"left out, other files: {counts}; the first is {label / f'1.{ending.upper()}'}"


@pytest.mark.parametrize(
    ("prepare", "text", "message"),
    [
        (lambda root: (root / "d").mkdir(), "path: d", "needs one folder a class, at least two, got none"),
        (lambda root: images(root / "d" / "x"), "path: d/x/cat", "at least two, got none"),
        (lambda root: images(root / "d").joinpath("emu").mkdir(), "path: d", "emu: no .*files in it"),
        (lambda root: images(root / "d" / "train"), "path: d", "need both `train` and `test`"),
        (
            lambda root: images(root / "d", n=2),
            "path: d",
            "every class needs an item in each of the 3 splits, class cat has 2; add items",
        ),
        (
            lambda root: [images(root / "d" / name) for name in ("train", "test", "spare")],
            "path: d",
            "the folders `train` and `test` are splits, spare is none; move it away",
        ),
        (
            lambda root: [
                images(root / "d" / "train"),
                images(root / "d" / "test").joinpath("dog").rename(root / "x"),
            ],
            "path: d",
            "dog: no .* files in it; every class needs some in every split",
        ),
    ],
)
def test_folders_that_do_not_fit(tmp_path, prepare, text, message) -> None:
    prepare(tmp_path)
    with pytest.raises(UserError, match=message):
        load(tmp_path, f"kind: image-folder, {text}")


@pytest.mark.parametrize("kind", ["image-folder", "wav-folder"])
def test_a_class_without_one_readable_file_is_an_error_however_many_may_be_bad(tmp_path, kind) -> None:
    (images if kind == "image-folder" else sounds)(tmp_path / "d")
    spoilt = sorted((tmp_path / "d").iterdir())[0]
    for file in spoilt.iterdir():
        file.write_bytes(b"")
    message = rf"d: every class .* the training split lacks {spoilt.name}; mend or replace"
    for _ in range(2):  # read, and from the cache
        with pytest.raises(UserError, match=message):
            load(tmp_path, f"kind: {kind}, path: d, max_bad_files: 99")


def test_another_split_of_kept_features_is_looked_at_too(tmp_path) -> None:
    sounds(tmp_path / "s")
    for file in sorted((tmp_path / "s" / "low").iterdir())[4:]:
        file.write_bytes(b"")
    found = []
    for seed in range(8):
        try:
            load(tmp_path, f"kind: wav-folder, path: s, max_bad_files: 99, split_seed: {seed}")
            found.append("whole")
        except UserError as error:
            found.append(re.sub(".*the (training|validation|test) split lacks low;.*", "lacking", str(error)))
    assert "lacking" in found[found.index("whole") :]


def test_a_limit_below_the_number_of_classes_names_its_key(tmp_path) -> None:
    for name in ("ant", "bee", "cat", "dog", "emu"):
        for index in range(6):
            image(tmp_path / "d" / name / f"{index}.png", index)
    with pytest.raises(UserError, match=r"`max_train: 4`: .* at least 5, got 4"):
        load(tmp_path, "kind: image-folder, path: d, max_train: 4")


def test_sixteen_bits_become_eight_and_pixels_without_a_range_are_refused(tmp_path) -> None:
    images(tmp_path / "d")
    deep = np.linspace(0, 65535, 24).reshape(4, 6)
    for suffix in ("png", "tif"):
        Image.fromarray(deep.astype(np.uint16)).save(tmp_path / "d" / "cat" / f"deep.{suffix}")
        grey = ImageRule(colour="grey").decode((tmp_path / "d" / "cat" / f"deep.{suffix}").read_bytes())
        np.testing.assert_allclose(grey[0], deep / 256, atol=1)
    for name, values in (("float", deep.astype(np.float32)), ("wide", 10 * deep.astype(np.int32))):
        Image.fromarray(values).save(tmp_path / "d" / "cat" / f"{name}.tif")
    task = load(tmp_path, "kind: image-folder, path: d, max_bad_files: 2")
    assert [note.count("no known range; save it with 8 or 16 bit") for note in task.notes] == [1, 1]


def test_photographs_are_turned_as_their_camera_says(tmp_path) -> None:
    upright = np.arange(24, dtype=np.uint8).reshape(4, 6)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: turn by 90 degrees to the right
    Image.fromarray(np.rot90(upright)).save(tmp_path / "turned.png", exif=exif)
    decoded = ImageRule(colour="grey").decode((tmp_path / "turned.png").read_bytes())
    assert decoded[0].tolist() == upright.tolist()


def test_names_that_are_not_utf_8_and_links_to_nothing(tmp_path) -> None:
    cats, odd = images(tmp_path / "d") / "cat", os.fsdecode(b"\xff\xfe")
    (cats / "0.png").rename(cats / f"{odd}.png")
    (cats / "1.png").unlink()
    (cats / "1.png").symlink_to("absent.png")
    task = load(tmp_path, "kind: image-folder, path: d")
    (note,) = task.notes
    assert "1.png: [Errno 2] No such file" in note
    assert sum(len(part) for part in (task.train, task.validation, task.test)) == 19


def test_a_file_that_may_not_be_read_counts_as_bad(tmp_path, monkeypatch) -> None:
    images(tmp_path / "d")
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "3.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    task = load(tmp_path, "kind: image-folder, path: d")
    assert ["Permission denied" in note for note in task.notes] == [True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: image-folder, path: absent", r"search.yaml:1:34: task.path: no such folder"),
        ("kind: image-folder, path: search.yaml", "must be a folder, .* is a file"),
        ("kind: image-folder, path: ., resize: crop", "`resize: crop` needs `size"),
        ("kind: image-folder, path: ., size: [8, 8]", "`size` needs `resize: squash`"),
        ("kind: image-folder, path: ., fractions: [0.5, 0.5, 0.5]", "three positive shares"),
        ("kind: wav-folder, path: ., speaker: '('", "not a regular expression"),
        ("kind: wav-folder, path: ., speaker: abc", "needs a group that holds the speaker"),
        (
            "kind: wav-folder, path: ., front_end: {window_ms: 900, clip_ms: 100}",
            "`window_ms <= clip_ms` must hold",
        ),
        ("kind: wav-folder, path: ., front_end: {coefficients: 41}", "`coefficients <= mel_bands` must hold"),
        (
            "kind: wav-folder, path: ., noise: {copies: 1, snr_db: [9, 3]}",
            "`low <= high` must hold in `snr_db`",
        ),
        (
            "kind: wav-folder, path: ., noise: {copies: 1, speed: [1.2, 0.8]}",
            "`low <= high` must hold in `speed`",
        ),
        ("kind: fsdd, noise: {speed: [0.9, 1.1]}", "`speed` is of the copies; it needs `copies: 1` or more"),
        (
            "kind: fsdd, noise: {snr_db: [0, 9]}",
            "noise.snr_db: `snr_db` is of the copies; it needs `copies: 1` or more",
        ),
        (
            "kind: fsdd, front_end: {features: log-mel, coefficients: 5}",
            "front_end.coefficients: .* of `features: mfcc`, got 5 with `log-mel`; leave them out",
        ),
        ("kind: fsdd, noise: {copies: 1, speed: [0.1, 1.1]}", r"noise.speed\[0\]: must be >= 0.5, got 0.1"),
        ("kind: wav-folder, path: ., front_end: {high_hz: 10}", "`low_hz < high_hz` must hold"),
        (
            "kind: wav-folder, path: ., rate_hz: 1000, front_end: {low_hz: 600}",
            "`low_hz` below half of 1,000 Hz",
        ),
        ("kind: fsdd, front_end: {low_hz: 4000, high_hz: 5000}", "`low_hz` below half of 8,000 Hz"),
        ("kind: speech-commands, front_end: {mel_bands: 256}", "of `mel_bands: 256` lie between .*; lower"),
        (
            "kind: fsdd, split: official, validation_speakers: 3",
            "`validation_speakers: 3` needs `split: speaker-disjoint`.*leave one of the two out",
        ),
    ],
)
def test_mistakes_in_the_section_have_their_place(tmp_path, text, message) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert "search.yaml:1:" in str(caught.value)
