"""Spaces of other packages, checked before anything is searched in them."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from pydantic import Field

from analognas.spaces.adapter import complete
from analognas.spaces.base_spec import SpaceSpec
from analognas.spaces.guarded import guarded
from analognas.specs.entry_points import make_from_entry_point
from search_spaces import ArchitectureSpace
from search_spaces.conformance import BrokenSpaceError, check_space

GROUP: Final = "analognas.spaces"


class EntryPointSpaceSpec(SpaceSpec):
    """A space that another installed package offers as an entry point of the group `analognas.spaces`."""

    kind: Literal["entry-point"] = "entry-point"
    name: str = Field(min_length=1, description="of the entry point")
    options: dict[str, Any] = Field(
        default={}, description="arguments of its class, besides `input_shape` and `n_classes`"
    )

    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> ArchitectureSpace:
        """Return the space with every ability, its answers looked at.

        Raises:
            UserError: when there is no such entry point, or it fails.
            ValueError: when the space breaks its contract; the message names the method and what was wrong.
        """
        arguments = {"input_shape": input_shape, "n_classes": n_classes, **self.options}
        space, place = make_from_entry_point(GROUP, "space", self.name, arguments)
        try:
            check_space(space, np.random.default_rng(0), input_shape=input_shape, n_classes=n_classes)
        except BrokenSpaceError as error:
            raise ValueError(f"the space {self.name!r} ({place}) breaks its contract: {error}") from None
        return guarded(self.name, complete(space, input_shape))
