"""Copies of busy layers: no allocation within the budget is faster."""

import itertools

import numpy as np
import pytest

from hwsim.chip_cost.replication import replicas_within


@pytest.mark.parametrize("seed", range(40))
def test_the_busiest_layer_is_as_fast_as_any_allocation_makes_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_layers = int(rng.integers(1, 4))
    positions = rng.integers(1, 13, size=(1, n_layers))
    interval, extra = rng.integers(1, 4, size=(2, 1, n_layers))
    tiles = rng.integers(1, 4, size=(1, n_layers))
    budget = int(tiles.sum() + rng.integers(0, 12))

    def busiest(counts: np.ndarray) -> int:
        return int((extra + interval * -(-positions // counts)).max())

    found = replicas_within(positions, interval, interval + extra, tiles, budget)
    assert (found * tiles).sum() <= budget
    best = min(
        busiest(np.array([counts]))
        for counts in itertools.product(*(range(1, int(most) + 1) for most in positions[0]))
        if (np.array(counts) * tiles[0]).sum() <= budget
    )
    assert busiest(found) == best


def test_networks_are_independent_and_steps_without_tiles_stay() -> None:
    positions = np.array([[64, 16, 9], [4, 4, 9]])
    tiles = np.array([[1, 2, 0], [1, 1, 0]])
    ones = np.ones_like(positions)
    both = replicas_within(positions, ones, ones, tiles, 6)
    assert both[:, 2].tolist() == [1, 1]
    assert (
        both[0].tolist()
        == replicas_within(positions[:1], ones[:1], ones[:1], tiles[:1], 6)[0].tolist()
        == [4, 1, 1]
    )
