"""The training inputs in memory, in the layout that convolutions want, drawn batch by batch.

All pixels are rows of one table, channels together, with one blank row at its end. A batch is one gather from it,
augmented or not; its result is a channels-last tensor without another copy. Large sets of 8-bit images stay bytes and
are standardised batch by batch, everything else is standardised once.
"""

from __future__ import annotations

from copy import copy
from typing import Final

import torch
from torch import Tensor

from analognas.tasks import Task
from analognas.training.augmentation import BLANK, Augmentation

LARGEST_FLOATS: Final = 64 << 20
"""Values above which 8-bit inputs stay bytes: 256 MB as float32."""


def spread_places(n: int, of: int) -> Tensor:
    """Return `n` places, or all where there are fewer, evenly spread over `of`: data sets may be sorted by class."""
    n = min(n, of)
    return torch.arange(n) * of // max(n, 1)


class TrainingInputs:
    """The training split of a task.

    Args:
        task: the data; its noisy copies stand in for the clean inputs at random.
        augmentation: what is changed in each input.

    Raises:
        ValueError: when the augmentation does not fit the inputs.
    """

    def __init__(self, task: Task, augmentation: Augmentation) -> None:
        x = task.train.x
        self._n, self._channels, self._height, self._width = x.shape
        self._drawn = self._n
        augmentation.check(self._height, self._width)
        self._augmentation = augmentation
        self._y = task.train.y
        self._scale: tuple[Tensor, Tensor] | None = None
        self._copies = 1
        if task.noisy is not None:
            x = torch.cat([x[None], task.noisy]).flatten(0, 1)
            self._copies += len(task.noisy)
        blank = torch.zeros(1, self._channels)
        if x.dtype == torch.uint8 and x.numel() > LARGEST_FLOATS:
            mean, std = task.mean.view(-1, 1, 1), task.std.view(-1, 1, 1)
            self._scale = (1 / std, mean / std)
            blank = task.mean.round().to(torch.uint8).view(1, -1)
        else:
            x = task.standardise(x)
        self._rows = torch.cat([x.permute(0, 2, 3, 1).reshape(-1, self._channels), blank])

    def __len__(self) -> int:
        return self._drawn

    def first(self, n: int) -> TrainingInputs:
        """Return the first `n` inputs, or all where there are fewer, without a copy."""
        few = copy(self)
        few._drawn = min(n, self._drawn)
        return few

    def to(self, device: torch.device) -> TrainingInputs:
        """Return the same inputs on `device`."""
        moved = copy(self)
        moved._y, moved._rows = self._y.to(device), self._rows.to(device)
        if self._scale is not None:
            moved._scale = (self._scale[0].to(device), self._scale[1].to(device))
        return moved

    def draw(self, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return `(batch, channels, height, width)` standardised float32, channels last in memory, and the labels.

        Args:
            index: `(batch,)` which inputs, on their device.
            generator: of the augmentation, on any device; one on the CPU draws the same everywhere.
        """
        items = index
        if self._copies > 1:
            chosen = torch.randint(self._copies, index.shape, generator=generator, device=generator.device)
            items = index + chosen.to(index.device) * self._n
        if not self._augmentation.changes:
            return self._standardised(self._items(items)), self._y.index_select(0, index)
        size = (len(index), self._height, self._width)
        pixels = self._augmentation.pixels(*size, generator, index.device)
        blank = pixels == BLANK
        pixels += (items * (self._height * self._width)).view(-1, 1, 1)
        pixels.masked_fill_(blank, len(self._rows) - 1)
        x = self._rows.index_select(0, pixels.view(-1)).view(*size, self._channels)
        return self._standardised(x), self._y.index_select(0, index)

    def spread(self, n: int) -> Tensor:
        """Return `n` clean inputs, or all where there are fewer, evenly spread."""
        return self._standardised(self._items(spread_places(n, self._drawn).to(self._y.device)))

    def _items(self, items: Tensor) -> Tensor:
        pixels = self._height * self._width
        table = self._rows.narrow(0, 0, len(self._rows) - 1).view(-1, pixels * self._channels)
        return table.index_select(0, items).view(len(items), self._height, self._width, self._channels)

    def _standardised(self, x: Tensor) -> Tensor:
        """Return `(batch, height, width, channels)` as a channels-last tensor of standardised values."""
        x = x.permute(0, 3, 1, 2)
        if self._scale is None:
            return x
        factor, shift = self._scale
        return x.float().mul_(factor).sub_(shift)
