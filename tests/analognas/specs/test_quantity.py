"""Bounds with units."""

import pytest
from pydantic import TypeAdapter, ValidationError

from analognas.specs.quantity import Count, Share

COUNT: TypeAdapter[int] = TypeAdapter(Count)
SHARE: TypeAdapter[float] = TypeAdapter(Share)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (40000, 40_000),
        ("40 k", 40_000),
        ("40k", 40_000),
        ("1.5 M", 1_500_000),
        ("2 G", 2_000_000_000),
        ("8192", 8192),
        ("0.001 k", 1),
        ("1.1 M", 1_100_000),
    ],
)
def test_counts(text: object, count: int) -> None:
    assert COUNT.validate_python(text) == count


@pytest.mark.parametrize("text", ["", "k", "40 K", "40 %", "40 m", "1.0005 k", "-1 k", "many", "0 k", 0, 1.5])
def test_what_is_no_count(text: object) -> None:
    with pytest.raises(ValidationError):
        COUNT.validate_python(text)


@pytest.mark.parametrize(
    ("text", "share"),
    [(0.03, 0.03), ("3 points", 0.03), ("3%", 0.03), ("0.5 %", 0.005), ("0.03", 0.03), ("100 %", 1.0)],
)
def test_shares(text: object, share: float) -> None:
    assert SHARE.validate_python(text) == share


@pytest.mark.parametrize("text", ["", "%", "3 k", "101 %", "0 %", "-3 points", 3, 0.0, "three points"])
def test_what_is_no_share(text: object) -> None:
    with pytest.raises(ValidationError):
        SHARE.validate_python(text)
