"""One image file to one array of bytes."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

MODES = {"rgb": "RGB", "grey": "L"}


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
                    image = opened.convert(MODES[self.colour])
        except UnidentifiedImageError:
            raise ImageError("no image that can be read" if content else "empty file") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise ImageError("more pixels than any input of a network needs") from None
        except (OSError, SyntaxError, ValueError, IndexError) as error:
            raise ImageError(str(error) or type(error).__name__) from None
        if self.size is not None and self.resize != "none" and (image.height, image.width) != self.size:
            size = (self.size[1], self.size[0])
            if self.resize == "squash":
                image = image.resize(size, Image.Resampling.LANCZOS)
            else:
                image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        pixels = np.asarray(image, dtype=np.uint8)
        return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
