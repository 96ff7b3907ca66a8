"""Fields that the specifications of several tasks share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from analognas.specs.base import Spec
from analognas.tasks.assemble import Limits


def _adds_up(fractions: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"three positive shares that add up to 1 are needed, got {list(fractions)}")
    return fractions


Fractions = Annotated[tuple[float, float, float], AfterValidator(_adds_up)]
"""Training, validation and test shares."""


class LimitedSpec(Spec):
    """The most items of each split: large data sets made small, always the same stratified choice."""

    max_train: int | None = Field(default=None, ge=2, description="most training items; null: all")
    max_validation: int | None = Field(default=None, ge=2, description="most validation items; null: all")
    max_test: int | None = Field(default=None, ge=2, description="most test items; null: all")

    @property
    def limits(self) -> Limits:
        """The three as one."""
        return Limits(self.max_train, self.max_validation, self.max_test)
