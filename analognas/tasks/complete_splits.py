"""Every class in every split: a class that is missing from one is never learned, or never measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError

SHOWN: Final = 10
PARTS: Final = ("training", "validation", "test")


def check_classes(
    y: npt.NDArray[np.int64],
    parts: Sequence[npt.NDArray[np.int64]],
    class_names: Sequence[str],
    remedy: str,
) -> None:
    """Check that every class is in every part.

    Args:
        y: `(n,)` labels, indices of `class_names`.
        parts: indices of training, validation and, if given, test.
        class_names: name of each label.
        remedy: ends the message.

    Raises:
        UserError: when a class is missing from one of the parts.

    >>> check_classes(np.array([0, 1, 0]), [np.array([0, 1])], ["cat", "dog"], "add items")
    """
    for name, part in zip(PARTS[: len(parts)], parts, strict=True):
        absent = [str(class_names[label]) for label in np.setdiff1d(np.arange(len(class_names)), y[part])]
        if absent:
            more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
            raise UserError(
                f"every class must occur in every split, the {name} split lacks "
                f"{', '.join(absent[:SHOWN])}{more}; {remedy}"
            )
