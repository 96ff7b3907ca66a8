"""`analognas init --path`: data are looked at, a trial is timed, and the written file is a search that fits."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from analognas.config.loader import load_config
from analognas.evaluation.timed_trial import TrialTime
from analognas.runs import search_time
from tests.analognas.cli.command_line import invoke


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    found = load_digits()
    np.savez(tmp_path / "digits.npz", x=found.data[:200].astype(np.float32), y=found.target[:200])
    return tmp_path / "digits.npz"


def test_the_written_search_fits_the_data_and_the_time(digits: Path, tmp_path: Path) -> None:
    file = tmp_path / "search.yaml"
    done = invoke("init", file, "--task", "arrays", "--path", digits, "--minutes", "600")
    assert done.exit_code == 0, done.output
    text = file.read_text()
    assert "# 120 inputs train, 40 validate, 40 test: 10 classes, 1 x 8 x 8" in text
    config, _ = load_config(file)
    assert config.task.path == digits  # type: ignore[attr-defined]
    assert config.space.kind == "staged"
    assert config.search.minutes == 600
    assert config.references == ("resnet8",)
    assert (config.training.digital.epochs, config.training.digital.updates) == (
        60,
        3000,
    )  # the longest there are
    assert config.final.seeds == 2
    planned = invoke("search", file, "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert "energy_uj" in planned.output


def test_images_are_moved_and_rows_of_features_are_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape, crop in (("images", (24, 24), 3), ("small", (8, 8), 0), ("rows", (30,), 0)):
        np.savez(tmp_path / f"{name}.npz", x=rng.random((120, *shape), np.float32), y=np.arange(120) % 3)
        file = tmp_path / f"{name}.yaml"
        done = invoke(
            "init", file, "--task", "arrays", "--path", tmp_path / f"{name}.npz", "--minutes", "600"
        )
        assert done.exit_code == 0, done.output
        assert load_config(file)[0].training.augmentation.crop == crop


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--minutes", "0.001"], "--minutes must be at least"),
        (["--minutes", "0"], "--minutes must be more than 0 and finite, got 0"),
        (["--minutes", "inf"], "--minutes must be more than 0 and finite, got inf"),
        (["--task", "digits"], "data of your own have `--task`"),
    ],
)
def test_what_cannot_be_written(digits: Path, tmp_path: Path, more: list[str], message: str) -> None:
    file = tmp_path / "search.yaml"
    done = invoke("init", file, "--task", "arrays", "--path", digits, *more)
    assert done.exit_code == 2
    assert message in done.output
    assert not file.exists()


def test_minutes_need_data(tmp_path: Path) -> None:
    done = invoke("init", tmp_path / "search.yaml", "--minutes", "5")
    assert done.exit_code == 2
    assert "--minutes needs --path" in done.output


def test_a_text_gets_a_search_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "my book.txt").write_text("".join(f"{n} and {n * n % 97}\n" for n in range(2000)), "utf-8")
    file = tmp_path / "search.yaml"
    done = invoke("init", file, "--task", "char-lm", "--path", tmp_path / "my book.txt", "--minutes", "60000")
    assert done.exit_code == 0, done.output
    config, _ = load_config(file)
    assert (config.task.kind, config.space.kind, config.objective) == ("char-lm", "sequence", "bits_1d")
    assert config.references == ()
    assert config.training.digital.epochs == 60  # the longest there are
    assert "windows of 64 characters train" in file.read_text()
    (tmp_path / "empty.txt").write_text("")
    done = invoke("init", tmp_path / "b.yaml", "--task", "char-lm", "--path", tmp_path / "empty.txt")
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert not (tmp_path / "b.yaml").exists()


def test_a_search_expects_the_time_that_was_planned(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = TrialTime(0.1, 0.01, 0.02, 0.1, 0.001, 0.01, 0.01, 0.001)
    monkeypatch.setattr(search_time, "time_trial", lambda *_: times)
    file = tmp_path / "search.yaml"
    assert invoke("init", file, "--task", "arrays", "--path", digits, "--minutes", "20").exit_code == 0
    (planned,) = re.findall(r"the search takes (about .*) of 20 min", file.read_text())
    told = invoke("search", file, "--dry-run").output
    assert re.search(f"expected_time +{re.escape(planned)}: ", told), (planned, told)
