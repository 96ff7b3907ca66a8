"""Observers by name."""

import pytest

from analognas.errors import UserError
from analognas.progress.observers import OBSERVERS, observer_named


@pytest.mark.parametrize("name", OBSERVERS)
def test_every_observer_opens_and_closes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with observer_named(name) as observer:
        observer.stage("searching")
    assert ("searching" in capsys.readouterr().err) == (name != "silent")


def test_without_a_name_a_terminal_gets_a_bar_and_anything_else_lines(monkeypatch) -> None:
    chosen = []
    monkeypatch.setattr(
        "analognas.progress.observers.OBSERVERS",
        {name: lambda name=name: chosen.append(name) for name in OBSERVERS},
    )
    for is_terminal, as_json in ((True, False), (True, True), (False, False)):
        monkeypatch.setattr("sys.stderr.isatty", lambda is_terminal=is_terminal: is_terminal)
        observer_named(None, as_json=as_json)
    assert chosen == ["live", "lines", "lines"]


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(UserError, match="unknown observer 'silence', did you mean `silent`") as told:
        observer_named("silence")
    assert told.value.on_command_line().startswith("--progress")
