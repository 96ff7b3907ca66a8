"""Equal networks have equal canonical rows: checked against the traced networks themselves."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from torch import fx, nn

from search_spaces import Genotype, ResNetSpace, genotypes
from search_spaces.resnet.network import build


def every_genotype(space: ResNetSpace) -> np.ndarray:
    """Every combination of gene values, inactive genes at 0, networks that cannot be built left out."""
    ranges = space.ranges
    span = lambda bounds: range(bounds[0], bounds[1] + 1)  # noqa: E731  # local shorthand
    kinds = list(product(span(ranges.r), span(ranges.b), ranges.types, span(ranges.wf), span(ranges.skip)))
    rows = []
    for m in span(ranges.m):
        padding = [0] * 5 * (ranges.m[1] - m)
        for blocks in product(kinds, repeat=m):
            genes = [gene for block in blocks for gene in block]
            rows += [
                [oc0, ks0, m, *genes, *padding] for oc0, ks0 in product(span(ranges.oc0), span(ranges.ks0))
            ]
    population = np.array(rows, dtype=np.int64)
    return population[np.array([reason == "" for reason in space.problems(population)])]


def signature(network: nn.Module) -> tuple[str, ...]:
    """The computation as text: layers with their settings and which results they read, without names."""
    modules = dict(network.named_modules())
    index: dict[fx.Node, int] = {}
    lines = []
    for node in fx.symbolic_trace(network).graph.nodes:
        index[node] = len(index)
        what = str(modules[node.target]) if node.op == "call_module" else str(node.target)
        lines.append(f"{what} {[index[source] for source in node.all_input_nodes]}")
    return tuple(lines)


SMALL_SPACES = [
    pytest.param({"input_shape": (1, 3, 3), "m": (1, 3), "r": (1, 2)}, id="no stride"),
    pytest.param({"input_shape": (1, 3, 3), "m": (2, 3), "r": (1, 2)}, id="at least two main blocks"),
    pytest.param({"input_shape": (1, 3, 3), "m": (3, 3), "r": (1, 2)}, id="exactly three main blocks"),
    pytest.param({"input_shape": (1, 3, 3), "m": (1, 3), "r": (2, 3)}, id="at least two residual blocks"),
    pytest.param({"input_shape": (1, 6, 2), "m": (1, 3), "r": (1, 3), "b": (1, 1)}, id="one stride"),
    pytest.param({"input_shape": (2, 2, 3), "m": (1, 3), "r": (1, 2), "ks0": (3, 4)}, id="stride by kernel"),
    pytest.param(
        {"input_shape": (1, 3, 3), "m": (1, 3), "wf": (2, 3), "max_width": 20}, id="always widening"
    ),
    pytest.param({"input_shape": (1, 3, 3), "m": (1, 3), "b": (2, 2), "ct": "B"}, id="few kinds"),
]


def small_space(overrides: dict[str, object]) -> ResNetSpace:
    defaults: dict[str, object] = {
        "n_classes": 2,
        "oc0": (2, 2),
        "ks0": (3, 3),
        "r": (1, 2),
        "b": (1, 2),
        "ct": "AD",
        "wf": (1, 2),
        "skip": (0, 1),
        "max_width": 9,
    }
    return ResNetSpace(**(defaults | overrides))


@pytest.mark.parametrize("overrides", SMALL_SPACES)
def test_size_is_the_number_of_canonical_genotypes(overrides: dict[str, object]) -> None:
    space = small_space(overrides)
    canonical = space.canonical(every_genotype(space))
    assert space.size() == len(np.unique(canonical, axis=0))


@pytest.mark.parametrize("overrides", SMALL_SPACES)
def test_canonical_genotypes_are_valid_and_fixed_points(overrides: dict[str, object]) -> None:
    space = small_space(overrides)
    canonical = space.canonical(every_genotype(space))
    assert set(space.problems(canonical)) == {""}
    np.testing.assert_array_equal(space.canonical(canonical), canonical)


@pytest.mark.parametrize("overrides", SMALL_SPACES)
def test_equal_rows_if_and_only_if_equal_networks(overrides: dict[str, object]) -> None:
    space = small_space(overrides | {"ct": "D"})
    rng = np.random.default_rng(3)
    population = every_genotype(space)
    # Genotypes with a main block that continues the one before it are rare in a plain draw.
    merged = (space.canonical(population) != population).any(axis=1)
    chosen = np.concatenate(
        [
            rng.permutation(np.flatnonzero(merged))[:16],
            rng.permutation(len(population))[:16],
        ]
    )
    networks: dict[tuple[str, ...], set[Genotype]] = defaultdict(set)
    for raw, canonical in zip(
        genotypes(population[chosen]), genotypes(space.canonical(population[chosen])), strict=True
    ):
        networks[signature(build(raw, space.ranges))].add(canonical)
    assert all(len(rows) == 1 for rows in networks.values())
    assert len({row for rows in networks.values() for row in rows}) == len(networks)
    for network, rows in networks.items():
        assert signature(build(rows.pop(), space.ranges)) == network


def test_main_blocks_that_only_continue_are_merged() -> None:
    space = ResNetSpace(input_shape=(1, 8, 8), m=(1, 5))
    block, same = [1, 1, 3, 1], [1, 1, 1, 1]
    # 8 x 8 strides to 4 x 4 and 2 x 2, so only the fourth main block can continue the third.
    genotype = np.array([[16, 3, 4, 2, *block, 2, *block, 9, *block, 9, *same, 0, 0, 0, 0, 0]])
    expected = [[16, 3, 4, 2, *block, 2, *block, 16, *block, 2, *same, 0, 0, 0, 0, 0]]
    assert space.canonical(genotype).tolist() == expected
    genotype[0, [13, 18]] = 4
    expected = [[16, 3, 3, 2, *block, 2, *block, 8, *block, *[0] * 10]]
    assert space.canonical(genotype).tolist() == expected


def test_inactive_genes_are_zero_and_the_input_is_left_alone() -> None:
    space = ResNetSpace(m=(1, 2))
    genotype = np.array([[16, 3, 1, 2, 1, 1, 2, 1, 7, 5, 3, 4, 1]])
    before = genotype.copy()
    assert space.canonical(genotype).tolist() == [[16, 3, 1, 2, 1, 1, 2, 1, 0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(genotype, before)


def test_equal_networks_have_equal_features_and_costs() -> None:
    space = ResNetSpace(input_shape=(1, 3, 3), m=(1, 4), r=(1, 4), b=(1, 1), ct="B", wf=(1, 2), skip=(1, 1))
    rng = np.random.default_rng(0)
    raw = np.concatenate([space.sample(500, rng)] * 2)
    raw[:500, 4::5] = 1
    blocks = space.ranges.blocks(raw)
    blocks[~space.ranges.active(raw)] = 3
    canonical = space.canonical(raw)
    assert (canonical != raw).any()
    np.testing.assert_array_equal(space.encode(raw).to_numpy(), space.encode(canonical).to_numpy())
    np.testing.assert_array_equal(space.parameters(raw), space.parameters(canonical))
    np.testing.assert_array_equal(space.macs(raw), space.macs(canonical))


def test_the_table_of_the_paper_has_more_networks_than_a_machine_word_holds() -> None:
    assert ResNetSpace(input_shape=(3, 32, 32)).size() > 2**64


def test_one_main_block_is_a_plain_product() -> None:
    space = ResNetSpace(m=(1, 1))
    assert space.size() == 121 * 5 * 16 * 12 * 4 * 4 * 2
