from __future__ import annotations

import math

import numpy as np
import pytest

from surrogates import kendall_tau


def test_counts_pairs() -> None:
    # 6 pairs: (2, 3) is discordant, the others are concordant.
    assert kendall_tau([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(4 / 6)


def test_ties_are_left_out_of_the_denominator() -> None:
    # pairs 3, one tied in the first: (2 - 0) / sqrt((3 - 1) * 3)
    assert kendall_tau([1, 1, 2], [1, 2, 3]) == pytest.approx(2 / math.sqrt(6))


@pytest.mark.parametrize("n", [2, 3, 10, 500])
def test_order_and_reversed_order(n: int) -> None:
    values = np.random.default_rng(n).permutation(n).astype(float)
    assert kendall_tau(values, np.exp(values / n)) == pytest.approx(1.0)
    assert kendall_tau(values, -values) == pytest.approx(-1.0)


def test_constant_values_have_no_order() -> None:
    assert math.isnan(kendall_tau([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1.0], [1.0], "length >= 2"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "one length"),
        ([[1.0, 2.0]], [[1.0, 2.0]], "one length"),
        ([1.0, math.nan], [1.0, 2.0], "finite"),
    ],
)
def test_bad_input(first: list[float], second: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kendall_tau(first, second)
