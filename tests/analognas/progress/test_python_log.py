"""A run in Python's logging."""

import logging
from pathlib import Path

import pytest

from analognas.errors import UserError
from analognas.progress.observer import RunEnd, RunStart
from analognas.progress.observers import opened
from analognas.progress.python_log import LOGGER
from analognas.testing import made_up


def tell(observer) -> None:
    observer.begin(RunStart(Path("run"), {}, 2))
    observer.trial(made_up.trial(1, failed=True), 2, None)
    observer.trial(made_up.trial(2), 2, made_up.trial(2))
    observer.result(made_up.result())
    observer.end(RunEnd("failed", "disk full"))


def test_records_have_levels_and_figures(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER), opened("logging") as observer:
        tell(observer)
    assert {record.name for record in caplog.records} == {"analognas"}
    levels = [record.levelname for record in caplog.records]
    assert levels == ["INFO", "WARNING", "INFO", "INFO", "INFO", "ERROR"]
    assert "trial 2 of 2" in caplog.messages[2]
    assert "best, test split: accuracy_1d" in caplog.messages[3]
    assert caplog.messages[-1] == "failed: disk full"


def test_a_file_gets_dated_lines_and_logging_is_left_as_it_was(tmp_path: Path) -> None:
    log = logging.getLogger(LOGGER)
    before = (log.level, list(log.handlers))
    for _ in range(2):
        with opened(f"logging(file={tmp_path / 'run.log'})") as observer:
            tell(observer)
    lines = (tmp_path / "run.log").read_text().splitlines()
    assert len(lines) == 12  # a run that goes on appends
    assert all(line.startswith("20") and " analognas: " in line for line in lines)
    assert (log.level, list(log.handlers)) == before


def test_where_the_program_has_no_handler_the_error_stream_is_written_to(monkeypatch, capsys) -> None:
    monkeypatch.setattr(logging.getLogger(LOGGER), "propagate", False)
    with opened("logging") as observer:
        observer.stage("searching")
    assert capsys.readouterr().err.endswith("INFO analognas: searching\n")
    assert not logging.getLogger(LOGGER).handlers


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file or directory"):
        opened(f"logging(file={tmp_path / 'no' / 'run.log'})")
