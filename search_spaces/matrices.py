"""The weight matrices of whole populations: what a crossbar has to hold, and how often it is read.

A layer is a matrix of `rows` inputs (input channel, then kernel position) by `columns` outputs. A grouped
convolution is block-diagonal: rows and columns are those of the whole layer, `groups` its diagonal blocks.
One inference multiplies it by a vector at each of `positions` places of the output map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, NamedTuple, final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


class Matrix(NamedTuple):
    """Layers of one network that have the same shape.

    Attributes:
        rows: of the whole (block-diagonal) matrix.
        columns: of the whole matrix.
        groups: diagonal blocks; 1 for a dense layer.
        positions: vectors that one inference multiplies it by; 0 for a layer that never runs.
        layers: how many there are of this shape.
    """

    rows: int
    columns: int
    groups: int
    positions: int
    layers: int


ABSENT: Final = Matrix(1, 1, 1, 0, 0)
"""What fills the row of a network that has fewer different matrices than another one."""


@final
@dataclass(frozen=True, eq=False)
class Matrices:
    """The matrices of every network of a population, all arrays `(n, slots)` int64.

    Attributes:
        rows: of the whole (block-diagonal) matrix, 1 or more.
        columns: of the whole matrix, 1 or more.
        groups: diagonal blocks, 1 or more.
        positions: vectors that one inference multiplies it by.
        layers: how many there are of this shape; 0 where a network has none, whatever the others say.

    Example:
        >>> Matrices.of([[Matrix(27, 8, 1, 64, 1), Matrix(72, 8, 8, 64, 2)], []]).weights.tolist()
        [360, 0]
    """

    rows: Integers
    columns: Integers
    groups: Integers
    positions: Integers
    layers: Integers

    @classmethod
    def of(cls, networks: Sequence[Sequence[Matrix]]) -> Matrices:
        """Return the matrices of several networks, each as a list."""
        slots = list(zip_longest(*networks, fillvalue=ABSENT))
        table = np.array(slots, dtype=np.int64).reshape(len(slots), len(networks), len(ABSENT))
        return cls(*table.transpose(2, 1, 0))

    @property
    def weights(self) -> Integers:
        """Weights of each network's matrices, those off the diagonal blocks left out, `(n,)`."""
        return np.asarray((self._weights * self.layers).sum(axis=1), dtype=np.int64)

    @property
    def macs(self) -> Integers:
        """Multiply-accumulates of one inference of each network, `(n,)`."""
        return np.asarray((self._weights * self.layers * self.positions).sum(axis=1), dtype=np.int64)

    @property
    def _weights(self) -> Integers:
        return self.rows * self.columns // self.groups
