"""Trials in a CSV file."""

import csv
import json
import os
from pathlib import Path

import pytest

from analognas.errors import UserError
from analognas.progress.csv_table import COLUMNS, CsvObserver, CsvSpec
from analognas.progress.observer import RunStart
from analognas.record.trial import Trial
from analognas.testing import made_up

TRIALS = [made_up.trial(1, failed=True), made_up.trial(2, text='a "b",\nc'), made_up.trial(3)]


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file, which is one line each."""
    text = path.read_text(encoding="utf-8")
    found = list(csv.DictReader(text.splitlines()))
    assert len(text.splitlines()) == len(found) + 1
    assert text.splitlines()[0] == ",".join(COLUMNS)
    return found


def start(folder: Path, earlier: list[Trial]) -> RunStart:
    folder.mkdir(exist_ok=True)
    return RunStart(folder, {}, 3, [(trial, TRIALS[1] if trial.number > 1 else None) for trial in earlier])


def test_a_row_has_what_the_trial_has(tmp_path: Path) -> None:
    observer = CsvObserver()
    observer.begin(start(tmp_path, []))
    observer.trial(TRIALS[0], 3, None)
    observer.trial(TRIALS[1], 3, TRIALS[1])
    failed, completed = rows(tmp_path / "trials.csv")
    assert (failed["status"], failed["accuracy_1d"], failed["best_trial"]) == ("failed", "", "")
    assert failed["failure"] == "made-up"
    assert float(completed["accuracy_1d"]) == TRIALS[1].metrics["accuracy_1d"]
    assert (completed["best_trial"], completed["origin"]) == ("2", 'a "b", c')
    assert json.loads(completed["architecture"]) == TRIALS[1].architecture


@pytest.mark.parametrize("kept", ["", "a row without its e"])
def test_a_run_that_goes_on_appends_what_is_missing(tmp_path: Path, kept: str) -> None:
    first = CsvObserver()
    first.begin(start(tmp_path, []))
    first.trial(TRIALS[0], 3, None)
    with (tmp_path / "trials.csv").open("a") as file:
        file.write(kept)
    again = CsvObserver()
    again.begin(start(tmp_path, TRIALS[:2]))
    again.trial(TRIALS[2], 3, TRIALS[1])
    assert [row["trial"] for row in rows(tmp_path / "trials.csv")] == ["1", "2", "3"]


def test_a_run_that_was_moved_knows_its_own_file(tmp_path: Path) -> None:
    before = CsvObserver()
    before.begin(start(tmp_path / "here", TRIALS))
    (tmp_path / "here").rename(tmp_path / "there")
    CsvObserver().begin(start(tmp_path / "there", TRIALS))
    assert len(rows(tmp_path / "there" / "trials.csv")) == 3


def test_several_runs_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    observer = CsvObserver(path)
    for name in ("a", "b", "a"):
        observer.begin(start(tmp_path / name, TRIALS[:2]))
    found = [(Path(row["run"]).name, row["trial"]) for row in rows(path)]
    assert found == [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]


@pytest.mark.parametrize("content", ["number,trial\n1,2\n", "run,trial\n", "\0"])
def test_another_file_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(content)
    with pytest.raises(UserError, match="is no table of trials"):
        CsvSpec(path=path).build()
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing/a.csv", "there is no folder .*missing"),
        ("folder", "must be a file"),
        ("x" * 300, "cannot be used: File name too long"),
    ],
)
def test_a_path_that_cannot_be_written_is_told_before_the_search(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=message):
        CsvSpec(path=tmp_path / name).build()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written"):
        CsvSpec(path=tmp_path / "a.csv").build()
