"""What every specification of a space offers."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from analognas.specs.base import Spec
from search_spaces import ArchitectureSpace


class SpaceSpec(Spec):
    """A `space` section of a configuration.

    Attributes:
        every_step: networks may have a label at every step of a sequence; False where they have one for an input.
    """

    every_step: ClassVar[bool] = True

    kind: str

    @abstractmethod
    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> ArchitectureSpace:
        """Return the space; one of four methods alone needs `analognas.spaces.complete`.

        Args:
            input_shape: channels, height and width of the inputs.
            n_classes: of the task.

        Raises:
            ValueError: when no network of the space fits the inputs, or a space of another package breaks its
                contract; the message names the method and what was wrong.
            UserError: when another package offers it and it cannot be made.
        """
