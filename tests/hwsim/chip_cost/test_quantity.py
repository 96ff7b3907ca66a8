"""Quantities with units."""

import pytest

from hwsim.chip_cost.quantity import Energy, Time, parse_quantity


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("133 ns", "time", 133e-9),
        ("12.5nJ", "energy", 12.5e-9),
        ("5 µW", "power", 5e-6),
        ("5 uW", "power", 5e-6),
        ("400 MHz", "frequency", 4e8),
        ("0.635 mm2", "area", 0.635e-6),
        ("6.3 fJ/bit", "energy a bit", 6.3e-15),
        ("64 KiB", "memory", 64 * 8192),
        ("1e-6 J", "energy", 1e-6),
        ("0 s", "time", 0.0),
    ],
)
def test_units(text: str, dimension: str, value: float) -> None:
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "dimension", "words"),
    [
        (133, "time", "must have a unit, like `133 ns`, got 133"),
        ("133", "time", "must have a unit"),
        ("133 nW", "time", "must be in one of .*got '133 nW'"),
        ("-1 ns", "time", "must be from 0 to 1 s, got '-1 ns'"),
        ("fast", "time", "a number with a unit"),
        (None, "energy", "a number with a unit"),
        (True, "energy", "a number with a unit"),
        ("1 MJ", "energy", "must be in one of"),
        ("1e400 J", "energy", "must be from 0"),
        ("3 fJ", "energy a bit", "fJ/bit"),
    ],
)
def test_what_is_no_quantity(text: object, dimension: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_quantity(text, dimension)


def test_a_constant_has_its_source_or_is_assumed() -> None:
    assert Energy.model_validate("33 pJ") == Energy(value="33 pJ", tag="assumed")
    known = Time.model_validate({"value": "1 ns", "source": "JSSC 2022", "tag": "measured"})
    assert known.si == 1e-9
    assert Time.model_validate(known.model_dump()) == known
