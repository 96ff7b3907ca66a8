"""Which test images each chip classifies correctly: a bit an image, as text for JSON.

The difference of two networks that meet the same images is known far better than either accuracy, but only image by
image: where both are wrong on an image, it says nothing about them.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import numpy.typing as npt

from analognas.record.strict import STRICT

if TYPE_CHECKING:
    import hwsim

MOST_CHARACTERS: Final = 2_000_000
"""Of the text of a network: 1,200 chips on 10,000 images. Of more chips the first ones are kept."""


@dataclass(frozen=True)
class CorrectImages:
    """Whether each chip finds the class of each image.

    Attributes:
        images: how many.
        bits: base64 of a row of bytes a chip, its bits the images in order, the first one the highest of the first
            byte; the last byte is filled up with zeros. As many chips as there are whole rows.
    """

    images: int
    bits: str

    __pydantic_config__: ClassVar = STRICT

    @classmethod
    def packed(cls, correct: npt.NDArray[np.bool_]) -> CorrectImages:
        """Return the record of `(chips, images)`.

        >>> CorrectImages.packed(np.array([[True, False, True]]))
        CorrectImages(images=3, bits='oA==')
        """
        images = correct.shape[1]
        chips = max(1, MOST_CHARACTERS // 4 * 3 // -(-images // 8))
        rows = np.packbits(correct[:chips], axis=1)
        return cls(images, base64.b64encode(rows.tobytes()).decode("ascii"))

    @classmethod
    def of(cls, curve: hwsim.DriftCurve, time_s: float) -> CorrectImages | None:
        """Return the record of a curve at one of its times, None where it does not know the images."""
        return None if curve.correct is None else cls.packed(curve.correct[curve.times_s.index(time_s)])

    def unpacked(self) -> npt.NDArray[np.bool_]:
        """Return `(chips, images)`.

        Raises:
            ValueError: when the text is none that `packed` makes.
        """
        if self.images < 1:
            raise ValueError(f"images must be 1 or more, got {self.images}")
        if len(self.bits) > MOST_CHARACTERS + 4:
            raise ValueError(f"bits must have at most {MOST_CHARACTERS} characters, got {len(self.bits)}")
        try:
            content = base64.b64decode(self.bits, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("bits must be base64") from None
        row = -(-self.images // 8)
        if not content or len(content) % row:
            raise ValueError(f"bits must be rows of {row} bytes, got {len(content)} bytes")
        bits = np.unpackbits(np.frombuffer(content, dtype=np.uint8).reshape(-1, row), axis=1)
        if bits[:, self.images :].any():
            raise ValueError(f"bits must be zero after the {self.images} images")
        return bits[:, : self.images].astype(np.bool_)
