from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from analognas.report import pareto_front


def _by_definition(values: np.ndarray) -> list[bool]:
    """Larger is better in every column."""
    return [
        bool(np.isfinite(row).all())
        and not any(
            (other >= row).all() and (other > row).any() for other in values if np.isfinite(other).all()
        )
        for row in values
    ]


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_the_definition(columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # few distinct values, so that ties and equal rows are frequent
    values = rng.integers(0, 5, (60, columns)).astype(float)
    values[rng.random(values.shape) < 0.05] = np.nan
    names = [f"m{i}" for i in range(columns)]
    signs = dict(zip(names, rng.choice([-1, 1], columns).tolist(), strict=True))
    front = pareto_front(pd.DataFrame(values, columns=names), signs)
    assert front.tolist() == _by_definition(values * np.array(list(signs.values())))


def test_equal_rows_share_the_front() -> None:
    table = pd.DataFrame({"a": [1.0, 1.0, 0.5], "b": [2.0, 2.0, 1.0]})
    assert pareto_front(table, {"a": 1, "b": 1}).tolist() == [True, True, False]


def test_no_rows_no_front() -> None:
    assert pareto_front(pd.DataFrame({"a": []}), {"a": 1}).shape == (0,)


def test_ten_thousand_rows_take_well_under_a_second() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(10_000, 2)), columns=["a", "b"])
    start = time.perf_counter()
    front = pareto_front(table, {"a": 1, "b": 1})
    assert time.perf_counter() - start < 1
    assert 0 < front.sum() < 100


@pytest.mark.parametrize("objectives", [{}, {"a": 2}, {"a": 0}])
def test_signs_are_checked(objectives: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="`objectives` must map metrics"):
        pareto_front(pd.DataFrame({"a": [1.0]}), objectives)


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(KeyError):
        pareto_front(pd.DataFrame({"a": [1.0]}), {"b": 1})
