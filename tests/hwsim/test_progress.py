"""Progress on terminals, in logs and not at all, on a clock that the tests move."""

import io

import pytest
import torch
from torch import nn

import hwsim
from hwsim.progress import Progress


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _told(stream: io.StringIO, wanted: bool | None, seconds_a_part: float, total: int | None = 10) -> str:
    clock = Clock()
    with Progress("parts", total, wanted, stream, clock) as bar:
        for done in range(1, 11):
            clock.now_s += seconds_a_part
            bar.tick(done)
    return stream.getvalue()


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_what_is_short_is_not_reported_unless_asked_for(kind: type[io.StringIO]) -> None:
    assert _told(kind(), None, 0.29) == ""
    assert _told(kind(), False, 100.0) == ""
    assert "1 of 10" in _told(kind(), True, 0.29)


def test_a_log_has_a_line_now_and_then() -> None:
    lines = _told(io.StringIO(), None, 20.0).splitlines()
    assert lines[0] == "parts: 1 of 10, 20.0 s, 3 min 0 s left"
    assert [line.split()[1] for line in lines] == ["1", "3", "5", "7", "9"]
    assert not any("\r" in line for line in lines)


def test_a_terminal_has_one_line_that_disappears() -> None:
    told = _told(Terminal(), None, 2.0)
    assert "\n" not in told
    assert "[#####-------------------] 2 of 10, 4.0 s, 16.0 s left" in told
    states = told.split("\r")
    assert states[-1] == ""
    assert set(states[-2]) == {" "}
    assert len(states[-2]) >= len(states[-3].rstrip())


def test_parts_without_a_known_number_are_counted() -> None:
    assert _told(io.StringIO(), True, 40.0, total=None).splitlines()[-1] == "parts: 10, 6 min 40 s"


def test_an_evaluation_reports_on_the_error_stream_alone(capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.ones(4, 3)
    chips = hwsim.program(hwsim.to_analog(nn.Linear(3, 2), "floating-point"), 2)
    hwsim.evaluate(chips, [(x, torch.zeros(4).long())], 1)
    assert capsys.readouterr() == ("", "")
    hwsim.evaluate(chips, [(x, torch.zeros(4).long())], 1, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "batches read: 1" in err
    assert "1 of 2" in err
    list(hwsim.outputs(chips, x, 1, progress=True))
    assert "1 of 2" in capsys.readouterr().err
