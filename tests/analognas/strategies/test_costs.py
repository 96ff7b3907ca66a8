"""Tiles and utilisation from the genotype equal those of the analog network, and bound a search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hwsim
from analognas.config.sections import ConstraintsSpec
from analognas.evaluation.measure import BITS, MEASURED
from analognas.metrics import HARD_METRICS, TABLE
from analognas.strategies import History, Objective, SearchProblem, explain_rejections
from analognas.strategies.costs import CHIP_COSTS, COSTS, cost_functions, network_costs
from analognas.strategies.random import RandomSearch
from analognas.strategies.start_from import given_candidate, reference_candidate
from analognas.strategies.worth import broken_bounds
from hwsim.chip_cost.network_costs import ChipUse
from search_spaces import NasBench201Space, ResNetSpace, genotypes, published, published_names

TILES = [(512, 512), (256, 256), (128, 64), (33, 70), (16, 200)]
SHAPE = (3, 32, 32)
NARROW = ResNetSpace(SHAPE, 10, oc0=(4, 40), m=(1, 3), r=(1, 2), b=(1, 3), max_width=96)


def hardware(rows: int, columns: int) -> hwsim.Hardware:
    return hwsim.preset("ideal-8bit").replace({"tile.rows": rows, "tile.columns": columns})


def built_costs(network: Any, on: hwsim.Hardware) -> tuple[int, float]:
    tiles = hwsim.tile_map(hwsim.to_analog(network, on))
    return tiles.n_tiles, tiles.utilisation


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize(
    "space",
    [
        NARROW,
        ResNetSpace(
            (1, 12, 20), 7, oc0=(3, 90), m=(1, 2), r=(1, 2), b=(1, 2), max_width=180, bottleneck="quarter"
        ),
        NasBench201Space((3, 8, 8), 5, channels=12, cells_per_stage=1),
    ],
)
def test_tiles_and_utilisation_are_those_of_the_built_networks(space, tile: tuple[int, int]) -> None:
    on = hardware(*tile)
    population = space.sample(25, np.random.default_rng(tile[0]))
    costs = cost_functions(space, on)
    counted = zip(costs["tiles"](population).tolist(), costs["utilisation"](population).tolist(), strict=True)
    assert list(counted) == [built_costs(space.build(genotype), on) for genotype in genotypes(population)]


@pytest.mark.parametrize("tile", [(512, 512), (128, 64), (8, 5)])
@pytest.mark.parametrize("name", [name for name in published_names() if not name.endswith(("t1m", "t400"))])
def test_published_networks_depthwise_ones_included(name: str, tile: tuple[int, int]) -> None:
    network, on = published(name, SHAPE, 10), hardware(*tile)
    costs = network_costs(network, SHAPE, on)
    assert (costs["tiles"], costs["utilisation"]) == built_costs(network, on)


@pytest.mark.parametrize(("size", "tiles"), [(512, 43), (256, 62)])
def test_resnet32_takes_the_published_tiles(size: int, tiles: int) -> None:
    costs = network_costs(published("resnet32", SHAPE, 10), SHAPE, hardware(size, size))
    assert costs["tiles"] == tiles
    assert costs["utilisation"] == pytest.approx(464_432 / (tiles * size**2))


def problem(**bounds: float) -> SearchProblem:
    return SearchProblem(NARROW, Objective("accuracy_1d", 1), bounds, hardware=hardware(128, 64))


def test_a_bound_on_tiles_is_met_to_the_tile() -> None:
    population = NARROW.sample(500, np.random.default_rng(0))
    tiles = problem().costs["tiles"](population)
    np.testing.assert_array_equal(problem(tiles=20).admissible(population), tiles <= 20)
    np.testing.assert_array_equal(problem(tiles=20).share_of_bounds(population), tiles / 20)
    both = problem(tiles=20, parameters=20_000)
    expected = (tiles <= 20) & (NARROW.parameters(population) <= 20_000)
    np.testing.assert_array_equal(both.admissible(population), expected)
    assert both.hard_bounds == {"parameters": 20_000, "tiles": 20}


def test_a_bound_on_tiles_needs_hardware() -> None:
    with pytest.raises(ValueError, match="a bound on `tiles` needs `hardware`, got None"):
        replace(problem(tiles=20), hardware=None)


def test_tiles_and_utilisation_are_objectives_that_need_not_be_measured() -> None:
    searched = replace(problem(), further=(Objective("tiles", -1), Objective("utilisation", 1)))
    population = NARROW.sample(5, np.random.default_rng(0))
    metrics = pd.DataFrame({"accuracy_1d": np.linspace(0.1, 0.9, 5)})
    values = searched.values(population, metrics)
    np.testing.assert_array_equal(values[:, 1], -searched.costs["tiles"](population))
    np.testing.assert_array_equal(values[:, 2], searched.costs["utilisation"](population))
    np.testing.assert_array_equal(searched.values(population, metrics.assign(tiles=7.0))[:, 1], [-7.0] * 5)


def test_a_known_network_beyond_the_bound_is_no_candidate() -> None:
    assert reference_candidate(problem(tiles=21), "resnet8") is not None
    assert reference_candidate(problem(tiles=20), "resnet8") is None
    with pytest.raises(ValueError, match=r"`tiles <= 5` must hold, got \d+$"):
        given_candidate(
            problem(tiles=5),
            {"OC0": 40, "KS0": 3, "M": 1, "blocks": [{"R": 2, "B": 3, "CT": "B", "WF": 2, "skip": True}]},
        )


def test_a_random_search_under_few_tiles_does_not_end_early() -> None:
    wide = ResNetSpace(SHAPE, 10)
    tight = SearchProblem(wide, Objective("accuracy_1d", 1), {"tiles": 8}, hardware=hwsim.Hardware())
    assert tight.admissible(wide.sample(20_000, np.random.default_rng(0))).mean() < 0.005
    population = wide.sample(0, np.random.default_rng(0))
    for call in range(10):
        past = History(population, pd.DataFrame({"accuracy_1d": np.ones(len(population))}), population[:0])
        proposals = RandomSearch().ask(tight, past, 4, np.random.default_rng(call))
        assert len(proposals) == 4
        population = np.concatenate([population, [proposal.genotype for proposal in proposals]])
    assert tight.costs["tiles"](population).max() <= 8


def test_a_bound_that_nothing_meets_says_the_smallest_found() -> None:
    tight = problem(tiles=2)
    smallest = int(tight.costs["tiles"](NARROW.sample(10_000, np.random.default_rng(0))).min())
    text = explain_rejections(tight, np.random.default_rng(0))
    assert f"`tiles <= 2` rejects 10,000 (the smallest found has {smallest})" in text


def test_every_metric_has_one_formula() -> None:
    formulas = [*MEASURED, *BITS, "digital_accuracy", "digital_bits", "training_loss", *COSTS]
    assert sorted(formulas) == sorted(TABLE)


def test_every_hard_metric_has_a_cost_and_every_bounded_one_a_field() -> None:
    costs = cost_functions(NARROW, hardware(256, 256), ChipUse.of(hwsim.chip("hermes-64core")))
    assert set(HARD_METRICS) <= set(costs) <= set(TABLE)
    bounded = {name: metric for name, metric in TABLE.items() if metric.bound}
    assert set(ConstraintsSpec.model_fields) == set(bounded)
    for name, metric in bounded.items():
        assert metric.bounded in (ConstraintsSpec.model_fields[name].description or "")


def on_chip(**bounds: float) -> SearchProblem:
    use = ChipUse.of(hwsim.chip("hermes-64core"))
    return replace(problem(), upper_bounds=bounds, hardware=use.chip.hardware, use=use)


def test_costs_of_a_chip_are_those_of_the_built_networks() -> None:
    searched = on_chip()
    population = NARROW.sample(6, np.random.default_rng(0))
    costs = {name: searched.costs[name](population).tolist() for name in CHIP_COSTS}
    for row, genotype in enumerate(genotypes(population)):
        found = hwsim.cost(
            NARROW.build(genotype), {"chip": "hermes-64core", "tiles": 10**6}, input_shape=SHAPE
        )
        assert {name: values[row] for name, values in costs.items()} == {
            "tiles_packed": found.tiles_packed,
            "energy_uj": found.energy_uj,
            "latency_us": found.latency_us,
            "area_mm2": found.area_mm2["core"],
            "inferences_per_j": found.inferences_per_j,
        }


def test_a_bound_on_a_cost_of_a_chip_is_checked_before_any_training() -> None:
    population = NARROW.sample(200, np.random.default_rng(0))
    energy = on_chip().costs["energy_uj"](population)
    bound = float(np.median(energy))
    np.testing.assert_array_equal(on_chip(energy_uj=bound).admissible(population), energy <= bound)
    with pytest.raises(ValueError, match="a bound on `energy_uj` needs a described `chip`, got None"):
        replace(on_chip(energy_uj=bound), use=None)
    text = explain_rejections(on_chip(energy_uj=1.0), np.random.default_rng(0))
    assert "`energy_uj <= 1` rejects 10,000 (the smallest found has " in text


def test_a_bound_where_more_is_better_is_a_lower_one() -> None:
    population = NARROW.sample(200, np.random.default_rng(0))
    for name in ("utilisation", "inferences_per_j"):
        values = on_chip().costs[name](population)
        bound = float(np.median(values))
        bounded = on_chip(**{name: bound})
        np.testing.assert_array_equal(bounded.admissible(population), values >= bound)
        np.testing.assert_array_equal(bounded.share_of_bounds(population) <= 1, values >= bound)
    assert TABLE["area_mm2"].share(np.array([0.4, 0.9]), 0.5).tolist() == pytest.approx([0.8, 1.8])
    text = explain_rejections(on_chip(inferences_per_j=1e9), np.random.default_rng(0))
    assert "`inferences_per_j >= 1,000,000,000` rejects 10,000 (the largest found has " in text
    assert broken_bounds({"utilisation": 0.1}, {"utilisation": 0.3}) == {"utilisation": pytest.approx(0.2)}


def test_a_chip_without_areas_has_no_cost_of_area() -> None:
    assert "area_mm2" not in cost_functions(NARROW, None, ChipUse.of(hwsim.chip("analognas-2dmesh")))
