"""Cheap, reproducible Gaussian noise: one pool of normal numbers, read at hashed offsets.

Drawing a normal number for every output of every MVM costs more than the MVM's arithmetic on small layers.
A pool of 2^19 numbers is drawn once instead, and every (key, image, segment) reads a contiguous piece of it
at an offset from the SplitMix64 hash of the three. The noise of an image therefore depends on neither batch
size nor thread count. Elements are numbered in channels-last order. Not independent: two reads may overlap
with a shift, which leaves the distribution of each output, and the independence of outputs within one
segment, untouched.

References:
    Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014 (SplitMix64).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch

from hwsim.mapping import LayerMapping

POOL_SIZE: Final = 1 << 19
"""Different numbers in the pool; a power of two."""
SEGMENT: Final = 1 << 14
"""Longest contiguous piece that is read, unless one pixel has more channels."""
IMAGE_STRIDE: Final = 1 << 20
"""Segments reserved for one image in the numbering that is hashed."""
MASK64: Final = (1 << 64) - 1
GOLDEN: Final = 0x9E3779B97F4A7C15


def mixed(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return SplitMix64's finaliser of each number."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def child_key(key: int, tag: int) -> int:
    """Return the key of a part, `tag`, of what the stream of `key` serves."""
    z = (key + (tag + 1) * GOLDEN) & MASK64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return z ^ (z >> 31)


def segment_pixels(channels: int) -> int:
    """Return how many pixels of `channels` numbers share one offset."""
    return max(1, SEGMENT // channels)


def offsets(key: int, first_image: int, n_images: int, n_segments: int) -> npt.NDArray[np.int64]:
    """Return where each segment starts in the pool, `(n_images, n_segments)` int64."""
    image = np.arange(first_image, first_image + n_images, dtype=np.uint64)[:, None]
    segment = np.arange(1, n_segments + 1, dtype=np.uint64)
    index: npt.NDArray[np.uint64] = image * np.uint64(IMAGE_STRIDE) + segment
    hashed = mixed(index * np.uint64(GOLDEN) + np.uint64(key))
    return (hashed & np.uint64(POOL_SIZE - 1)).astype(np.int64)


class Segments(NamedTuple):
    """The numbers of one image, `pixels` of `channels` each, as `n` segments of `size` numbers."""

    pixels: int
    channels: int
    size: int
    n: int

    @classmethod
    def of_image(cls, outputs: torch.Tensor) -> Segments:
        """Return the segments of each image of `(images, ..., channels)`."""
        channels = outputs.shape[-1]
        pixels = outputs[0].numel() // channels
        size = min(pixels, segment_pixels(channels)) * channels
        return cls(pixels, channels, size, -(-pixels * channels // size))


class NoiseSource(Protocol):
    """Where the noise of an MVM comes from."""

    def child(self, tag: int) -> NoiseSource:
        """Return the source of a part (a layer, a block, a purpose) of what this one serves."""
        ...

    def like(self, outputs: torch.Tensor, channel_dim: int) -> torch.Tensor:
        """Return standard normal noise of the shape of `outputs`, numbered channels-last."""
        ...


class NoisePool:
    """Normal numbers drawn once.

    Args:
        generator: where they come from, drawn on its device.
        longest: most channels of a pixel that will be read at once.
        device: where they are read.

    Attributes:
        values: `(POOL_SIZE + longest,)` float32; the end repeats the beginning, so that no read runs over it.
    """

    def __init__(
        self, generator: torch.Generator, longest: int = SEGMENT, device: torch.device | str = "cpu"
    ) -> None:
        numbers = torch.randn(
            POOL_SIZE, dtype=torch.float32, generator=generator, device=generator.device
        ).to(device)
        repeats = -(-max(longest, SEGMENT) // POOL_SIZE)
        self.values = torch.cat([numbers, numbers.repeat(repeats)[: max(longest, SEGMENT)]])

    @classmethod
    def for_layers(
        cls, generator: torch.Generator, mappings: Iterable[LayerMapping], device: torch.device
    ) -> NoisePool:
        """Return a pool for the inputs and outputs of layers with these mappings."""
        longest = max(max(mapping.rows, mapping.columns) for mapping in mappings)
        return cls(generator, longest, device)

    def read(self, starts: torch.Tensor, segments: Segments) -> torch.Tensor:
        """Return standard normal numbers of `(images, pixels, channels)`.

        Args:
            starts: `(images, n)` int64, where each segment starts in the pool.
            segments: how the numbers of an image are cut into segments.
        """
        images = starts.shape[0]
        pieces = self.values.unfold(0, segments.size, 1)[starts.reshape(-1)]
        numbers = pieces.view(images, segments.n * segments.size)[:, : segments.pixels * segments.channels]
        return numbers.reshape(images, segments.pixels, segments.channels)


@dataclass(frozen=True)
class NoiseStream:
    """A named place in a pool: what a layer draws from while one batch runs through it.

    Attributes:
        pool: the numbers.
        key: unsigned 64-bit name of this stream.
        first_image: number of the batch's first image in the whole data set.
    """

    pool: NoisePool
    key: int
    first_image: int = 0

    def child(self, tag: int) -> NoiseStream:
        """Return the stream of a part (a layer, a block, a purpose) of what this one serves."""
        return replace(self, key=child_key(self.key, tag))

    def like(self, outputs: torch.Tensor, channel_dim: int) -> torch.Tensor:
        """Return standard normal noise of the shape of `outputs`, numbered channels-last."""
        moved = outputs.movedim(channel_dim, -1)
        segments = Segments.of_image(moved)
        starts = torch.from_numpy(offsets(self.key, self.first_image, len(moved), segments.n))
        numbers = self.pool.read(starts.to(outputs.device), segments)
        return numbers.view(moved.shape).movedim(-1, channel_dim)
