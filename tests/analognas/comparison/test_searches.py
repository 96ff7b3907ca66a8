"""What stops a comparison before its next search."""

import json

import pytest

from analognas.comparison.searches import execute
from analognas.config.loader import dump_config
from analognas.errors import UserError
from analognas.progress.observer import Silent
from analognas.record.directory import create_run
from tests.analognas.comparison.builders import a_plan


def test_searches_on_other_data_are_not_compared(tmp_path) -> None:
    plan = a_plan(tmp_path / "out")
    later = plan.runs[2]
    create_run(later.path, dump_config(later.config), {"data_sha256": "0" * 64})
    with pytest.raises(UserError, match="the data have changed since this run began"):
        execute(plan, Silent())
    assert [path.name for path in plan.path.iterdir()] == ["surrogate-guided"]
    assert not plan.runs[0].path.exists()


def test_a_directory_that_cannot_be_written_is_told_in_a_line(tmp_path, monkeypatch) -> None:
    plan = a_plan(tmp_path / "out")
    monkeypatch.setattr("analognas.comparison.searches.write_atomically", _full)
    with pytest.raises(UserError) as error:
        execute(plan, Silent())
    assert str(error.value) == (
        f"{plan.record}: cannot be written: No space left on device; every finished trial is kept, make room and give "
        "the command again"
    )


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_is_known_is_written_before_the_first_search_begins(tmp_path, monkeypatch) -> None:
    plan = a_plan(tmp_path / "out")
    monkeypatch.setattr("analognas.comparison.searches.new_run", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        execute(plan, Silent())
    assert {run["note"] for run in json.loads(plan.record.read_text())["runs"]} == {"not begun"}
    assert plan.drawing.exists()


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
