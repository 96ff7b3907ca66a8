"""The space of free stages: its contract, canonical genotypes, networks, descriptions."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from search_spaces import (
    Countable,
    Mappable,
    Ordered,
    Readable,
    Recombining,
    SearchSpace,
    StagedRanges,
    StagedSpace,
    count_network,
    genotypes,
    network_cost,
    published,
    published_network,
)
from search_spaces.conformance import check_space
from search_spaces.staged.ranges import default_kernels, default_strides

SHAPES = [(3, 32, 32), (1, 49, 10), (2, 10, 40), (1, 8, 8), (1, 5, 3)]


def fitted(shape: tuple[int, int, int], **more: Any) -> StagedSpace:
    return StagedSpace(
        StagedRanges(shape, 10, kernels=default_kernels(shape), strides=default_strides(shape), **more)
    )


SMALL = StagedSpace(
    StagedRanges(
        (1, 8, 8), 4, stem_width=(4, 8), width=(4, 8), stages=3, depth=2, types="BE", kernels=((3, 3),)
    )
)


def stage(depth: int = 1, width: int = 16, letter: str = "B", stride: int = 1, **more: int) -> dict[str, Any]:
    return {
        "depth": depth,
        "width": width,
        "type": letter,
        "kernel": [3, 3],
        "stride": [stride, stride],
        **more,
    }


def architecture(*stages: dict[str, Any], width: int = 16) -> dict[str, Any]:
    return {"stem": {"width": width, "kernel": [3, 3], "stride": [1, 1]}, "stages": list(stages)}


def test_it_has_every_ability() -> None:
    for protocol in (SearchSpace, Recombining, Countable, Mappable, Ordered, Readable):
        assert isinstance(SMALL, protocol)


@pytest.mark.parametrize("types", ["BDES", "BDESW", "W"])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_keeps_the_contract(shape: tuple[int, int, int], types: str) -> None:
    check_space(fitted(shape, types=types), np.random.default_rng(0), shape, 10)


def test_equal_networks_have_equal_genotypes() -> None:
    population = SMALL.sample(300, np.random.default_rng(1))
    distinct = np.unique(population, axis=0)
    texts = [str(SMALL.build(genotype)) for genotype in genotypes(distinct)]
    assert len(set(texts)) == len(distinct)


def test_equal_stages_merge_into_deeper_ones() -> None:
    space = fitted((3, 32, 32))
    apart = architecture(stage(2), stage(1), stage(3), stage(1, stride=2))
    assert space.describe(space.parse(apart)) == architecture(stage(4), stage(2), stage(1, stride=2))
    assert str(space.build(space.parse(apart))) == str(
        space.build(space.parse(architecture(stage(4), stage(2), stage(1, stride=2))))
    )


def test_a_short_axis_is_not_halved() -> None:
    space = fitted((1, 8, 8))
    deep = architecture(*(stage(1, 16 + 4 * number, stride=2) for number in range(4)))
    strides = [entry["stride"] for entry in space.describe(space.parse(deep))["stages"]]
    assert strides == [[2, 2], [2, 2], [1, 1], [1, 1]]
    maps = count_network(space.build(space.parse(deep)), (1, 8, 8))
    assert maps == (int(space.parameters(np.array([space.parse(deep)]))[0]), maps[1])


def test_choices_of_other_types_do_not_matter() -> None:
    rows = SMALL.sample(200, np.random.default_rng(2))
    stages = SMALL.ranges.of_blocks(rows)
    changed = rows.copy()
    other = SMALL.ranges.of_blocks(changed)
    other[:, :, 5:][stages[:, :, 2] == 0] = 1
    assert (changed != rows).any()
    np.testing.assert_array_equal(SMALL.canonical(changed), rows)


@pytest.mark.parametrize("letter", "BDESW")
def test_every_block_type_is_the_network_that_its_name_says(letter: str) -> None:
    space = fitted((3, 8, 8), types="BDESW")
    more = {"expansion": 3, "groups": 4} if letter == "E" else {}
    network = space.build(space.parse(architecture(stage(1, 32, letter, 2, **more)))).eval()
    block = network.blocks[0]
    names = [type(module).__name__.removesuffix("2d") for module in block.branch]
    assert (
        names
        == {
            "B": ["Conv", "BatchNorm", "ReLU", "Conv", "BatchNorm"],
            "D": ["Conv", "ReLU", "BatchNorm", "Conv", "ReLU", "BatchNorm"],
            "E": ["Conv", "BatchNorm", "ReLU", "Conv", "BatchNorm", "ReLU", "Conv", "BatchNorm"],
            "S": ["Conv", "BatchNorm"],
            "W": ["Conv", "BatchNorm", "ReLU", "Conv", "BatchNorm"],
        }[letter]
    )
    assert isinstance(block.activation, nn.ReLU) == (letter in "BSW")
    x = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = block.branch(x) + block.skip(x)
    torch.testing.assert_close(block(x), expected.relu() if letter in "BSW" else expected)
    assert block(x).shape == (2, 32, 4, 4)
    if letter == "E":
        inner = block.branch[3]
        assert (inner.in_channels, inner.out_channels, inner.groups) == (96, 96, 4)
    if letter == "W":
        depthwise, mixing = block.branch[0], block.branch[3]
        assert (depthwise.in_channels, depthwise.out_channels, depthwise.groups) == (16, 16, 16)
        assert (mixing.kernel_size, mixing.groups) == ((1, 1), 1)


def test_resnet8_has_a_counterpart() -> None:
    space = fitted((3, 32, 32))
    counterpart = published_network("resnet8").staged_counterpart
    assert counterpart is not None
    network = space.build(space.parse(counterpart))
    reference = published("resnet8", (3, 32, 32), 10)
    assert network_cost(network, (3, 32, 32)).matrices == network_cost(reference, (3, 32, 32)).matrices


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 49, 10)])
def test_mutants_are_near_and_different(shape: tuple[int, int, int]) -> None:
    space = fitted(shape)
    parents = space.sample(400, np.random.default_rng(3))
    children = space.mutate(parents, np.random.default_rng(4))
    assert (children != parents).any(axis=1).all()
    assert not any(space.problems(children))
    ratio = np.abs(np.log(space.parameters(children) / space.parameters(parents)))
    assert np.median(ratio) < 0.25


def test_every_gene_and_every_number_of_stages_can_be_reached() -> None:
    rows = np.repeat(SMALL.sample(1, np.random.default_rng(5)), 300, axis=0)
    for step in range(30):
        rows = SMALL.mutate(rows, np.random.default_rng(step))
    assert set(rows[:, 3]) == {1, 2, 3}
    reached = [len(np.unique(rows[:, gene])) for gene in range(SMALL.ranges.n_genes)]
    assert all(n > 1 for gene, n in enumerate(reached) if SMALL.ranges.high[gene] > SMALL.ranges.low[gene])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"width": (8, 30)},
            r"`width` must be \(smallest, largest\), multiples of `width_step` 4, got \(8, 30\)",
        ),
        ({"types": "EB"}, "`types` must be some of the letters BDESW in this order, got 'EB'"),
        ({"groups": (1, 3)}, "`groups` must divide `width_step` 4, got 3"),
        ({"groups": (2, 4)}, r"`groups` must begin with 1, got \(2, 4\)"),
        ({"kernels": ((4, 4),)}, r"`kernels` must be odd along both axes, got \(\(4, 4\),\)"),
        ({"strides": ((2, 2),)}, r"`strides` must begin with \(1, 1\), got \(\(2, 2\),\)"),
        (
            {"expansions": (2, 1)},
            r"`expansions` must be whole numbers from 1, ascending, each once, got \(2, 1\)",
        ),
        ({"input_shape": (8, 8)}, r"`input_shape` must be \(channels, height, width\)"),
        ({"depth": 0}, "`depth >= 1` must hold, got 0"),
    ],
)
def test_impossible_choices(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StagedRanges(**{"input_shape": (1, 8, 8), "n_classes": 10, **change})


def test_problems_name_the_gene_and_the_value() -> None:
    good = SMALL.sample(1, np.random.default_rng(0))[0]
    rows = np.array([good, good, good])
    rows[1, 3], rows[2, 5] = 4, 9
    assert SMALL.problems(rows) == [
        "",
        "the gene stages must lie within 1 to 3, got 4",
        "the gene width of stage 1 must lie within 1 to 2, got 9",
    ]
    with pytest.raises(ValueError, match="describes no network of this space: the gene width of stage 1"):
        SMALL.build(tuple(rows[2].tolist()))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (stage(width=18), "`stages[0].width` must be a multiple of 4 from 8 to 96, got 18"),
        (stage(letter="A"), "`stages[0].type` must be one of B, D, E, S, got 'A'"),
        (stage(stride=3), "`stages[0].stride` must be one of [1, 1], [2, 2], got [3, 3]"),
        (stage(letter="E"), "`stages[0]` must have exactly the keys"),
        (stage(expansion=2, groups=1), "unknown expansion, groups"),
        (stage(depth=9), "`stages[0].depth` must be an integer from 1 to 4, got 9"),
        ("B", "`stages[0]` must be a mapping"),
    ],
)
def test_architectures_outside_the_space(entry: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:
        fitted((3, 32, 32)).parse(json.loads(json.dumps(architecture(entry))))
    assert message in str(error.value)


def test_what_a_space_remembers_changes_no_answer_and_does_not_travel() -> None:
    remembering = fitted((3, 32, 32))
    rng = np.random.default_rng(4)
    first, second = (remembering.sample(30, rng) for _ in range(2))
    for population in (first, second, first[:10], first, second):
        fresh = fitted((3, 32, 32))
        assert (remembering.parameters(population) == fresh.parameters(population)).all()
        assert (remembering.macs(population) == fresh.macs(population)).all()
        assert remembering.encode(population).equals(fresh.encode(population))
        for own, other in zip(
            vars(remembering.layer_graph(population)).values(),
            vars(fresh.layer_graph(population)).values(),
            strict=True,
        ):
            assert (own == other).all()
    changed = first.copy()
    remembering.parameters(changed)
    changed[:] = second
    assert (remembering.parameters(changed) == remembering.parameters(second)).all()
    many = [remembering.sample(100, rng) for _ in range(20)]
    before = len(pickle.dumps(fitted((3, 32, 32))))
    for population in many:
        remembering.layer_graph(population)
    assert len(pickle.dumps(remembering)) == before
