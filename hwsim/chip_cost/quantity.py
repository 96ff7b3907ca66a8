"""Physical quantities as texts with a unit, such as `133 ns` or `12.5 nJ`, each with its source.

A number without a unit is refused: a chip description is read by people, and a factor of a thousand is easily lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, TypeAlias

from pydantic import model_validator

from hwsim.arguments import nearest, shown
from hwsim.spec import Spec

_PREFIXES: Final = {
    "a": 1e-18,
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}
_UNITS: Final = {
    "time": {f"{prefix}s": factor for prefix, factor in _PREFIXES.items() if factor <= 1},
    "energy": {f"{prefix}J": factor for prefix, factor in _PREFIXES.items() if factor <= 1},
    "power": {f"{prefix}W": factor for prefix, factor in _PREFIXES.items() if factor <= 1e3},
    "frequency": {f"{prefix}Hz": factor for prefix, factor in _PREFIXES.items() if factor >= 1},
    "area": {"um2": 1e-12, "µm2": 1e-12, "mm2": 1e-6, "cm2": 1e-4},
    "energy a bit": {f"{prefix}J/bit": factor for prefix, factor in _PREFIXES.items() if factor <= 1},
    "memory": {"bit": 1, "B": 8, "kB": 8e3, "MB": 8e6, "GB": 8e9, "KiB": 8 * 2**10, "MiB": 8 * 2**20},
}
"""Factors to SI units, and to bits, for each dimension."""

_EXAMPLES: Final = {
    "time": "133 ns",
    "energy": "33 pJ",
    "power": "24 mW",
    "frequency": "400 MHz",
    "area": "0.635 mm2",
    "energy a bit": "6.3 fJ/bit",
    "memory": "64 KiB",
}
_QUANTITY: Final = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\s\d].*?)?\s*")
_BOUNDS: Final = {
    "time": (0.0, 1.0, "s"),
    "energy": (0.0, 1e-3, "J"),
    "power": (0.0, 1e4, "W"),
    "frequency": (1.0, 1e13, "Hz"),
    "area": (0.0, 1e-1, "m2"),
    "energy a bit": (0.0, 1e-3, "J/bit"),
    "memory": (1.0, 1e15, "bit"),
}
"""Least and largest value and their unit: no chip is near them, and whole femtojoules and picoseconds hold the sums."""

Tag: TypeAlias = Literal["measured", "derived", "fitted", "assumed", "unverified"]
"""How well a constant is known.

`measured`: on silicon, by its source. `derived`: arithmetic on measured ones. `fitted`: fixed on published figures,
which it therefore does not predict. `assumed`: a choice that no source confirms. `unverified`: quoted, its source not
read.
"""


class Constant(Spec):
    """A quantity of a chip, with its source; a text alone is an assumed one."""

    dimension: ClassVar[str]

    value: str
    """Number and unit."""
    source: str = ""
    """Where it comes from: publication and place, or how it follows from others."""
    tag: Tag = "assumed"
    """`measured`, `derived`, `fitted`, `assumed` or `unverified`."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        values = given if isinstance(given, Mapping) else {"value": given}
        if "value" in values:
            parse_quantity(values["value"], cls.dimension)
        return values

    @property
    def si(self) -> float:
        """The value in SI units, or in bits."""
        return parse_quantity(self.value, self.dimension)


class Time(Constant):
    """A time, such as `133 ns`."""

    dimension = "time"


class Energy(Constant):
    """An energy, such as `33 pJ`."""

    dimension = "energy"


class Power(Constant):
    """A power, such as `24 mW`."""

    dimension = "power"


class Frequency(Constant):
    """A frequency, such as `400 MHz`."""

    dimension = "frequency"


class Area(Constant):
    """An area, such as `0.635 mm2`."""

    dimension = "area"


class EnergyPerBit(Constant):
    """An energy for each bit moved, such as `6.3 fJ/bit`."""

    dimension = "energy a bit"


class Memory(Constant):
    """An amount of memory, such as `64 KiB`."""

    dimension = "memory"


def parse_quantity(text: object, dimension: str) -> float:
    """Return a quantity in SI units, or in bits.

    Args:
        text: number and unit.
        dimension: `time`, `energy`, `power`, `frequency`, `area`, `energy a bit` or `memory`.

    Raises:
        ValueError: for a text without unit or with one of another dimension, and for a negative value.

    Example:
        >>> parse_quantity("133 ns", "time"), parse_quantity("64 KiB", "memory")
        (1.33e-07, 524288.0)
    """
    units = _UNITS[dimension]
    example = _EXAMPLES[dimension]
    found = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        if isinstance(text, int | float) and not isinstance(text, bool):
            raise ValueError(f"must have a unit, like `{example}`, got {shown(text)}")
        raise ValueError(f"must be a number with a unit, like `{example}`, got {shown(text)}")
    number, unit = float(found[1]), found[2]
    if unit is None:
        raise ValueError(f"must have a unit, like `{example}`, got {text!r}")
    if unit not in units:
        known = ", ".join(units)
        raise ValueError(f"must be in one of {known}, got {text!r}{nearest(unit, units)}")
    low, high, si = _BOUNDS[dimension]
    if not low <= number * units[unit] <= high:
        raise ValueError(f"must be from {low:g} to {high:g} {si}, got {text!r}")
    return number * units[unit]
