"""The NAS-Bench-201 space: counts against built networks, operators, features, descriptions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import fx

from search_spaces import NasBench201Space, count_network, genotypes


def test_the_largest_network_costs_what_the_benchmark_says() -> None:
    space = NasBench201Space()
    largest = np.array([[2, 2, 2, 2, 2, 2]])
    # NATS-Bench lists 1.531546 M parameters and 220.12 M multiply-accumulates.
    assert space.parameters(largest).tolist() == [1_531_546]
    assert space.macs(largest).tolist() == [220_119_680]
    assert count_network(space.build((2,) * 6), (3, 32, 32)) == (1_531_546, 220_119_680)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (1, 49, 10), (2, 1, 3)])
def test_counts_and_shapes_of_built_networks(shape: tuple[int, int, int]) -> None:
    space = NasBench201Space(shape, 7, channels=4, cells_per_stage=1, merge_isomorphic=False)
    population = space.sample(50, np.random.default_rng(0))
    counted = list(zip(space.parameters(population).tolist(), space.macs(population).tolist(), strict=True))
    networks = [space.build(genotype) for genotype in genotypes(population)]
    assert counted == [count_network(network, shape) for network in networks]
    for network in networks[:10]:
        network.eval()
        x = torch.randn(3, *shape)
        logits = network(x)
        assert logits.shape == (3, 7)
        torch.testing.assert_close(fx.symbolic_trace(network)(x), logits, rtol=0, atol=0)


def test_every_weight_of_a_cell_takes_part() -> None:
    space = NasBench201Space((1, 8, 8), 3, channels=4, cells_per_stage=1)
    for genotype in genotypes(space.sample(30, np.random.default_rng(1))):
        network = space.build(genotype).train()
        network(torch.randn(4, 1, 8, 8)).square().sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())


def test_building_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    NasBench201Space(cells_per_stage=1).build((2, 3, 0, 4, 2, 0))
    torch.testing.assert_close(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("merge", [True, False])
def test_operators_return_valid_canonical_cells(merge: bool) -> None:
    space = NasBench201Space(merge_isomorphic=merge)
    rng = np.random.default_rng(0)
    first, second = space.sample(3000, rng), space.latin_hypercube(3000, rng)
    children = space.mutate(first, rng)
    assert (children != first).any(axis=1).all()
    for population in (first, second, children, space.crossover(first, second, rng)):
        assert set(space.problems(population)) == {""}
        np.testing.assert_array_equal(space.canonical(population), population)
    for n in (0, 1):
        none = space.sample(n, rng)
        assert (
            len(space.latin_hypercube(n, rng)) == len(space.mutate(none, rng)) == len(space.encode(none)) == n
        )


def test_a_mutation_changes_one_edge() -> None:
    space = NasBench201Space(merge_isomorphic=False)
    rng = np.random.default_rng(0)
    parents = space.sample(6000, rng)
    different = parents != space.mutate(parents, rng)
    assert (different.sum(axis=1) == 1).all()
    np.testing.assert_allclose(different.mean(axis=0), 1 / 6, atol=0.03)


def test_a_latin_hypercube_has_every_operation_equally_often() -> None:
    space = NasBench201Space(merge_isomorphic=False)
    drawn = space.latin_hypercube(1000, np.random.default_rng(0))
    for edge in drawn.T:
        # 200 each, but for the few per cent of unconnected cells that were changed.
        np.testing.assert_allclose(np.bincount(edge, minlength=5), 200, atol=20)


def test_crossover_wants_pairs() -> None:
    space = NasBench201Space()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must come in pairs"):
        space.crossover(space.sample(2, rng), space.sample(3, rng), rng)


def test_problems() -> None:
    space = NasBench201Space()
    reasons = space.problems(np.array([[2, 2, 2, 2, 2, 2], [2, 1, 1, 1, 1, 2], [5, 2, 2, 2, 2, 2]]))
    assert reasons == [
        "",
        "no path of operations leads from the cell's input to its output",
        "an operation must lie within 0 to 4",
    ]
    with pytest.raises(ValueError, match="describes no network of this space: no path"):
        space.build((1, 1, 1, 1, 1, 1))


def test_rows_of_another_space_are_refused() -> None:
    space = NasBench201Space()
    for method in (space.canonical, space.encode, space.parameters, space.macs, space.matrices):
        with pytest.raises(ValueError, match=r"a population must be \(n, 6\), got shape \(1, 5\)"):
            method(np.zeros((1, 5), dtype=np.int64))
        for code in (-1, 5):
            with pytest.raises(ValueError, match=f"an operation must lie within 0 to 4, got {code}"):
                method(np.array([[2, 2, 2, code, 2, 2]]))
    with pytest.raises(ValueError, match=r"a population must be \(n, 6\), got shape \(1, 5\)"):
        space.problems(np.zeros((1, 5), dtype=np.int64))


def test_equal_cells_have_equal_costs_and_features() -> None:
    apart = NasBench201Space(merge_isomorphic=False)
    raw = apart.sample(3000, np.random.default_rng(2))
    space = NasBench201Space()
    canonical = space.canonical(raw)
    assert (canonical != raw).any()
    np.testing.assert_array_equal(space.parameters(raw), space.parameters(canonical))
    np.testing.assert_array_equal(space.macs(raw), space.macs(canonical))
    for encoder in (space, apart):
        np.testing.assert_array_equal(encoder.encode(raw).to_numpy(), space.encode(canonical).to_numpy())


def test_features_of_a_known_cell() -> None:
    space = NasBench201Space()
    cell = np.array([[2, 1, 0, 3, 1, 4]])
    np.testing.assert_array_equal(space.canonical(cell), cell)
    features = space.encode(cell)
    assert features.to_numpy().dtype == np.float32
    row = features.iloc[0]
    ones = {name for name in features.columns if "to" in name and row[name] == 1}
    assert ones == {"0to1_conv3", "0to2_none", "0to3_skip", "1to2_conv1", "1to3_none", "2to3_pool"}
    assert {name for name in features.columns if name.startswith("path_") and row[name] == 1} == {
        "path_skip",
        "path_conv3_conv1_pool",
    }
    assert row[
        ["live_edges", "paths", "most_convolutions_in_a_row", "fewest_convolutions_in_a_row"]
    ].tolist() == [
        4,
        2,
        2,
        0,
    ]


def test_descriptions_survive_json_and_parsing() -> None:
    space = NasBench201Space()
    for genotype in genotypes(space.sample(200, np.random.default_rng(0))):
        description = json.loads(json.dumps(space.describe(genotype)))
        assert space.parse(description) == genotype
        assert (
            space.parse({"arch": description["arch"]})
            == space.parse({"codes": description["codes"]})
            == genotype
        )


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ({}, "must have the key `arch` or `codes`"),
        ({"cell": "x"}, "must have the key `arch` or `codes`"),
        ({"codes": [0, 1]}, "`codes` must be 6 integers"),
        ({"codes": [0, 1, 2, 3, 4, 7]}, "must lie within 0 to 4"),
        (
            {"codes": [2] * 6, "arch": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"},
            "must describe the same cell",
        ),
    ],
)
def test_other_architectures_are_refused(architecture: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NasBench201Space().parse(architecture)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (3, 32)}, "`input_shape` must be"),
        ({"channels": 0}, "`channels >= 1` must hold, got 0"),
        ({"cells_per_stage": 0}, "`cells_per_stage >= 1` must hold, got 0"),
    ],
)
def test_impossible_skeletons(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NasBench201Space(**arguments)
