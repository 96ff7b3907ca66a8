"""The layout of genotypes of a head and up to so many blocks.

The genes of the head come first, the number of blocks among them; then those of each possible block. The genes of
blocks that a network does not have count for nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from search_spaces.space import Population


class BlockGenes(ABC):
    """The layout and the ranges of such genotypes.

    Attributes:
        head_names: of the genes of the head.
        block_names: of the genes of a block.
        block: what a block is called.
        count: place of the number of blocks, 1 or more, in the head.
        ordered_head: places in the head whose values a mutation changes by a step or two.
        ordered_block: the same in a block.
    """

    head_names: ClassVar[tuple[str, ...]]
    block_names: ClassVar[tuple[str, ...]]
    block: ClassVar[str]
    count: ClassVar[int]
    ordered_head: ClassVar[tuple[int, ...]]
    ordered_block: ClassVar[tuple[int, ...]]

    @property
    @abstractmethod
    def most_blocks(self) -> int:
        """Blocks that a genotype has room for."""

    @property
    @abstractmethod
    def low(self) -> npt.NDArray[np.int64]:
        """`(genes,)` smallest values."""

    @property
    @abstractmethod
    def high(self) -> npt.NDArray[np.int64]:
        """`(genes,)` largest values."""

    @abstractmethod
    def alike(
        self, block: npt.NDArray[np.int64], other: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Return the genes of a block that resembles `block`; what differs is taken from `other`."""

    @property
    def head_genes(self) -> int:
        """Genes of the head."""
        return len(self.head_names)

    @property
    def block_genes(self) -> int:
        """Genes of a block."""
        return len(self.block_names)

    @property
    def n_genes(self) -> int:
        """Length of a genotype."""
        return self.head_genes + self.block_genes * self.most_blocks

    def of_blocks(self, population: Population) -> Population:
        """Return the genes of the blocks as a view, `(n, blocks, genes of a block)`."""
        return population[:, self.head_genes :].reshape(len(population), self.most_blocks, self.block_genes)

    def active(self, population: Population) -> npt.NDArray[np.bool_]:
        """Return which blocks each network has, `(n, blocks)`."""
        return np.asarray(np.arange(self.most_blocks) < population[:, self.count, None])

    def check_rows(self, population: Population) -> None:
        """Raise a `ValueError` unless the rows have this layout."""
        if population.ndim != 2 or population.shape[1] != self.n_genes:
            raise ValueError(f"a population must be (n, {self.n_genes}), got shape {population.shape}")
