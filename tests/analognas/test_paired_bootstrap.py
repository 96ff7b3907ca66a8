"""Intervals of paired differences: closed forms at their edges, and how often they hold the truth."""

import math

import numpy as np
import pytest
from scipy.stats import t

from analognas.paired_bootstrap import Correct, difference

Pairs = list[tuple[list[Correct], list[Correct]]]


def drawn(rng: np.random.Generator, shape: tuple[int, int], share: float = 0.8) -> Correct:
    return np.asarray(rng.random(shape) < share)


def test_equal_networks_do_not_differ_at_all() -> None:
    rng = np.random.default_rng(0)
    networks = [drawn(rng, (4, 50)) for _ in range(3)]
    found = difference([([network], [network]) for network in networks])
    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert found.level


def test_the_mean_is_that_of_the_accuracies_over_the_chips_that_both_have() -> None:
    rng = np.random.default_rng(1)
    pairs = [([drawn(rng, (5, 40), 0.9)], [drawn(rng, (3, 40), 0.7)]) for _ in range(4)]
    found = difference(pairs)
    assert found.mean == pytest.approx(np.mean([a[:3].mean() - b.mean() for [a], [b] in pairs]))
    assert found.low < found.mean < found.high
    assert (found.seeds, found.chips, found.images) == (4, 3, 40)
    turned = difference([(b, a) for a, b in pairs])
    assert turned.mean == pytest.approx(-found.mean)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low), abs=0.01)


def test_of_a_single_chip_the_images_alone_vary() -> None:
    rng = np.random.default_rng(2)
    first, second = drawn(rng, (1, 2000), 0.85), drawn(rng, (1, 2000), 0.8)
    found = difference([([first], [second])])
    by_image = first[0].astype(float) - second[0]
    half = 1.96 * by_image.std() / math.sqrt(2000)
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half), abs=0.06 * half)


def networks_with(accuracies: list[float], chips: int = 20, images: int = 10) -> list[Correct]:
    """Networks that are right on every image on a share of their chips, so that no image says more than another."""
    return [
        np.repeat((np.arange(chips) < round(share * chips))[:, None], images, axis=1) for share in accuracies
    ]


@pytest.mark.parametrize("seeds", [3, 5, 12])
def test_where_no_image_differs_the_seeds_give_nearly_students_interval(seeds) -> None:
    accuracies = [round(0.5 + 0.3 * math.sin(1.7 * seed), 2) for seed in range(seeds)]
    pairs = [([network], [np.zeros_like(network)]) for network in networks_with(accuracies)]
    values = np.array([first.mean() for [first], _ in pairs])
    half = t.ppf(0.975, seeds - 1) * values.std(ddof=1) / math.sqrt(seeds)
    found = difference(pairs)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.2)


def test_one_seed_holds_chips_and_images_and_says_so() -> None:
    one = difference([(networks_with([0.7]), networks_with([0.2]))])
    by_chip = np.repeat([1.0, 0.0], [10, 10])
    half = t.ppf(0.975, 19) * by_chip.std(ddof=1) / math.sqrt(20)
    assert (one.high - one.low) / 2 == pytest.approx(half, rel=0.1)
    assert one.held == "20 chips and 10 test images of one seed, and not another seed"
    two = difference([([drawn(np.random.default_rng(s), (2, 9))], [np.ones((2, 9), bool)]) for s in range(2)])
    assert two.held == "2 seeds, each with its 2 chips, and 9 test images"


def simulated(rng: np.random.Generator, seeds: int, chips: int, images: int = 200) -> Pairs:
    """Pairs whose mean difference is 0 over all images, seeds and chips there could be."""
    hardness, of_image = rng.normal(1.5, 1.5, images), rng.normal(0, 0.5, images)
    pairs = []
    for _ in range(seeds):
        of_seed, of_chip = rng.normal(0, 0.5), rng.normal(0, 0.3, (chips, 1))
        first, second = (
            hardness
            + sign * (of_image + of_seed + of_chip) / 2
            + rng.normal(0, 0.4, images)
            + rng.normal(0, 0.4, (chips, images))
            > 0
            for sign in (1, -1)
        )
        pairs.append(([first], [second]))
    return pairs


@pytest.mark.parametrize(("seeds", "chips"), [(2, 3), (3, 4), (5, 4), (10, 2)])
def test_the_interval_holds_the_truth_nineteen_times_in_twenty(seeds, chips) -> None:
    rng = np.random.default_rng(seeds)
    found = [difference(simulated(rng, seeds, chips), draws=500, seed=n) for n in range(200)]
    assert np.mean([one.level for one in found]) >= 0.91
    spread = np.std([one.mean for one in found])
    half = np.mean([one.high - one.low for one in found]) / 2
    assert half < 1.6 * t.ppf(0.975, seeds - 1) * spread, "no wider than it must be"


@pytest.mark.parametrize(("first", "second"), [(2, 2), (3, 3), (2, 4), (1, 3)])
def test_where_no_image_differs_trainings_give_nearly_students_interval_of_two_samples(first, second) -> None:
    accuracies = [round(0.5 + 0.1 * math.sin(1.7 * n), 2) for n in range(first + second)]
    networks = networks_with(accuracies, chips=100)
    found = difference([(networks[:first], networks[first:])])
    squares = sum(len(part) * np.var(part) for part in (accuracies[:first], accuracies[first:]))
    freedom = first + second - 2
    half = t.ppf(0.975, freedom) * math.sqrt(squares / freedom * (1 / first + 1 / second))
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.25)
    assert found.trainings == max(first, second)
    assert "trainings of each network on 100 chips" in found.held


def trained(rng: np.random.Generator, times: tuple[int, int], chips: int = 5, images: int = 200) -> Pairs:
    """Two networks that are equally good over all trainings, so many trainings of each."""
    hardness = rng.normal(1.5, 1.5, images)
    first, second = (
        [
            hardness
            + rng.normal(0, 0.5)
            + rng.normal(0, 0.2, (chips, 1))
            + rng.normal(0, 0.4, (chips, images))
            > 0
            for _ in range(number)
        ]
        for number in times
    )
    return [(first, second)]


@pytest.mark.parametrize("times", [(2, 2), (2, 4), (1, 3)])
def test_trainings_hold_the_truth_nineteen_times_in_twenty(times) -> None:
    rng = np.random.default_rng(0)
    pairs = [trained(rng, times) for _ in range(300)]
    assert np.mean([difference(pair, draws=500, seed=n).level for n, pair in enumerate(pairs)]) >= 0.92
    pooled = [([np.concatenate(first)], [np.concatenate(second)]) for [(first, second)] in pairs]
    assert np.mean([difference([pair], draws=500, seed=n).level for n, pair in enumerate(pooled)]) < 0.7


def test_trainings_of_one_network_differ_in_nothing_from_themselves() -> None:
    [(network, _)] = trained(np.random.default_rng(0), (2, 2))
    found = difference([(network, network)])
    assert (found.mean, found.low, found.high, found.trainings) == (0, 0, 0, 2)


def test_one_seed_does_not_know_how_far_another_one_would_be() -> None:
    rng = np.random.default_rng(0)
    found = [difference(simulated(rng, 1, 25), draws=500, seed=n) for n in range(150)]
    assert np.mean([one.level for one in found]) < 0.85


def test_a_difference_that_is_there_is_found() -> None:
    rng = np.random.default_rng(0)
    pairs = [([drawn(rng, (4, 500), 0.95)], [drawn(rng, (4, 500), 0.8)]) for _ in range(5)]
    found = difference(pairs)
    assert not found.level
    assert 0 < found.low < 0.15 < found.high
    assert str(found).startswith(f"{100 * found.mean:+.2f} [+")


def test_the_same_pairs_give_the_same_interval_and_another_seed_nearly_the_same() -> None:
    pairs = simulated(np.random.default_rng(5), 5, 4)
    one, again, other = difference(pairs), difference(pairs), difference(pairs, seed=1)
    assert one == again
    assert (one.high - one.low) == pytest.approx(other.high - other.low, rel=0.15)


def test_no_interval_leaves_what_accuracies_can_differ_by() -> None:
    right, wrong = [np.ones((2, 9), bool)], [np.zeros((2, 9), bool)]
    pairs = [(right, wrong), (wrong, wrong)]
    found = difference(pairs)
    assert (found.low, found.high) == (-1, 1)


def test_what_cannot_be_compared_is_told() -> None:
    with pytest.raises(ValueError, match="at least one pair"):
        difference([])
    with pytest.raises(ValueError, match=r"the same test images, got \[4, 5\]"):
        difference([([np.ones((1, 4), bool)], [np.ones((1, 5), bool)])])
    with pytest.raises(ValueError, match="each with a training at least"):
        difference([([np.ones((1, 4), bool)], [])])
