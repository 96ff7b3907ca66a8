"""Several observers as one: what fails in one of them reaches neither the run nor the others."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analognas.progress.audience import EVENTS, Audience
from analognas.progress.observer import RunEnd, RunStart
from analognas.progress.pace import Progress
from analognas.testing import made_up

ABOUT: dict[str, tuple[Any, ...]] = {
    "begin": (RunStart(Path("run"), {"name": "x"}, 4),),
    "stage": ("searching",),
    "progress": (Progress(1, 0, 4, 1, 0, 1, None, None),),
    "trial": (made_up.trial(1), 4, None),
    "result": (made_up.result(),),
    "end": (RunEnd("completed"),),
    "close": (),
}


def listener(heard: list[str]) -> SimpleNamespace:
    """Return an observer that notes what it is told of."""
    return SimpleNamespace(**{event: lambda *_, event=event: heard.append(event) for event in EVENTS})


def failing(event: str, error: BaseException, heard: list[str]) -> SimpleNamespace:
    """Return one that fails when it is told of one thing."""

    def fail(*_: object) -> None:
        raise error

    return SimpleNamespace(**{**vars(listener(heard)), event: fail})


@pytest.mark.parametrize("event", EVENTS)
def test_one_that_fails_is_reported_once_and_told_nothing_more(event: str, capsys) -> None:
    broken, sound = [], []
    told = Audience([("theirs", failing(event, KeyError("x"), broken)), ("mine", listener(sound))])
    for _ in range(2):
        for name in EVENTS[:-1]:
            getattr(told, name)(*ABOUT[name])
    told.close()
    assert sound == [*EVENTS[:-1], *EVENTS]
    assert broken == list(EVENTS[: EVENTS.index(event)]) + ([*EVENTS[:-1]] if event == "close" else [])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"observer failed: theirs.{event} (test_audience.py:")
    assert "KeyError: 'x'" in line


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_is_no_exception_leaves(error: BaseException) -> None:
    told = Audience([("theirs", failing("trial", error, []))])
    with pytest.raises(type(error)):
        told.trial(*ABOUT["trial"])


@pytest.mark.parametrize(
    ("method", "what"),
    [
        (lambda: None, "TypeError"),  # it takes no argument
        (lambda name: name + 1, "TypeError"),
        (lambda name: [][1], "IndexError"),
    ],
)
def test_a_wrong_signature_is_a_failure_as_well(method: Callable[..., object], what: str, capsys) -> None:
    Audience([("theirs", SimpleNamespace(stage=method))]).stage("searching")
    assert what in capsys.readouterr().err


def test_an_error_of_many_lines_and_escapes_is_one_line(capsys) -> None:
    error = RuntimeError("first\nsecond \x1b[2J" + 1000 * "x")
    Audience([("theirs", failing("stage", error, []))]).stage("searching")
    (line,) = capsys.readouterr().err.splitlines()
    assert "first second" in line
    assert "\x1b" not in line
    assert len(line) < 450


def test_nobody_need_read_the_error_stream(monkeypatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("analognas.progress.audience.tell", gone)
    heard: list[str] = []
    told = Audience([("theirs", failing("stage", OSError(), [])), ("mine", listener(heard))])
    told.stage("searching")
    assert heard == ["stage"]


def test_two_that_are_equal_are_two() -> None:
    heard: list[str] = []
    told = Audience([("mine", listener(heard)), ("mine", listener(heard))])
    told.stage("searching")
    told.close()
    told.close()  # nobody is left
    assert heard == ["stage", "stage", "close", "close"]
