"""What programming error and drift of each layer cost the best network: the content of `sensitivity.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar

from pydantic import Field, TypeAdapter, ValidationError

from analognas.specs.strict import STRICT, first_problem


@dataclass(frozen=True)
class LayerLoss:
    """What one layer costs.

    Attributes:
        layer: as in `named_modules`.
        share_of_weights: of those of all analog layers, 0 to 1.
        cost: accuracy lost in the mean over chips, a fraction of 1; below 0 where it rises.
        low: lower end of the 95 % interval over chips.
        high: its upper end.
    """

    layer: str
    share_of_weights: Annotated[float, Field(ge=0, le=1)]
    cost: float
    low: float
    high: float

    @property
    def is_level(self) -> bool:
        """Whether the interval holds zero, so that no cost was found."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class LayerSensitivity:
    """What each layer costs, measured with one layer at a time on chips, the others with ideal weights.

    Attributes:
        layers: the most expensive first.
        whole: what all layers cost together; its name is empty.
        ideal: accuracy with no layer on chips.
        t_s: seconds since programming.
        chips: how many.
        split: whose inputs were classified.
    """

    layers: tuple[LayerLoss, ...]
    whole: LayerLoss
    ideal: Annotated[float, Field(ge=0, le=1)]
    t_s: Annotated[float, Field(ge=0)]
    chips: Annotated[int, Field(ge=2)]
    split: str

    __pydantic_config__: ClassVar = STRICT  # handed on to the records inside

    def to_json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LayerSensitivity:
        """Read what `to_json` wrote.

        Raises:
            ValueError: with the first thing that does not fit.
        """
        try:
            return _READER.validate_json(text)
        except ValidationError as error:
            raise ValueError(first_problem(error)) from None


_READER: TypeAdapter[LayerSensitivity] = TypeAdapter(LayerSensitivity)
