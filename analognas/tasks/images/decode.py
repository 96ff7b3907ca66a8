"""One image file to one array of bytes.

Photographs are turned as their camera says, 16-bit images become 8-bit ones, only the first picture of an animation
counts, and transparency is left out.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Bytes = npt.NDArray[np.uint8]

MODES: Final = {"rgb": "RGB", "grey": "L"}
LARGEST_16_BIT: Final = (1 << 16) - 1


class ImageError(ValueError):
    """Bytes that are no usable image; the message says why."""


@dataclass(frozen=True)
class ImageRule:
    """What every image is made into.

    Attributes:
        size: (height, width); None takes the images as they are.
        resize: how another size becomes this one: `squash` changes the proportions, `crop` scales and cuts the
            middle out, `none` refuses it.
        colour: `rgb` or `grey`.
    """

    size: tuple[int, int] | None = None
    resize: Literal["none", "squash", "crop"] = "none"
    colour: Literal["rgb", "grey"] = "rgb"

    @property
    def identity(self) -> dict[str, Any]:
        """Everything the pixels depend on besides the file."""
        return {"size": self.size, "resize": self.resize, "colour": self.colour}

    def decode(self, content: bytes) -> Bytes:
        """Return `(channels, height, width)` uint8.

        Raises:
            ImageError: when the file is empty, truncated, no image, or far too large.
        """
        from PIL import Image, ImageOps, UnidentifiedImageError

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(io.BytesIO(content)) as opened:
                    opened.load()
                    image = _eight_bit(ImageOps.exif_transpose(opened)).convert(MODES[self.colour])
        except UnidentifiedImageError:
            raise ImageError("no image that can be read" if content else "empty file") from None
        except Exception as error:  # Pillow's readers let through whatever damaged bytes lead to
            raise ImageError(str(error) or type(error).__name__) from None
        if self.size is not None and self.resize != "none" and (image.height, image.width) != self.size:
            size = (self.size[1], self.size[0])
            if self.resize == "squash":
                image = image.resize(size, Image.Resampling.LANCZOS)
            else:
                image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        pixels = np.asarray(image, dtype=np.uint8)
        return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _eight_bit(image: PillowImage) -> PillowImage:
    """Return the image with 8 bit a channel; Pillow itself would cut off what is brighter than 255.

    Raises:
        ImageError: when the pixels have no known range.
    """
    from PIL import Image

    if image.mode == "F":
        raise ImageError("floating-point pixels have no known range; save it with 8 or 16 bit")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > LARGEST_16_BIT:
        raise ImageError(
            f"pixels from {values.min()} to {values.max()} have no known range; save it with 8 or 16 bit"
        )
    return Image.fromarray((values >> 8).astype(np.uint8))
