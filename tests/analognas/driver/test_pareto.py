from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from analognas.driver.pareto import hypervolume_curve, knee, pareto_front


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


def test_the_knee_bulges_most_whatever_the_units() -> None:
    front = np.array([[0.90, -10.0], [0.95, -20.0], [0.99, -40.0], [1.00, -200.0]])
    assert knee(front) == 2
    assert knee(front * [100.0, 1e6] + [3.0, -5.0]) == 2
    assert knee(front[:1]) == 0


def test_hypervolume_is_the_area_that_the_front_dominates() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((40, 2)) * [10.0, -500.0]
    counts = rng.random(40) < 0.7
    curve = hypervolume_curve(values, counts)
    low, high = values[counts].min(axis=0), values[counts].max(axis=0)
    low -= 0.1 * (high - low)
    box = low + rng.random((200_000, 2)) * (high - low)
    for n in (5, 20, 40):
        kept = values[:n][counts[:n]]
        share = (box[:, None, :] <= kept[None]).all(axis=2).any(axis=1).mean()
        assert curve[n - 1] == pytest.approx(share, abs=0.005)
    assert (np.diff(curve) >= 0).all()


def test_every_front_dominates_something() -> None:
    single = hypervolume_curve(np.array([[0.9, -500.0]]), np.ones(1, dtype=bool))
    assert single.tolist() == [1.0]
    ends = hypervolume_curve(np.array([[0.9, -500.0], [0.8, -100.0]]), np.ones(2, dtype=bool))
    assert ends == pytest.approx([0.1 / 1.1, 1 - (1 / 1.1) ** 2])


@pytest.mark.parametrize("width", [1, 2])
def test_hypervolume_copes_with_objectives_that_do_not_vary(width: int) -> None:
    values = np.ones((3, width))
    counts = np.array([False, True, True])
    assert hypervolume_curve(values, counts).tolist() == [0.0, 1.0, 1.0]
    values[1, 0] = 2.0
    assert hypervolume_curve(values, np.ones(3, dtype=bool)) == pytest.approx([0.1 / 1.1, 1.0, 1.0])
    assert hypervolume_curve(values, np.zeros(3, dtype=bool)).tolist() == [0.0, 0.0, 0.0]


def test_an_end_of_the_front_is_no_knee_whatever_goes_together() -> None:
    accuracy, size = np.array([0.21, 0.90, 0.91]), np.array([-894.0, -7_580.0, -12_640.0])
    assert knee(np.stack([accuracy, size, 3 * size], axis=1)) == 1
    assert (
        knee(np.stack([accuracy[1:], size[1:]], axis=1)) == 1
    )  # two ends: the better in the first objective
