"""Quantities as people write them: counts such as `40 k` or `1.5 M`, shares such as `5 %` or `3 points`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from hwsim.chip_cost.quantity import parse_quantity

_NUMBER_AND_UNIT: Final = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z%]*)\s*$")
_COUNTS: Final[Mapping[str, int]] = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_SHARES: Final[Mapping[str, Decimal]] = {"": Decimal(1), "%": Decimal("0.01"), "points": Decimal("0.01")}


def parse_count(value: Any) -> Any:
    """Return the whole number of a text such as `40 k`; anything but text is left to the validator.

    Raises:
        ValueError: when the text is not a number with a known unit, or no whole number.

    >>> parse_count("1.5 M")
    1500000
    """
    if not isinstance(value, str):
        return value
    count = _in_units(value, _COUNTS)
    if count is None or count != int(count):
        raise ValueError(f"must be a whole number, or a text such as `40 k` (units: k, M, G), got {value!r}")
    return int(count)


def parse_share(value: Any) -> Any:
    """Return the fraction of a text such as `5 %` or `3 points`; anything but text is left to the validator.

    Raises:
        ValueError: when the text is not a number with a known unit.

    >>> parse_share("3 points")
    0.03
    """
    if not isinstance(value, str):
        return value
    share = _in_units(value, _SHARES)
    if share is None:
        raise ValueError(
            f"must be a fraction such as 0.03, or a text such as `3 points` or `3 %`, got {value!r}"
        )
    return float(share)


def _amount(value: Any, dimension: str, unit_si: float) -> Any:
    if not isinstance(value, str):
        return value
    number = _NUMBER_AND_UNIT.match(value)
    if number and not number[2]:
        return float(number[1])
    return float(f"{parse_quantity(value, dimension) / unit_si:.12g}")  # 0.2 ms are 200 µs


def _amounts(dimension: str, unit_si: float) -> Any:
    read = partial(_amount, dimension=dimension, unit_si=unit_si)
    return Annotated[float, Field(gt=0, le=1e15), BeforeValidator(read, json_schema_input_type=float | str)]


def _in_units(text: str, units: Mapping[str, int | Decimal]) -> Decimal | None:
    """Return the number of a text with its unit applied; None where it is no number or has another unit."""
    match = _NUMBER_AND_UNIT.match(text)
    factor = None if match is None else units.get(match[2])
    return None if match is None or factor is None else Decimal(match[1]) * factor


Count = Annotated[int, Field(ge=1), BeforeValidator(parse_count, json_schema_input_type=int | str)]
"""A whole number from 1, or a text such as `40 k`, `1.5 M`, `2 G`."""

Share = Annotated[float, Field(gt=0, le=1), BeforeValidator(parse_share, json_schema_input_type=float | str)]
"""A fraction above 0, at most 1, or a text such as `5 %` or `3 points`."""

Amounts: Final[Mapping[str, Any]] = {
    "µJ": _amounts("energy", 1e-6),
    "µs": _amounts("time", 1e-6),
    "mm²": _amounts("area", 1e-6),
}
"""Numbers in a metric's unit, or texts with a unit such as `0.05 mJ`, by that unit."""
