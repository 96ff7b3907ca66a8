"""The ranges of a ResNet-like space and the layout of its genotypes.

A genotype is `OC0, KS0, M`, then `R, B, CT, WF, skip` for each of the `m[1]` possible main blocks. `CT`
counts the letters A to D from 0, `skip` is 0 or 1. The genes of main blocks past `M` are inactive and 0 in a
canonical genotype.

References:
    Benmeziane et al., "AnalogNAS: A Neural Network Design Framework for Accurate Inference with Analog
    In-Memory Computing", 2023, arXiv 2305.10459, Table I.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.space import Population

Range = tuple[int, int]
"""Smallest and largest value, both included."""

CONVOLUTION_TYPES: Final = "ABCD"
# As many channels as the main block puts out, as came into it, or a quarter of those it puts out.
BOTTLENECKS: Final = ("full", "input", "quarter")
OC0, KS0, M = 0, 1, 2
STEM_GENES: Final = 3
R, B, CT, WF, SKIP = 0, 1, 2, 3, 4
BLOCK_GENES: Final = 5


@dataclass(frozen=True)
class Ranges:
    """What every gene may be, and the task the networks are for.

    Attributes:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
        oc0: channels of the first convolution.
        ks0: its kernel size.
        m: main blocks.
        r: residual blocks of a main block.
        b: parallel branches of a residual block.
        ct: allowed convolution types, a subset of `ABCD`.
        wf: widening factor of a main block.
        skip: 0 without, 1 with a skip connection.
        max_width: most channels a main block may have; a wider network counts as one that cannot be built.
        bottleneck: channels of the 3 x 3 convolution of types A and C, one of `BOTTLENECKS`.

    Raises:
        ValueError: for a shape, a range or a set of types that holds no network.
    """

    input_shape: tuple[int, int, int]
    n_classes: int
    oc0: Range
    ks0: Range
    m: Range
    r: Range
    b: Range
    ct: str
    wf: Range
    skip: Range
    max_width: int
    bottleneck: str

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise ValueError(
                f"`input_shape` must be (channels, height, width), each at least 1, got {self.input_shape}"
            )
        for name in ("n_classes", "max_width"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name} >= 1` must hold, got {getattr(self, name)}")
        for name in ("oc0", "ks0", "m", "r", "b", "wf", "skip"):
            _check_range(name, getattr(self, name), smallest=0 if name == "skip" else 1)
        if self.skip[1] > 1:
            raise ValueError(f"`skip` must lie within (0, 1), got {self.skip}")
        if not self.ct or len(set(self.ct)) != len(self.ct) or not set(self.ct) <= set(CONVOLUTION_TYPES):
            raise ValueError(
                f"`ct` must be some of the letters {CONVOLUTION_TYPES}, each once, got {self.ct!r}"
            )
        if self.bottleneck not in BOTTLENECKS:
            raise ValueError(f"`bottleneck` must be one of {', '.join(BOTTLENECKS)}, got {self.bottleneck!r}")
        narrowest = self.oc0[0] * self.wf[0] ** self.m[0]
        if narrowest > self.max_width:
            raise ValueError(
                f"the narrowest network of these ranges has {narrowest} channels, more than `max_width` "
                f"{self.max_width}: lower `oc0`, `wf` or `m`, or raise `max_width`"
            )

    @property
    def n_genes(self) -> int:
        """Length of a genotype."""
        return STEM_GENES + BLOCK_GENES * self.m[1]

    @property
    def types(self) -> npt.NDArray[np.int64]:
        """`(types,)` the allowed values of the gene CT."""
        return np.array([CONVOLUTION_TYPES.index(letter) for letter in sorted(self.ct)], dtype=np.int64)

    def check_rows(self, population: Population) -> None:
        """Raise a `ValueError` unless the rows have this layout and a KS0 and M of these ranges.

        Those two genes choose rows of tables; any other value is only arithmetic.
        """
        if population.ndim != 2 or population.shape[1] != self.n_genes:
            raise ValueError(f"a population must be (n, {self.n_genes}), got shape {population.shape}")
        for gene, name, bounds in ((KS0, "KS0", self.ks0), (M, "M", self.m)):
            values = population[:, gene]
            wrong = (values < bounds[0]) | (values > bounds[1])
            if wrong.any():
                raise ValueError(f"{name} must lie within {bounds[0]} to {bounds[1]}, got {values[wrong][0]}")

    def blocks(self, population: Population) -> Population:
        """Return the genes of the main blocks as a view, `(n, main blocks, 5)`."""
        return population[:, STEM_GENES:].reshape(len(population), self.m[1], BLOCK_GENES)

    def active(self, population: Population) -> npt.NDArray[np.bool_]:
        """Return which main blocks each network has, `(n, main blocks)`."""
        return np.arange(self.m[1]) < population[:, M, None]


def _check_range(name: str, value: Range, smallest: int) -> None:
    if len(value) != 2:
        raise ValueError(f"`{name}` must be (smallest, largest), got {value}")
    if value[0] > value[1]:
        raise ValueError(f"`{name}` must not be reversed: {value[0]} > {value[1]}, got {tuple(value)}")
    if value[0] < smallest:
        raise ValueError(f"`{name}` must start at {smallest} or above, got {tuple(value)}")
