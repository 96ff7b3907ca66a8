"""Spaces that a caller of `analognas.search` gives as objects."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from analognas.spaces.adapter import complete
from analognas.spaces.base_spec import SpaceSpec
from analognas.spaces.guarded import guarded
from analognas.specs.given import GivenObject
from search_spaces import ArchitectureSpace
from search_spaces.conformance import BrokenSpaceError, check_space


class ObjectSpaceSpec(SpaceSpec):
    """A Python object, given as `analognas.search(space=…)`; a YAML file cannot hold one."""

    kind: Literal["object"] = "object"
    object: GivenObject = Field(description="what the object is called, and how it describes itself")

    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> ArchitectureSpace:
        """Return the object with every ability, its answers looked at.

        Raises:
            UserError: when it is not there.
            ValueError: when it breaks the contract of a space; the message names the method and what was wrong.
        """
        space = self.object.needed("space")
        try:
            check_space(space, np.random.default_rng(0), input_shape=input_shape, n_classes=n_classes)
        except BrokenSpaceError as error:
            raise ValueError(f"{self.object.type} breaks the contract of a space: {error}") from None
        return guarded(self.object.type, complete(space, input_shape))
