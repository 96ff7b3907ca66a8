"""What all specifications of hardware are: frozen, strict, and within the bounds of the simulation's arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hwsim.durations import parse_duration


class Spec(BaseModel):
    """A frozen specification that rejects unknown keys, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, values: Any) -> Any:
        """Refuse `true`: no value here is a switch, and Python would take it for 1."""
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if isinstance(value, bool) and name in cls.model_fields:
                raise ValueError(f"`{name}` must not be {str(value).lower()}")
        return values


# No chip is near these bounds: beyond them the arithmetic of the simulation overflows or divides by zero.
Noise: TypeAlias = Annotated[float, Field(ge=0, le=100)]
Scale: TypeAlias = Annotated[float, Field(ge=0, le=100)]
Conductance: TypeAlias = Annotated[float, Field(ge=1e-3, le=1e6)]
Coefficient: TypeAlias = Annotated[float, Field(ge=-1e4, le=1e4)]


def _seconds(value: Any) -> Any:
    try:
        return parse_duration(value)
    except ValueError:
        raise ValueError(
            "must be seconds or a text such as `1 day`"
        ) from None  # the value is added elsewhere


Seconds: TypeAlias = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=float | str)]
"""Seconds, or a text such as `1 h`, `1 day`, `1 month` (30 days), `1 year` (365 days)."""


def _not_empty(values: tuple[float, ...]) -> tuple[float, ...]:
    if not values:
        raise ValueError("must have at least one coefficient")
    return values


# not Field(min_length=1), which counts a list of one wrong coefficient as empty
Coefficients: TypeAlias = Annotated[tuple[Coefficient, ...], AfterValidator(_not_empty)]
