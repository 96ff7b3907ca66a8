"""Looks at a folder of images: their sizes, and whether they have colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from analognas.errors import UserError
from analognas.tasks.class_folders import scan
from analognas.tasks.images.folder import SUFFIXES

LOOKED_AT: Final = 400
"""Images whose size is read, spread over the folder."""

DECODED: Final = 40
"""Images whose colours are looked at."""

LARGEST: Final = 64
"""Longest side of inputs that are taken as they are."""

LARGE: Final = 96
"""Shorter side of images from which on inputs are larger."""

SIDES: Final = (32, 48)
"""Sides of inputs for small images and for large ones."""

ROUNDING: Final = 6
"""Largest difference of channels that JPEG makes of grey."""

NEARLY_SQUARE: Final = 1.34
"""Proportion up to which the middle is cut out; longer images are squashed."""


def look_at_images(path: Path) -> Mapping[str, tuple[Any, str]]:
    """Return the options for images.

    Raises:
        UserError: when it is no folder of class folders with images, or none of those looked at can be read.
    """
    if not path.is_dir():
        raise UserError(f"{path}: `image-folder` needs a folder with a folder for each class")
    files = scan(path, SUFFIXES).files
    chosen = [files[row] for row in np.unique(np.linspace(0, len(files) - 1, LOOKED_AT).round().astype(int))]
    sizes = Counter(size for size in map(_size, chosen) if size is not None)
    if not sizes:
        raise UserError(f"{path}: none of {len(chosen)} images can be read; {chosen[0]} is the first")
    options: dict[str, tuple[Any, str]] = {}
    (height, width), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or max(height, width) > LARGEST:
        options |= _resized(sizes)
    if all(map(_is_grey, chosen[:: max(1, len(chosen) // DECODED)])):
        options["colour"] = "grey", "no colours in the images that were looked at"
    return options


def _resized(sizes: Mapping[tuple[int, int], int]) -> dict[str, tuple[Any, str]]:
    sides = np.array([size for size, number in sizes.items() for _ in range(number)])
    shorter = float(np.median(sides.min(axis=1)))
    side = SIDES[shorter >= LARGE]
    low, high = sides.min(axis=0), sides.max(axis=0)
    seen = (
        f"all are {low[0]} x {low[1]}"
        if len(sizes) == 1
        else f"{len(sizes)} sizes, heights {low[0]} to {high[0]}, widths {low[1]} to {high[1]}"
    )
    proportion = float(np.median(sides.max(axis=1) / sides.min(axis=1)))
    how = "crop" if proportion <= NEARLY_SQUARE else "squash"
    why = "nearly square" if how == "crop" else f"the longer side is {proportion:.1f} times the shorter one"
    return {"size": ([side, side], f"height, width; {seen}"), "resize": (how, f"{why}; squash, crop")}


def _size(file: Path) -> tuple[int, int] | None:
    """Return height and width as a camera turned it; None for a file that is no image."""
    try:
        with Image.open(file) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112, 1) >= 5
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None
    return (width, height) if turned else (height, width)


def _is_grey(file: Path) -> bool:
    """Return whether an image has no colours; one that cannot be read has none."""
    try:
        with Image.open(file) as image:
            if image.mode in ("1", "L", "LA", "I", "I;16"):
                return True
            small = np.asarray(image.convert("RGB").resize((32, 32)), dtype=np.int16)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return True
    return bool(np.ptp(small, axis=2).max() <= ROUNDING)
