"""What a task is: a data set held as tensors, with fixed splits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

CHUNK: Final = 2048
"""Inputs whose statistics are summed at a time: large data sets are never held in double precision."""


@dataclass(frozen=True)
class Split:
    """One split.

    Attributes:
        x: `(n, channels, height, width)` float32 or uint8, as the data set gives the values; `(n, 1, 1, steps)` whole
            numbers below classes where every step has a label.
        y: `(n,)` int64 labels, 0 to classes - 1, or `(n, steps)` of every step.
    """

    x: torch.Tensor
    y: torch.Tensor

    def __len__(self) -> int:
        return len(self.y)

    def to(self, device: torch.device) -> Split:
        """Return the split on `device`."""
        return Split(self.x.to(device), self.y.to(device))


@dataclass(frozen=True, repr=False)
class Task:
    """A data set with its splits.

    Attributes:
        name: of the data set.
        train: for training; the statistics that standardise inputs come from it alone.
        validation: what a search sees.
        test: for the report alone.
        class_names: name of each label.
        noisy: `(copies, n, channels, height, width)` the training inputs with noise, of which a training takes one or
            the clean one; None for none.
        noisy_validation: the same of the validation inputs, for a training on both splits.
        statistics: inputs are standardised by `channel`, or by `band`: channel and column, as spectral features need;
            `none` leaves them as they are.
        notes: what has to be said of the data wherever their accuracy is: copies, subsets, files left out.
        origin: a digest of what the inputs were computed from, where that was arithmetic that another processor rounds
            in another way; empty where the inputs are the data.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    noisy: torch.Tensor | None = None
    noisy_validation: torch.Tensor | None = None
    statistics: Literal["channel", "band", "none"] = "channel"
    notes: tuple[str, ...] = ()
    origin: str = ""

    def __repr__(self) -> str:
        """Return name, sizes and shape for `print`."""
        sizes = " + ".join(str(len(split)) for split in (self.train, self.validation, self.test))
        return f"Task({self.name!r}, {sizes} inputs of {self.input_shape}, {self.n_classes} classes)"

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one input."""
        channels, height, width = self.train.x.shape[1:]
        return int(channels), int(height), int(width)

    @property
    def every_step(self) -> bool:
        """Whether every step of an input has a label."""
        return self.train.y.ndim > 1

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @cached_property
    def mean(self) -> torch.Tensor:
        """`(channels,)`, or `(channels, 1, width)` by band: float32 mean of the training inputs."""
        return self._moments[0]

    @cached_property
    def std(self) -> torch.Tensor:
        """Standard deviation of the training inputs in the shape of `mean`, 1 where they are constant."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        x = self.train.x
        if self.statistics == "none":
            return torch.zeros(x.shape[1]), torch.ones(x.shape[1])
        dims = (0, 2, 3) if self.statistics == "channel" else (0, 2)
        count = x.numel() // (x.shape[1] if self.statistics == "channel" else x.shape[1] * x.shape[3])
        parts = torch.split(x, CHUNK)
        mean = torch.stack([part.double().sum(dim=dims, keepdim=True) for part in parts]).sum(0) / count
        squares = torch.stack([(part.double() - mean).square().sum(dim=dims, keepdim=True) for part in parts])
        std = (squares.sum(0) / max(1, count - 1)).sqrt().float()
        std[std == 0] = 1.0
        shape = (-1,) if self.statistics == "channel" else mean.shape[1:]
        return mean.float().reshape(shape), std.reshape(shape)

    def standardise(self, x: torch.Tensor) -> torch.Tensor:
        """Return float32 `x` with the mean and standard deviation of the training inputs taken out."""
        shape = (-1, 1, 1) if self.statistics == "channel" else self.mean.shape
        return (x - self.mean.view(shape)) / self.std.view(shape)

    def with_validation(self) -> Task:
        """Return the task with the validation inputs among the training inputs, for a training after every choice."""
        import torch

        both = Split(
            torch.cat([self.train.x, self.validation.x]), torch.cat([self.train.y, self.validation.y])
        )
        noisy = None
        if self.noisy is not None:
            clean = self.validation.x.expand(len(self.noisy), *self.validation.x.shape)
            extra = clean if self.noisy_validation is None else self.noisy_validation
            noisy = torch.cat([self.noisy, extra], dim=1)
        return replace(self, train=both, noisy=noisy, noisy_validation=None)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the data: equal only for equal data in the same order.

        It is over the shapes of all tensors, the labels, and the bytes of the inputs; where inputs were computed, over
        their origin instead.
        """
        digest = hashlib.sha256(self.origin.encode())
        for split in (self.train, self.validation, self.test):
            for tensor in (split.x, split.y):
                digest.update(str(tuple(tensor.shape)).encode())
                if tensor is split.y or not self.origin:
                    digest.update(tensor.contiguous().numpy().data)
        for copies in (self.noisy, self.noisy_validation):
            if copies is not None and not self.origin:
                digest.update(copies.contiguous().numpy().data)
        return digest.hexdigest()


def make_split(x: npt.NDArray[Any], y: Labels) -> Split:
    """Return a split that owns copies of `x` and `y`; 8-bit values stay as they are."""
    import torch

    kind = np.uint8 if x.dtype == np.uint8 else np.float32
    return Split(torch.from_numpy(np.array(x, dtype=kind)), torch.from_numpy(np.array(y, dtype=np.int64)))
