"""Which test images each chip classifies correctly: a bit an image, as text for JSON.

The difference of two networks that meet the same images is known far better than either accuracy, but only image by
image: where both are wrong on an image, it says nothing about them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from analognas.specs.strict import STRICT

if TYPE_CHECKING:
    import hwsim


@dataclass(frozen=True)
class CorrectImages:
    """Whether each chip finds the class of each image.

    Attributes:
        images: how many.
        bits: base64 of a row of bytes a chip, its bits the images in order, the first one the highest of the first
            byte; the last byte is filled up with zeros.
    """

    images: Annotated[int, Field(ge=1)]
    bits: str

    __pydantic_config__: ClassVar = STRICT

    @classmethod
    def packed(cls, correct: npt.NDArray[np.bool_]) -> CorrectImages:
        """Return the record of `(chips, images)`.

        >>> CorrectImages.packed(np.array([[True, False, True]]))
        CorrectImages(images=3, bits='oA==')
        """
        rows = np.packbits(correct, axis=1)
        return cls(correct.shape[1], base64.b64encode(rows.tobytes()).decode("ascii"))

    @classmethod
    def of(cls, curve: hwsim.DriftCurve, time_s: float) -> CorrectImages | None:
        """Return the record of a curve at one of its times, None where it does not know the images."""
        return None if curve.correct is None else cls.packed(curve.correct[curve.times_s.index(time_s)])

    def unpacked(self) -> npt.NDArray[np.bool_]:
        """Return `(chips, images)`.

        Raises:
            ValueError: when the text is no whole number of rows in base64.
        """
        row = -(-self.images // 8)
        content = np.frombuffer(base64.b64decode(self.bits, validate=True), dtype=np.uint8)
        return np.unpackbits(content.reshape(-1, row), axis=1, count=self.images).astype(np.bool_)
