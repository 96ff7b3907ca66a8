"""Augmentation as a choice of pixels: one gather makes a whole batch, with crop, flip, cutout and time shift in it.

For every output pixel of every input, the index of the input pixel it is taken from, or -1 for a blank one:

    crop        the image padded by blanks on all sides, a window of its own size cut out anywhere
    flip        mirrored left to right, every second time
    cutout      a blank square around a random pixel (DeVries and Taylor 2017, arXiv 1708.04552)
    time shift  rows moved up or down, the outermost row repeated: spectrograms have time along their rows
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BLANK = -1


@dataclass(frozen=True)
class Augmentation:
    """What is changed at random in each training input.

    Attributes:
        crop: pixels of padding on each side; 0: none.
        flip: mirror left to right.
        cutout: side of the blank square, pixels; 0: none.
        time_shift: most rows to move; 0: none.
    """

    crop: int = 0
    flip: bool = False
    cutout: int = 0
    time_shift: int = 0

    @property
    def changes(self) -> bool:
        """Whether anything is changed at all."""
        return bool(self.crop or self.flip or self.cutout or self.time_shift)

    def check(self, height: int, width: int) -> None:
        """Raise ValueError when a range does not fit inputs of this size."""
        for name, value, side in (
            ("crop", self.crop, min(height, width)),
            ("cutout", self.cutout, max(height, width)),
            ("time_shift", self.time_shift, height),
        ):
            if value >= side and value:
                raise ValueError(
                    f"`{name} < {side}` must hold for inputs of {height} x {width} (height x width), got {value}"
                )

    def pixels(
        self, n: int, height: int, width: int, generator: torch.Generator, device: torch.device | None = None
    ) -> Tensor:
        """Return `(n, height, width)` int64 indices into the `height * width` pixels of each input, or -1.

        Args:
            n: inputs.
            height: of an input.
            width: of an input.
            generator: drawn from on its own device.
            device: of the result; None: the generator's.
        """
        device = device or generator.device
        rows = torch.arange(height, device=device).expand(n, height)
        columns = torch.arange(width, device=device).expand(n, width)
        if self.time_shift:
            rows = (rows + _integers(-self.time_shift, self.time_shift, n, generator, device)).clamp(
                0, height - 1
            )
        if self.flip:
            mirrored = _integers(0, 1, n, generator, device).bool()
            columns = torch.where(mirrored, width - 1 - columns, columns)
        if self.crop:
            rows = rows + _integers(-self.crop, self.crop, n, generator, device)
            columns = columns + _integers(-self.crop, self.crop, n, generator, device)
        blank_rows = (rows < 0) | (rows >= height)
        blank_columns = (columns < 0) | (columns >= width)
        index = (rows * width).unsqueeze(2) + columns.unsqueeze(1)
        blank = blank_rows.unsqueeze(2) | blank_columns.unsqueeze(1)
        if self.cutout:
            inside_rows = self._in_square(n, height, generator, device)
            inside_columns = self._in_square(n, width, generator, device)
            blank = blank | (inside_rows.unsqueeze(2) & inside_columns.unsqueeze(1))
        return index.masked_fill_(blank, BLANK)

    def _in_square(self, n: int, size: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """Return `(n, size)`, whether a position is inside the square; its centre is any position."""
        first = _integers(0, size - 1, n, generator, device) - self.cutout // 2
        position = torch.arange(size, device=device)
        return (position >= first) & (position < first + self.cutout)


def _integers(low: int, high: int, n: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Return `(n, 1)` integers from `low` to `high`, both included."""
    return torch.randint(low, high + 1, (n, 1), generator=generator, device=generator.device).to(device)
