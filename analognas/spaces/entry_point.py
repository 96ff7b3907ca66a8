"""Spaces of other packages, checked before anything is searched in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from analognas.specs.entry_points import make_from_entry_point
from analognas.testing import BrokenSpaceError, check_space
from search_spaces import SearchSpace

GROUP: Final = "analognas.spaces"


def space_from_entry_point(
    name: str, options: Mapping[str, Any], input_shape: tuple[int, int, int], n_classes: int
) -> SearchSpace:
    """Return the space that the entry point `name` makes of the task's shapes and `options`.

    Raises:
        UserError: when there is no such entry point, or it fails.
        ValueError: when the space breaks its contract; the message names the method and what was wrong.
    """
    arguments = {"input_shape": input_shape, "n_classes": n_classes, **options}
    space, place = make_from_entry_point(GROUP, "space", name, arguments)
    try:
        check_space(space, np.random.default_rng(0), input_shape=input_shape, n_classes=n_classes)
    except BrokenSpaceError as error:
        raise ValueError(f"the space {name!r} ({place}) breaks its contract: {error}") from None
    checked: SearchSpace = space
    return checked
