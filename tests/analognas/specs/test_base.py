import pytest
from pydantic import TypeAdapter, ValidationError

from analognas.specs.base import Seconds

SECONDS: TypeAdapter[float] = TypeAdapter(Seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 s", 1),
        ("1s", 1),
        ("60", 60),
        (25, 25),
        ("2 min", 120),
        ("1 h", 3600),
        ("1 day", 86400),
        ("10 days", 864000),
        ("1d", 86400),
        ("1 month", 2592000),
        ("10 years", 315360000),
        ("1e3 s", 1000),
        ("0.5 hours", 1800),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert SECONDS.validate_python(text) == seconds


@pytest.mark.parametrize("text", ["", "day", "1 fortnight", "-1 s", "1 day ago", "nan", float("nan"), -1])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValidationError):
        SECONDS.validate_python(text)


@pytest.mark.parametrize("text", ["-1 s", "-2", "-1e3 days"])
def test_a_negative_duration_breaks_the_rule_that_it_is_told(text) -> None:
    with pytest.raises(ValidationError, match=rf"must be at least 0 s, got '{text}'"):
        SECONDS.validate_python(text)
