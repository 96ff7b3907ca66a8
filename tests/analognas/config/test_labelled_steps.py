"""Sections that do not go together where every step has a label, or where none has."""

from __future__ import annotations

from pathlib import Path

import pytest

from analognas.compose import compose
from analognas.errors import MisfitError, UserError
from tests.analognas.parse import parse_config

TEXT = (
    "task: {kind: char-lm, path: book.txt, length: 16}\nspace: {kind: sequence, types: L}\nreferences: []\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "book.txt").write_text("the quick brown fox jumps over it\n" * 60, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: {kind: digits}\nobjective: bits_1d\n", "`bits_1d` needs a task with a label at every step"),
        (
            "task: {kind: digits}\nfurther_objectives: [digital_bits]\nsearch: {strategy: {kind: nsga2}}\n",
            "`digital_bits` needs a task with a label at every step",
        ),
        (
            TEXT.replace("kind: sequence, types: L", "kind: staged"),
            "networks of `staged` have one label for an input",
        ),
        (
            TEXT.replace("references: []", "references: [resnet8]"),
            "resnet8 has one label for an input, book has",
        ),
        (TEXT + "hardware: {tile: {recurrent: joined}}\n", "`tile.recurrent` must be separate"),
        (TEXT + "training: {in_memory: {algorithm: agad, device: ecram}}\n", "leave `in_memory` out"),
    ],
)
def test_what_does_not_go_together_is_named(folder: Path, text: str, message: str) -> None:
    with pytest.raises(MisfitError, match=message):
        compose(parse_config(text, folder))


def test_a_text_is_not_augmented(folder: Path) -> None:
    with pytest.raises(UserError, match="has symbols; leave it out"):
        parse_config(TEXT + "training: {augmentation: {flip: true}}\n", folder)


def test_rows_are_no_sequence(tmp_path: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", x=rng.random((60, 8)), y=np.arange(60) % 3)
    text = "task: {kind: arrays, path: rows.npz, input_shape: [1, 1, 8]}\nspace: {kind: sequence}\n"
    with pytest.raises(MisfitError, match="a sequence must have more than one frame"):
        compose(parse_config(text, tmp_path))


def test_a_text_composes(folder: Path) -> None:
    composition = compose(parse_config(TEXT + "objective: bits_1d\n", folder))
    try:
        assert composition.problem.objective.sign == -1
    finally:
        composition.site.close()
