"""What a task is: a data set held as tensors, with fixed splits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """One split.

    Attributes:
        x: `(n, channels, height, width)` float32, as the data set gives the values.
        y: `(n,)` int64 labels, 0 to classes - 1.
    """

    x: torch.Tensor
    y: torch.Tensor

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Task:
    """A data set with its splits.

    Attributes:
        name: of the data set.
        train: for training; the statistics that standardise inputs come from it alone.
        validation: what a search sees.
        test: for the report alone.
        class_names: name of each label.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one input."""
        channels, height, width = self.train.x.shape[1:]
        return int(channels), int(height), int(width)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @cached_property
    def mean(self) -> torch.Tensor:
        """`(channels,)` float32 mean of the training inputs."""
        return self.train.x.double().mean(dim=(0, 2, 3)).float()

    @cached_property
    def std(self) -> torch.Tensor:
        """`(channels,)` float32 standard deviation of the training inputs, 1 for a constant channel."""
        std = self.train.x.double().std(dim=(0, 2, 3)).float()
        std[std == 0] = 1.0
        return std

    def standardise(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` with the mean and standard deviation of the training inputs taken out, channel by channel."""
        return (x - self.mean[:, None, None]) / self.std[:, None, None]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the shapes and bytes of every split: equal only for equal data in equal order."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            for tensor in (split.x, split.y):
                digest.update(str(tuple(tensor.shape)).encode())
                digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()


def make_split(x: Images, y: Labels) -> Split:
    """Return a split that owns copies of `x` and `y`."""
    import torch

    return Split(
        torch.from_numpy(np.array(x, dtype=np.float32)), torch.from_numpy(np.array(y, dtype=np.int64))
    )
