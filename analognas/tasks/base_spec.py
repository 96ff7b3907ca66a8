"""What every specification of a task offers, and the fields that several share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, Field

from analognas.specs.base import Spec
from analognas.tasks.assemble import Limits
from analognas.tasks.task import Task

Inputs: TypeAlias = Literal["images", "spectra", "symbols", "anything"]


class TaskSpec(Spec):
    """A `task` section of a configuration.

    Attributes:
        inputs: what the inputs are, for augmentations that suit one of them alone.
    """

    inputs: ClassVar[Inputs] = "anything"

    kind: str

    @abstractmethod
    def build(self) -> Task:
        """Load the data. Nothing is downloaded.

        Raises:
            UserError: when the data are missing or do not fit.
        """


def _adds_up(fractions: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"three positive shares that add up to 1 are needed, got {list(fractions)}")
    return fractions


Fractions = Annotated[tuple[float, float, float], AfterValidator(_adds_up)]
"""Training, validation and test shares."""


class LimitedSpec(TaskSpec):
    """The most items of each split: large data sets made small, always the same stratified choice."""

    max_train: int | None = Field(default=None, ge=2, description="most training items; null: all")
    max_validation: int | None = Field(default=None, ge=2, description="most validation items; null: all")
    max_test: int | None = Field(default=None, ge=2, description="most test items; null: all")

    @property
    def limits(self) -> Limits:
        """The three as one."""
        return Limits(self.max_train, self.max_validation, self.max_test)
