"""The task of a text."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from analognas.errors import UserError
from analognas.tasks.assemble import Limits
from analognas.tasks.characters import load_text
from analognas.testing import BrokenTaskError, check_task
from tests.analognas.parse import parse_config

TEXT = "".join(f"line {number} of a text, no two alike: {number * 7919 % 1009}\n" for number in range(400))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "book.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path / "book.txt"


def test_the_task_keeps_its_contract(path: Path) -> None:
    check_task(lambda: load_text(path, length=20))


def test_targets_are_the_characters_that_follow(path: Path) -> None:
    task = load_text(path, length=20)
    assert task.name == "book"
    assert task.every_step
    assert task.input_shape == (1, 1, 20)
    assert task.n_classes == len(set(TEXT))
    symbols = sorted(set(TEXT))
    text = "".join(symbols[code] for code in task.train.x.flatten().tolist())
    after = "".join(symbols[code] for code in task.train.y.flatten().tolist())
    assert TEXT.startswith(text)
    assert after == TEXT[1 : len(text) + 1]


def test_parts_follow_each_other_and_share_nothing(path: Path) -> None:
    task = load_text(path, length=20, fractions=(0.5, 0.25, 0.25))
    symbols = sorted(set(TEXT))
    for split, share in ((task.validation, 0.5), (task.test, 0.75)):
        text = "".join(symbols[code] for code in split.x.flatten().tolist())
        assert TEXT[round(share * len(TEXT)) :].startswith(text)


def test_symbols_are_not_standardised(path: Path) -> None:
    task = load_text(path, length=20)
    assert torch.equal(task.standardise(task.test.x), task.test.x.float())


def test_spaces_have_names_that_show(path: Path) -> None:
    assert load_text(path).class_names[:3] == ("U+000A", "U+0020", ",")


def test_characters_that_training_hardly_sees_are_told(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(TEXT + "é" * 3, encoding="utf-8")
    (note,) = load_text(tmp_path / "book.txt", length=20).notes
    assert note.endswith("characters are seen fewer than 10 times in training: é")


def test_a_file_with_zero_bytes_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(TEXT[:50] + "\0" + TEXT, encoding="utf-8")
    with pytest.raises(UserError, match=r"not a text, it has the character U\+0000 at place 50"):
        load_text(tmp_path / "book.txt")


def test_limits_spread_over_a_part_and_are_told(path: Path) -> None:
    whole, few = load_text(path, length=20), load_text(path, length=20, limits=Limits(train=10))
    assert len(few.train) == 10
    assert torch.equal(few.train.x, whole.train.x[torch.arange(10) * len(whole.train) // 10])
    assert torch.equal(few.test.x, whole.test.x)
    assert few.notes == (f"10 of {len(whole.train):,} training windows, evenly spread",)


def test_many_symbols_stay_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("".join(chr(0x4E00 + code) for code in range(400)) * 6, encoding="utf-8")
    task = load_text(path, length=10)
    assert task.n_classes == 400
    assert task.train.x.dtype == torch.float32
    assert int(task.train.x.max()) == 399


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "not a text in UTF-8"),
        (b"aaaa", "needs at least 2 different characters, got 1"),
        (
            b"abcd" * 60,
            "the validation part must have at least 2 windows of 100 characters, got 12 characters: lower",
        ),
    ],
)
def test_what_is_no_text_or_too_short_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_text(path)


def test_a_label_outside_the_symbols_is_found(path: Path) -> None:
    def load() -> object:
        task = load_text(path, length=20)
        task.test.y[0, 0] = task.n_classes
        return task

    with pytest.raises(BrokenTaskError, match="symbols and labels of `test` must be whole numbers from 0 to"):
        check_task(load)  # type: ignore[arg-type]


def test_it_is_read_from_a_configuration(path: Path) -> None:
    config = parse_config("task: {kind: char-lm, path: book.txt, length: 16, max_train: 5}\n", path.parent)
    assert len(config.task.build().train) == 5
