import os
import re
from pathlib import Path

import pytest

from analognas.errors import UserError
from analognas.record.directory import create_run, ensure_unused, holds_run, open_run, write_atomically
from analognas.record.validation import FinalResult, ValidatedNetwork


def test_a_run_appears_whole(tmp_path) -> None:
    run = create_run(tmp_path / "a" / "run", "name: x\n", {"python": "3"})
    assert run.config.read_text() == "name: x\n"
    assert run.read_environment() == {"python": "3"}
    assert run.trials() == []
    assert run.final_result() is None
    assert open_run(run.path) == run
    assert sorted(path.name for path in run.path.parent.iterdir()) == ["run"]


def test_an_empty_directory_may_be_used(tmp_path) -> None:
    (tmp_path / "run").mkdir()
    assert create_run(tmp_path / "run", "", {}).journal.exists()


def test_a_directory_in_use_is_left_alone(tmp_path) -> None:
    run = create_run(tmp_path / "run", "", {})
    with pytest.raises(UserError, match="analognas resume"):
        create_run(run.path, "other", {})
    assert run.config.read_text() == ""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="in use; choose another"):
        ensure_unused(tmp_path / "other")
    with pytest.raises(UserError, match="is a file"):
        ensure_unused(tmp_path / "other" / "thesis.tex")
    with pytest.raises(UserError, match="not a directory"):
        ensure_unused(tmp_path / "other" / "thesis.tex" / "run")


@pytest.mark.parametrize("name", ["", ".", "../here"])
def test_a_run_is_not_made_where_one_stands(tmp_path, monkeypatch, name: str) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UserError, match="must not be the one you are in"):
        create_run(Path(name), "", {})
    assert not any(tmp_path.glob("**/*.*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_one_may_not_write_to_is_refused(tmp_path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="not a directory one can write to"):
        ensure_unused(tmp_path / "run")


def test_what_is_no_run(tmp_path) -> None:
    with pytest.raises(UserError, match="no such directory"):
        open_run(tmp_path / "absent")
    with pytest.raises(UserError, match=r"not a run directory, it has no config\.yaml and no trials\.jsonl"):
        open_run(tmp_path)


@pytest.mark.parametrize("name", ["config.yaml", "trials.jsonl"])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_in_the_place_of_a_record_is_not_called_missing(tmp_path, name, make) -> None:
    run = create_run(tmp_path / "run", "seed: 1\n", {})
    (run.path / name).unlink()
    make(run.path / name)
    with pytest.raises(UserError, match=f"run: its {name} is no plain file; "):
        open_run(run.path)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("config.yaml", "put the configuration that the search began with there"),
        ("trials.jsonl", "restore it from a copy, or make an empty one to search from the beginning"),
    ],
)
def test_half_a_record_says_what_is_missing_and_what_helps(tmp_path, name, remedy) -> None:
    run = create_run(tmp_path / "run", "seed: 1\n", {})
    (run.path / name).unlink()
    assert not holds_run(run.path)
    with pytest.raises(UserError, match=re.escape(f"its {name} is missing; {remedy}")):
        open_run(run.path)
    with pytest.raises(UserError, match="in use; ") as caught:
        ensure_unused(run.path)
    assert "analognas resume" not in str(caught.value)


def test_an_atomic_write_keeps_the_old_file_when_it_fails(tmp_path, monkeypatch) -> None:
    path = tmp_path / "summary.csv"
    write_atomically(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("analognas.record.directory.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["summary.csv"]


def test_a_damaged_result_is_named(tmp_path) -> None:
    run = create_run(tmp_path / "run", "", {})
    run.best.mkdir()
    run.metrics.write_text('{"trial": 1}')
    with pytest.raises(UserError, match="not a final result"):
        run.final_result()


def test_a_result_that_names_a_missing_trial_is_refused(tmp_path) -> None:
    run = create_run(tmp_path / "run", "", {})
    network = ValidatedNetwork("best", {}, {}, {}, {}, {})
    with pytest.raises(UserError, match="has no trial 3"):
        run.trial_of(FinalResult(3, network, (), {}))
    run.metrics.mkdir(parents=True)
    with pytest.raises(UserError, match="Is a directory"):
        run.final_result()
