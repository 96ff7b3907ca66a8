"""Strategies and surrogates that a caller of `analognas.search` gives as objects."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from analognas.specs.entry_points import Guard
from analognas.specs.given import GivenObject
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.entry_point import ForeignStrategy
from analognas.strategies.foreign_surrogate import ForeignSurrogate
from analognas.strategies.strategy import Strategy
from surrogates import Surrogate
from surrogates.base_spec import SurrogateSpec


class ObjectStrategySpec(StrategySpec):
    """A Python object, given as `analognas.search(strategy=…)`; a YAML file cannot hold one."""

    multi_objective: ClassVar[bool] = True

    kind: Literal["object"] = "object"
    object: GivenObject = Field(description="what the object is called, and how it describes itself")

    def build(self, seed: int) -> Strategy:
        """Return the object, its proposals looked at; its own seed is the caller's affair.

        Raises:
            UserError: when it is not there.
        """
        return ForeignStrategy(Guard("strategy", self.object.type), self.object.needed("strategy"))


class ObjectSurrogateSpec(SurrogateSpec):
    """A Python object, given as `analognas.search(surrogate=…)`; a YAML file cannot hold one."""

    kind: Literal["object"] = "object"
    object: GivenObject = Field(description="what the object is called, and how it describes itself")

    def build(self) -> Surrogate:
        """Return the object, its answers looked at.

        Raises:
            UserError: when it is not there.
        """
        return ForeignSurrogate(Guard("surrogate", self.object.type), self.object.needed("surrogate"))
