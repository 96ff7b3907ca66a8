import itertools
import zipfile
from pathlib import Path

import numpy as np
import pytest

from analognas.errors import UserError
from analognas.tasks.arrays import load_arrays

RNG = np.random.default_rng(0)


def write(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def labels(n: int, classes: int = 3) -> np.ndarray:
    return np.arange(n) % classes


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((30, 8, 6), {}, (1, 8, 6)),
        ((30, 3, 8, 6), {}, (3, 8, 6)),
        ((30, 8, 6, 3), {}, (3, 8, 6)),
        ((30, 8, 6, 7), {"layout": "channels-last"}, (7, 8, 6)),
        ((30, 8, 6, 7), {"layout": "channels-first"}, (8, 6, 7)),
        ((30, 8, 6, 7), {"input_shape": (7, 8, 6)}, (7, 8, 6)),
        ((30, 48), {"input_shape": (1, 8, 6)}, (1, 8, 6)),
    ],
)
def test_every_layout_becomes_channels_first(tmp_path, shape, options, expected) -> None:
    x = RNG.normal(size=shape)
    task = load_arrays(write(tmp_path / "my.npz", x=x, y=labels(30)), **options)
    assert task.input_shape == expected
    assert len(task.train) + len(task.validation) + len(task.test) == 30


def test_channels_last_keeps_every_pixel_in_its_place(tmp_path) -> None:
    x = np.arange(30 * 4 * 5 * 3, dtype=np.float32).reshape(30, 4, 5, 3)
    task = load_arrays(
        write(tmp_path / "my.npz", x_train=x, y_train=labels(30), x_test=x, y_test=labels(30)),
    )
    np.testing.assert_array_equal(task.test.x.numpy(), x.transpose(0, 3, 1, 2))


def test_splits_are_disjoint_stratified_and_fixed(tmp_path) -> None:
    x = np.arange(300, dtype=np.float32).reshape(300, 1, 1)
    path = write(tmp_path / "my.npz", x=x, y=labels(300))
    task = load_arrays(path)
    parts = [split.x.flatten().tolist() for split in (task.train, task.validation, task.test)]
    assert [len(part) for part in parts] == [180, 60, 60]
    assert sorted(itertools.chain(*parts)) == x.flatten().tolist()
    for split, share in ((task.train, 60), (task.validation, 20), (task.test, 20)):
        assert np.bincount(split.y.numpy()).tolist() == [share] * 3
    assert load_arrays(path).fingerprint == task.fingerprint
    assert load_arrays(path, split_seed=1).fingerprint != task.fingerprint


def test_validation_comes_out_of_training_unless_it_is_given(tmp_path) -> None:
    x = RNG.normal(size=(80, 1, 4, 4))
    y = labels(80)
    task = load_arrays(write(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x[:6], y_test=y[:6]))
    assert (len(task.train), len(task.validation), len(task.test)) == (60, 20, 6)
    given = load_arrays(
        write(tmp_path / "b.npz", x_train=x, y_train=y, x_val=x[:9], y_val=y[:9], x_test=x[:6], y_test=y[:6])
    )
    assert (len(given.train), len(given.validation)) == (80, 9)


@pytest.mark.parametrize(
    "y",
    [
        np.array(["cat", "dog", "emu"])[labels(30)],
        labels(30) * 10 + 5,
        labels(30).astype(np.float64),
        labels(30) > 0,
    ],
)
def test_any_labels_become_indices(tmp_path, y) -> None:
    task = load_arrays(write(tmp_path / "my.npz", x=RNG.normal(size=(30, 4, 4)), y=y))
    values = np.unique(y)
    assert task.n_classes == len(values)
    names = [str(value) for value in values] if y.dtype.kind != "f" else ["0", "1", "2"]
    assert list(task.class_names) == names
    assert sorted(set(task.train.y.tolist())) == list(range(len(values)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((9, 4, 4))}, "needs the array `y`, holds `x`"),
        ({"y": labels(9)}, "needs the array `x`"),
        ({}, "holds nothing"),
        ({"x_train": np.zeros((9, 4, 4)), "y_train": labels(9)}, "needs the array `x_test`"),
        ({"x": np.zeros((9, 4, 4)), "y": labels(8)}, "equal lengths, got 9 and 8"),
        ({"x": np.zeros((9, 16)), "y": labels(9)}, "rows of 16 features"),
        ({"x": np.zeros((9, 4, 4, 4)), "y": labels(9)}, "cannot tell where the channels"),
        ({"x": np.zeros((9, 4, 4, 4, 4)), "y": labels(9)}, "dimensions, got shape"),
        ({"x": np.full((9, 4, 4), np.nan), "y": labels(9)}, "9 items are not"),
        ({"x": np.array(3.0), "y": labels(9)}, "a single value"),
        ({"x": np.full((9, 4, 4), 1e300), "y": labels(9)}, "float32"),
        ({"x": np.zeros((9, 4, 4), dtype="U3"), "y": labels(9)}, "`x` must hold numbers"),
        ({"x": np.zeros((0, 4, 4)), "y": labels(0)}, "is empty"),
        ({"x": np.zeros((9, 4, 4)), "y": np.zeros(9, dtype=int)}, "at least 2 classes, the labels hold 1"),
        ({"x": np.zeros((9, 4, 4)), "y": np.linspace(0, 1, 9)}, "got 0.125 at item 1; .* a regression"),
        ({"x": np.zeros((9, 4, 4)), "y": np.eye(9)}, "one integer or text an item"),
        (
            {"x": np.zeros((9, 4, 4)), "y": labels(9) - 1},
            "got -1 at item 0",
        ),
        (
            {"x": np.zeros((9, 4, 4)), "y": 2.0 - labels(9, 4)},
            "got -1 at item 3; leave out",
        ),
        ({"x": np.zeros((5, 4, 4)), "y": np.array([0, 0, 0, 0, 9])}, "class 9 has 1; add items"),
        (
            {
                "x_train": np.zeros((8, 4, 4)),
                "y_train": labels(8, 2),
                "x_test": np.zeros((6, 4, 4)),
                "y_test": labels(6),
            },
            "the training split lacks 2",
        ),
        (
            {
                "x_train": np.zeros((9, 4, 4)),
                "y_train": np.array(["cat", "dog", "emu"])[labels(9)],
                "x_test": np.zeros((6, 4, 4)),
                "y_test": np.array(["cat", "dog"])[labels(6, 2)],
            },
            "the test split lacks emu",
        ),
        (
            {
                **{f"x_{part}": np.zeros((9, 4, 4)) for part in ("train", "val", "test")},
                **{f"y_{part}": labels(9) for part in ("train", "test")},
                "y_val": labels(9, 2),
            },
            "the validation split lacks 2",
        ),
        (
            {
                **{f"x_{part}": np.zeros((9, 4, 4)) for part in ("train", "test")},
                **{f"y_{part}": labels(9) for part in ("train", "val", "test")},
            },
            "needs the array `x_val`",
        ),
        (
            {
                "x_train": np.zeros((9, 4, 4)),
                "y_train": labels(9),
                "x_test": np.zeros((6, 5, 4)),
                "y_test": labels(6),
            },
            "one shape",
        ),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, arrays, message) -> None:
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        load_arrays(write(tmp_path / "my.npz", **arrays))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an .npz file"),
        (b"PK\x03\x04 broken", "not an .npz file"),
        (b"x,y\n1,2\n", "not an .npz file"),
    ],
)
def test_files_that_are_no_arrays(tmp_path, content, message) -> None:
    path = tmp_path / "my.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_arrays(path)


def test_objects_are_refused_and_never_unpickled(tmp_path) -> None:
    path = tmp_path / "my.npz"
    np.savez(path, x=np.array([{}] * 9, dtype=object), y=labels(9))
    with pytest.raises(UserError, match="arrays of objects are not read"):
        load_arrays(path)


def test_a_header_that_promises_more_than_the_file_holds_is_damage(tmp_path) -> None:
    path = write(tmp_path / "my.npz", x=RNG.normal(size=(30, 4, 4)), y=labels(30))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content.replace(b"(30, 4, 4)", b"(99, 4, 4)"))
    with pytest.raises(UserError, match=r"not a readable .npz file"):
        load_arrays(path)


def test_a_single_array_is_no_archive(tmp_path) -> None:
    path = tmp_path / "my.npy"
    np.save(path, np.zeros(3))
    with pytest.raises(UserError, match=r"not an .npz file"):
        load_arrays(path)


def test_data_both_split_and_whole_are_refused(tmp_path) -> None:
    split = {name: np.zeros((9, 4, 4)) for name in ("x_train", "x_test", "x")}
    path = write(tmp_path / "my.npz", **split, y_train=labels(9), y_test=labels(9))
    with pytest.raises(UserError, match="holds both `x`, `y` and `x_train`, `x_test`"):
        load_arrays(path)


def test_input_shape_must_match(tmp_path) -> None:
    path = write(tmp_path / "my.npz", x=np.zeros((9, 16)), y=labels(9))
    with pytest.raises(UserError, match="has 15 values, a row of `x` has 16"):
        load_arrays(path, input_shape=(1, 3, 5))
    path = write(tmp_path / "images.npz", x=np.zeros((9, 4, 4)), y=labels(9))
    with pytest.raises(UserError, match="`input_shape` is"):
        load_arrays(path, input_shape=(1, 2, 8))
