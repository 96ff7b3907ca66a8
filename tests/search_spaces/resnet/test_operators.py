"""Sampling, Latin hypercube, mutation, crossover: valid, canonical, distributed as they say."""

from __future__ import annotations

import numpy as np
import pytest

from search_spaces import MutationRates, ResNetSpace
from search_spaces.resnet.mutation import OPERATORS, draw_operators
from search_spaces.resnet.sampling import latin_hypercube

SPACES = [
    ResNetSpace(),
    ResNetSpace(input_shape=(3, 2, 2), m=(2, 4), r=(1, 2), b=(1, 1), ct="B", wf=(1, 2)),
    ResNetSpace(wf=(2, 3), m=(1, 4), max_width=100),
    ResNetSpace(ct="CA", skip=(1, 1), ks0=(3, 3), oc0=(16, 16)),
]


def assert_valid(space: ResNetSpace, population: np.ndarray) -> None:
    assert population.dtype == np.int64
    assert set(space.problems(population)) <= {""}
    np.testing.assert_array_equal(space.canonical(population), population)


@pytest.mark.parametrize("space", SPACES)
def test_every_operator_returns_valid_canonical_rows(space: ResNetSpace) -> None:
    rng = np.random.default_rng(0)
    first, second = space.sample(2000, rng), space.latin_hypercube(2000, rng)
    before = first.copy(), second.copy()
    for population in (first, second, space.mutate(first, rng), space.crossover(first, second, rng)):
        assert population.shape == (2000, space.ranges.n_genes)
        assert_valid(space, population)
    np.testing.assert_array_equal(first, before[0])
    np.testing.assert_array_equal(second, before[1])


@pytest.mark.parametrize("space", SPACES)
def test_no_rows_are_no_problem(space: ResNetSpace) -> None:
    rng = np.random.default_rng(0)
    none = space.sample(0, rng)
    assert none.shape == (0, space.ranges.n_genes)
    assert len(space.latin_hypercube(0, rng)) == len(space.mutate(none, rng)) == len(space.encode(none)) == 0
    assert space.crossover(none, none, rng).shape == none.shape
    assert space.problems(none) == []


@pytest.mark.parametrize("space", SPACES)
def test_children_differ_from_their_parents(space: ResNetSpace) -> None:
    rng = np.random.default_rng(1)
    parents = space.sample(5000, rng)
    for _ in range(4):
        children = space.mutate(parents, rng)
        assert (children != parents).any(axis=1).all()
        parents = children


def test_a_space_of_one_network_returns_it() -> None:
    space = ResNetSpace(oc0=(8, 8), ks0=(3, 3), m=(1, 1), r=(2, 2), b=(1, 1), ct="A", wf=(1, 1), skip=(1, 1))
    assert space.size() == 1
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(space.mutate(space.sample(3, rng), rng), space.sample(3, rng))


@pytest.mark.parametrize("rates", [MutationRates(), MutationRates(depth=0, width=0, others=1)])
def test_a_space_of_two_networks_gives_the_other_one(rates: MutationRates) -> None:
    # The second rates allow only changes that these ranges leave no room for.
    space = ResNetSpace(
        oc0=(8, 8),
        ks0=(3, 3),
        m=(1, 1),
        r=(1, 1),
        b=(1, 1),
        ct="AB",
        wf=(1, 1),
        skip=(1, 1),
        rates=rates,
    )
    rng = np.random.default_rng(0)
    parents = space.sample(100, rng)
    assert (space.mutate(parents, rng)[:, 5] == 1 - parents[:, 5]).all()


def test_the_same_generator_gives_the_same_population() -> None:
    space = SPACES[0]

    def drawn(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        first, second = space.sample(50, rng), space.latin_hypercube(50, rng)
        return [first, second, space.mutate(first, rng), space.crossover(first, second, rng)]

    for one, same, other in zip(drawn(3), drawn(3), drawn(4), strict=True):
        np.testing.assert_array_equal(one, same)
        assert (one != other).any()


def test_latin_hypercube_puts_one_row_in_every_stratum() -> None:
    # 3 x 5 x 4 x 2 = 120 rows: every range below divides it, so every value must appear equally often.
    space = ResNetSpace(
        input_shape=(1, 64, 64), oc0=(8, 127), ks0=(3, 7), m=(1, 5), r=(1, 12), b=(1, 12), max_width=2**20
    )
    rows = latin_hypercube(120, space.ranges, np.random.default_rng(0))
    for gene, values in enumerate(rows.T):
        counts = np.unique(values, return_counts=True)[1]
        assert set(counts.tolist()) == {120 // len(counts)}, gene
    # At 64 x 64 every main block strides, so that nothing merges and the canonical rows keep their strata.
    drawn = space.latin_hypercube(120, np.random.default_rng(0))
    assert sorted(drawn[:, 0].tolist()) == list(range(8, 128))
    assert np.bincount(drawn[:, 2]).tolist() == [0, 24, 24, 24, 24, 24]


def test_random_samples_cover_every_value_evenly() -> None:
    space = ResNetSpace(input_shape=(1, 64, 64), max_width=2**20)
    drawn = space.sample(20_000, np.random.default_rng(0))
    blocks, active = space.ranges.blocks(drawn), space.ranges.active(drawn)
    for values, choices in (
        (drawn[:, 0], 121),
        (drawn[:, 1], 5),
        (drawn[:, 2], 5),
        (blocks[:, :, 0][active], 16),
        (blocks[:, :, 1][active], 12),
        (blocks[:, :, 2][active], 4),
        (blocks[:, :, 3][active], 4),
        (blocks[:, :, 4][active], 2),
    ):
        counts = np.unique(values, return_counts=True)[1]
        expected = len(values) / choices
        chi_square = ((counts - expected) ** 2 / expected).sum()
        assert len(counts) == choices
        # Six standard deviations of a chi-square with `choices - 1` degrees of freedom.
        assert chi_square < choices - 1 + 6 * np.sqrt(2 * (choices - 1))


def test_operator_classes_strike_as_often_as_published() -> None:
    space = SPACES[0]
    chosen = draw_operators(40_000, space.ranges, MutationRates(), np.random.default_rng(0))
    struck = chosen >= 0
    np.testing.assert_allclose(struck.mean(axis=0), [0.8, 0.8, 0.5], atol=0.012)
    np.testing.assert_allclose((struck[:, 0] & struck[:, 1]).mean(), 0.64, atol=0.015)
    for column, operators in enumerate(OPERATORS):
        share = np.bincount(chosen[struck[:, column], column]) / struck[:, column].sum()
        np.testing.assert_allclose(share, np.full(len(operators), 1 / len(operators)), atol=0.015)


def test_operators_without_room_are_left_out() -> None:
    space = ResNetSpace(m=(2, 2), ct="A", ks0=(3, 3), skip=(1, 1))
    chosen = draw_operators(1000, space.ranges, MutationRates(), np.random.default_rng(0))
    assert set(chosen[:, 0].tolist()) == {-1, OPERATORS[0].index("residual block")}
    assert set(chosen[:, 2].tolist()) == {-1}


@pytest.mark.parametrize(
    ("rates", "changed"),
    [
        (MutationRates(depth=1, width=0, others=0), {"M", "R", "CT"}),
        (MutationRates(depth=0, width=1, others=0), {"WF", "B", "OC0"}),
        (MutationRates(depth=0, width=0, others=1), {"KS0", "skip"}),
    ],
)
def test_each_class_changes_one_of_its_genes(rates: MutationRates, changed: set[str]) -> None:
    space = ResNetSpace(input_shape=(1, 64, 64), m=(1, 4), max_width=2**20, rates=rates)
    rng = np.random.default_rng(0)
    parents = space.sample(4000, rng)
    children = space.mutate(parents, rng)
    same_depth = parents[:, 2] == children[:, 2]
    assert same_depth.all() == ("M" not in changed)
    different = (parents != children)[same_depth]
    assert (different.sum(axis=1) == 1).all()
    names = np.array(["OC0", "KS0", "M", *["R", "B", "CT", "WF", "skip"] * 4])
    assert set(names[different.any(axis=0)].tolist()) == changed - {"M"}
    steps = np.abs(parents - children)[same_depth]
    for gene in ("R", "B"):
        assert steps[:, names == gene].max(initial=0) <= 1
    if "M" in changed:
        deeper = ~same_depth
        assert (np.abs(parents[deeper, 2] - children[deeper, 2]) == 1).all()
        assert 0.25 < deeper.mean() < 0.42, "one of three operators"


def test_a_main_block_is_inserted_or_removed_whole_anywhere() -> None:
    rates = MutationRates(depth=1, width=0, others=0)
    space = ResNetSpace(input_shape=(1, 64, 64), m=(1, 5), max_width=2**20, rates=rates)
    rng = np.random.default_rng(0)
    parents = space.sample(6000, rng)
    children = space.mutate(parents, rng)
    places = set()
    for parent, child in zip(parents, children, strict=True):
        if parent[2] == child[2]:
            continue
        short, long = sorted((parent, child), key=lambda row: int(row[2]))
        few, many = (row[3 : 3 + 5 * row[2]].reshape(-1, 5).tolist() for row in (short, long))
        gaps = [place for place in range(len(many)) if many[:place] + many[place + 1 :] == few]
        assert gaps, "the deeper network is the other one with one main block more"
        places.add((len(many), gaps[0]))
    assert {place for place in places if place[0] == 5} == {(5, place) for place in range(5)}


def test_steps_to_the_maximum_are_as_rare_as_asked() -> None:
    def share_at_maximum(to_maximum: float) -> float:
        rates = MutationRates(depth=0, width=1, others=0, to_maximum=to_maximum)
        space = ResNetSpace(m=(1, 1), wf=(1, 2), b=(1, 1), oc0=(8, 8), skip=(0, 1), rates=rates)
        parents = np.tile(np.array([[8, 3, 1, 1, 1, 0, 1, 1]]), (4000, 1))
        # With one gene to change, refused steps would be drawn again: look at the first draw alone.
        from search_spaces.resnet.mutation import _struck

        return float((_struck(parents, space.ranges, rates, np.random.default_rng(0))[:, 6] == 2).mean())

    assert share_at_maximum(1.0) == 1.0
    assert abs(share_at_maximum(0.2) - 0.2) < 0.03


def test_crossover_takes_whole_main_blocks_from_either_parent() -> None:
    space = ResNetSpace(input_shape=(1, 64, 64), max_width=2**20)
    rng = np.random.default_rng(0)
    first, second = space.sample(3000, rng), space.sample(3000, rng)
    child = space.crossover(first, second, rng)
    for gene in range(3):
        assert ((child[:, gene] == first[:, gene]) | (child[:, gene] == second[:, gene])).all()
    blocks = [space.ranges.blocks(rows) for rows in (child, first, second)]
    active = space.ranges.active(child)
    from_first = (blocks[0] == blocks[1]).all(axis=2)
    from_second = (blocks[0] == blocks[2]).all(axis=2)
    assert (from_first | from_second)[active].all()
    both = active & space.ranges.active(first) & space.ranges.active(second)
    assert abs(from_first[both].mean() - 0.5) < 0.03


def test_crossover_wants_pairs() -> None:
    space = SPACES[0]
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"must come in pairs, got shapes \(2, 28\) and \(3, 28\)"):
        space.crossover(space.sample(2, rng), space.sample(3, rng), rng)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({"depth": 1.5}, "`depth` must be a probability, got 1.5"),
        ({"depth": 0, "width": 0, "others": 0}, "at least one of"),
    ],
)
def test_impossible_rates(rates: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MutationRates(**rates)
