"""What every specification of a strategy offers."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from analognas.specs.base import Spec
from analognas.strategies.recovery import SelfWatching
from analognas.strategies.strategy import Strategy
from surrogates.base_spec import SurrogateSpec


class StrategySpec(Spec):
    """A `search.strategy` section of a configuration.

    Attributes:
        multi_objective: whether it improves several objectives, or covers a space whatever they are.
        learns_after: the option that holds the trials before it learns from any; empty where it never learns.
    """

    multi_objective: ClassVar[bool] = False
    learns_after: ClassVar[str] = ""

    kind: str

    @abstractmethod
    def build(self, seed: int) -> Strategy:
        """Return the strategy.

        Args:
            seed: 0 or more, of first designs; everything else draws from the generator of each call.

        Raises:
            UserError: when another package offers it, or its surrogate, and it cannot be made.
        """

    @property
    def design(self) -> int:
        """Trials of the first design, 0 without one."""
        return int(getattr(self, self.learns_after)) if self.learns_after else 0

    def watched(self, strategy: Strategy) -> Strategy:
        """Return a strategy that explores around the best trials when `strategy` does worse than its first design."""
        if not self.design:
            return strategy
        return SelfWatching(strategy, design=self.design, always=self.surrogate_spec is not None)

    @property
    def surrogate_spec(self) -> SurrogateSpec | None:
        """The surrogate that it searches on, None for one that searches without."""
        return None
