"""Looks at an `.npz` file: the shape of its inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analognas.errors import UserError
from analognas.tasks.from_arrays import NAMES, USUAL_CHANNELS
from analognas.tasks.store.npz import NpzError, read_npz


def look_at_arrays(path: Path) -> Mapping[str, tuple[Any, str]]:
    """Return the options for arrays.

    Raises:
        UserError: when the file cannot be read, or has no inputs.
    """
    if not path.is_file():
        raise UserError(f"{path}: `arrays` needs an .npz file")
    try:
        arrays, names = read_npz(path, NAMES)
    except NpzError as error:
        raise UserError(f"{path}: {error}; write `x` and `y` with numpy.savez") from None
    x = arrays.get("x", arrays.get("x_train"))
    if x is None:
        raise UserError(
            f"{path}: needs `x` and `y`, or `x_train` and others, holds {', '.join(names) or 'nothing'}"
        )
    if x.ndim == 2:
        return {"input_shape": (_shape(x.shape[1]), "channels, height, width; x holds rows of features")}
    if x.ndim == 4 and x.shape[-1] in USUAL_CHANNELS and x.shape[1] not in USUAL_CHANNELS:
        return {"layout": ("channels-last", f"x is {' x '.join(map(str, x.shape))}")}
    return {}


def _shape(features: int) -> list[int]:
    """Return the squarest shape of so many features, of one channel."""
    height = next(side for side in range(math.isqrt(features), 0, -1) if features % side == 0)
    return [1, features // height, height]
