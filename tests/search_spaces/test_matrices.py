"""Weight matrices from genotypes equal those of the built network."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from torch import nn

from search_spaces import (
    Matrices,
    Matrix,
    NasBench201Space,
    ResNetSpace,
    genotypes,
    network_cost,
    published,
)

SPACES = [
    (ResNetSpace((1, 8, 8), 10, oc0=(4, 20), r=(1, 2), b=(1, 3), max_width=64), (1, 8, 8)),
    (
        ResNetSpace((1, 49, 10), 12, oc0=(4, 20), r=(1, 3), b=(1, 2), max_width=96, bottleneck="quarter"),
        (1, 49, 10),
    ),
    (
        ResNetSpace(
            (3, 150, 70), 2, oc0=(4, 20), ks0=(1, 7), m=(1, 6), r=(1, 2), b=(1, 2), bottleneck="input"
        ),
        (3, 150, 70),
    ),
    (NasBench201Space((3, 9, 5), 5, channels=4, cells_per_stage=2), (3, 9, 5)),
    (NasBench201Space((1, 8, 8), 7, channels=6, cells_per_stage=1, merge_isomorphic=False), (1, 8, 8)),
]


def listed(matrices: Matrices, row: int) -> Counter[tuple[int, ...]]:
    """Return how many layers a network has of each (rows, columns, groups, positions)."""
    found: Counter[tuple[int, ...]] = Counter()
    for *shape, layers in zip(*(values[row].tolist() for values in vars(matrices).values()), strict=True):
        found[tuple(shape)] += layers
    return +found


@pytest.mark.parametrize(("space", "shape"), SPACES)
def test_matrices_equal_those_of_the_built_networks(space, shape: tuple[int, int, int]) -> None:
    population = space.sample(40, np.random.default_rng(0))
    matrices = space.matrices(population)
    np.testing.assert_array_equal(matrices.macs, space.macs(population))
    for row, genotype in enumerate(genotypes(population)):
        built = network_cost(space.build(genotype), shape).matrices
        assert listed(matrices, row) == listed(Matrices.of([built]), 0)


def test_equal_networks_have_equal_matrices() -> None:
    space = ResNetSpace((1, 4, 4), 10, m=(2, 5), r=(1, 2), b=(1, 2), wf=(1, 2))
    raw = np.random.default_rng(0).integers(0, 2, (300, space.ranges.n_genes)) + 1
    raw[:, 0], raw[:, 1], raw[:, 2], raw[:, 7::5] = 8, 3, raw[:, 2] + 2, raw[:, 7::5] - 1
    canonical = space.canonical(raw)
    assert (raw != canonical).any(axis=1).sum() > 100
    ours, theirs = space.matrices(raw), space.matrices(canonical)
    assert [listed(ours, row) for row in range(300)] == [listed(theirs, row) for row in range(300)]


def test_the_resnet32_of_the_literature() -> None:
    """Its weights, matrices and positions as published with AnalogNAS' tile counts."""
    matrices = Matrices.of([network_cost(published("resnet32", (3, 32, 32), 10), (3, 32, 32)).matrices])
    assert matrices.weights.tolist() == [464_432]
    assert matrices.macs.tolist() == [69_124_736]
    assert matrices.layers.sum() == 34
    assert (matrices.layers * matrices.positions).sum() == 14_785


def test_a_network_counted_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Flatten(),
        nn.Linear(8 * 4 * 3, 5),
    )
    assert network_cost(network, (4, 8, 6)).matrices == (
        Matrix(rows=36, columns=8, groups=2, positions=12, layers=1),
        Matrix(rows=72, columns=8, groups=8, positions=12, layers=1),
        Matrix(rows=96, columns=5, groups=1, positions=1, layers=1),
    )


def test_layers_that_run_twice_or_never_are_held_once() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.used(self.used(x))

    assert network_cost(Odd(), (7, 4)).matrices == (Matrix(4, 4, 1, 14, 1), Matrix(4, 4, 1, 0, 1))


def test_networks_of_different_length_are_padded_with_nothing() -> None:
    matrices = Matrices.of([[Matrix(27, 8, 1, 64, 1), Matrix(72, 8, 8, 16, 2)], [], [Matrix(2, 3, 1, 1, 4)]])
    assert matrices.rows.shape == (3, 2)
    assert matrices.weights.tolist() == [27 * 8 + 2 * 72, 0, 24]
    assert matrices.macs.tolist() == [27 * 8 * 64 + 2 * 72 * 16, 0, 24]
    assert Matrices.of([]).weights.shape == (0,)
    assert Matrices.of([[]]).weights.tolist() == [0]
