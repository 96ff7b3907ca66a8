"""Both notations of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from search_spaces.nasbench201 import from_arch, to_arch
from search_spaces.nasbench201.cell import N_CELLS, cell_index, cells


def test_every_cell_survives_both_notations() -> None:
    population = cells(np.arange(N_CELLS))
    np.testing.assert_array_equal(cell_index(population), np.arange(N_CELLS))
    assert len(np.unique(population, axis=0)) == N_CELLS
    for genotype in map(tuple, population[::7].tolist()):
        assert from_arch(to_arch(genotype)) == genotype


def test_the_best_known_cell_reads_as_published() -> None:
    arch = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
    assert from_arch(arch) == (2, 2, 0, 4, 3, 1)


@pytest.mark.parametrize(
    ("arch", "message"),
    [
        ("", "a cell must read"),
        ("|none~0|+|none~0|none~1|", "a cell must read"),
        ("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "a cell must read"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|+|none~0|", "a cell must read"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|x", "a cell must read"),
        ("|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|", "operation must be one of .*, got 'conv'"),
    ],
)
def test_other_texts_are_refused(arch: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_arch(arch)
