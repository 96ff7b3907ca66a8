import numpy as np
import pytest

from analognas.errors import UserError
from analognas.tasks.stratified import stratified_indices


def rounded(y: np.ndarray, fractions: tuple[float, ...], seed: int) -> list[list[int]]:
    """Each class shuffled and cut at the rounded shares, whether or not that leaves a part empty."""
    rng = np.random.default_rng(seed)
    parts: list[list[int]] = [[] for _ in fractions]
    for label in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == label))
        cuts = np.rint(np.cumsum(fractions)[:-1] * len(members)).astype(int)
        for part, piece in zip(parts, np.split(members, cuts), strict=True):
            part.extend(piece.tolist())
    return [sorted(part) for part in parts]


@pytest.mark.parametrize("n", range(4, 40))
def test_parts_are_the_rounded_shares_where_no_part_is_left_empty(n) -> None:
    y, fractions = np.arange(3 * n) % 3, (0.6, 0.2, 0.2)
    found = stratified_indices(y, fractions, seed=n)
    assert [part.tolist() for part in found] == rounded(y, fractions, n)


@pytest.mark.parametrize("fractions", [(0.6, 0.2, 0.2), (0.98, 0.01, 0.01), (0.01, 0.01, 0.98), (0.9, 0.1)])
@pytest.mark.parametrize("n", range(2, 12))
def test_a_class_with_as_many_items_as_parts_has_one_in_each(n, fractions) -> None:
    y = np.repeat([0, 1], [n, 200])
    if n < len(fractions):
        with pytest.raises(UserError, match=rf"each of the {len(fractions)} splits, class cat has {n}; add"):
            stratified_indices(y, fractions, 0, ["cat", "dog"])
        return
    parts = stratified_indices(y, fractions, seed=0)
    assert all((y[part] == 0).any() for part in parts)
    assert sorted(np.concatenate(parts).tolist()) == list(range(n + 200))
