"""Ranges, problems, descriptions and features of the ResNet-like space."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from search_spaces import Countable, Mappable, Readable, Recombining, ResNetSpace, SearchSpace, genotypes

ARCHITECTURE: dict[str, Any] = {
    "OC0": 16,
    "KS0": 3,
    "M": 2,
    "blocks": [
        {"R": 2, "B": 1, "CT": "B", "WF": 2, "skip": True},
        {"R": 1, "B": 3, "CT": "C", "WF": 1, "skip": False},
    ],
}


def test_it_has_every_ability() -> None:
    space = ResNetSpace()
    for protocol in (SearchSpace, Recombining, Countable, Mappable, Readable):
        assert isinstance(space, protocol)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"oc0": (128, 8)}, r"`oc0` must not be reversed: 128 > 8"),
        ({"r": (0, 4)}, r"`r` must start at 1 or above, got \(0, 4\)"),
        ({"m": (1, 2, 3)}, r"`m` must be \(smallest, largest\), got \(1, 2, 3\)"),
        ({"ct": ""}, r"`ct` must be some of the letters ABCD, each once, got ''"),
        ({"ct": "AA"}, r"`ct` must be some of the letters ABCD, each once, got 'AA'"),
        ({"ct": "AX"}, r"got 'AX'"),
        ({"skip": (0, 2)}, r"`skip` must lie within \(0, 1\), got \(0, 2\)"),
        ({"input_shape": (8, 8)}, r"`input_shape` must be \(channels, height, width\)"),
        ({"input_shape": (1, 0, 8)}, r"each at least 1, got \(1, 0, 8\)"),
        ({"bottleneck": "half"}, r"`bottleneck` must be one of full, input, quarter, got 'half'"),
        ({"n_classes": 0}, r"`n_classes >= 1` must hold, got 0"),
        (
            {"wf": (4, 4), "m": (3, 3), "max_width": 500},
            r"narrowest network of these ranges has 512 channels",
        ),
    ],
)
def test_impossible_ranges(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResNetSpace(**overrides)


def test_problems_name_the_gene_and_the_value() -> None:
    space = ResNetSpace(ct="AB", m=(1, 2))
    good = list(space.parse(ARCHITECTURE | {"M": 1, "blocks": ARCHITECTURE["blocks"][:1]}))
    rows = []
    for gene, value in ((0, 200), (1, 9), (2, 3), (3, 17), (4, 0), (5, 2), (6, 5), (7, 2)):
        row = good.copy()
        row[gene] = value
        rows.append(row)
    reasons = space.problems(np.array([good, *rows, [128, 3, 2, 1, 1, 0, 4, 1, 1, 1, 0, 4, 1]]))
    assert reasons == [
        "",
        "OC0 must lie within 8 to 128, got 200",
        "KS0 must lie within 3 to 7, got 9",
        "M must lie within 1 to 2, got 3",
        "R of main block 1 must lie within 1 to 16, got 17",
        "B of main block 1 must lie within 1 to 12, got 0",
        "CT of main block 1 must be one of 0 (A), 1 (B), got 2",
        "WF of main block 1 must lie within 1 to 4, got 5",
        "skip of main block 1 must lie within 0 to 1, got 2",
        "main block 2 would have 2048 channels, more than `max_width` 1024",
    ]
    with pytest.raises(ValueError, match=r"a population must be \(n, 13\), got shape \(1, 8\)"):
        space.problems(np.zeros((1, 8), dtype=np.int64))


def test_a_row_alone_has_the_problem_it_has_beside_a_hopeless_one() -> None:
    space = ResNetSpace(ct=("A", "D"), oc0=(8, 64), max_width=256)
    rng = np.random.default_rng(0)
    population = space.sample(400, rng)
    changed = rng.random(population.shape) < 0.03
    population[changed] += rng.integers(-2, 3, int(changed.sum())) * 4
    together = space.problems(np.concatenate([np.full_like(population[:1], -1), population]))[1:]
    assert [space.problems(row[None])[0] for row in population] == together
    assert 20 < sum(map(bool, together)) < 380


def test_rows_of_another_space_are_refused() -> None:
    space = ResNetSpace()
    row = np.array([space.parse(ARCHITECTURE)])
    for method in (space.canonical, space.encode, space.parameters, space.macs, space.matrices):
        with pytest.raises(ValueError, match=r"a population must be \(n, 28\), got shape \(1, 13\)"):
            method(row[:, :13])
        for gene, message in (
            (1, "KS0 must lie within 3 to 7, got 0"),
            (2, "M must lie within 1 to 5, got 0"),
        ):
            wrong = row.copy()
            wrong[0, gene] = 0
            with pytest.raises(ValueError, match=message):
                method(wrong)


def test_descriptions_survive_json_and_parsing() -> None:
    space = ResNetSpace()
    for genotype in genotypes(space.sample(300, np.random.default_rng(0))):
        assert space.parse(json.loads(json.dumps(space.describe(genotype)))) == genotype
    assert space.describe(space.parse(ARCHITECTURE)) == ARCHITECTURE


def changed(path: str, value: object) -> dict[str, Any]:
    """`ARCHITECTURE` with one value replaced; a path is `key` or `index.key`."""
    copy = json.loads(json.dumps(ARCHITECTURE))
    target = copy
    *blocks, key = path.split(".")
    if blocks:
        target = copy["blocks"][int(blocks[0])]
    target[key] = value
    return copy


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (changed("OC0", 7), r"`OC0` must be an integer from 8 to 128, got 7"),
        (changed("OC0", 16.0), r"`OC0` must be an integer from 8 to 128, got 16.0"),
        (changed("KS0", True), r"`KS0` must be an integer from 3 to 7, got True"),
        (changed("M", 3), r"`blocks` must be a list of M = 3 main blocks"),
        (
            changed("blocks", [3, 4]),
            r"`blocks\[0\]` must be a mapping with the keys R, B, CT, WF, skip, got 3",
        ),
        (changed("1.R", 0), r"`blocks\[1\].R` must be an integer from 1 to 16, got 0"),
        (changed("0.CT", "E"), r"`blocks\[0\].CT` must be one of A, B, C, D, got 'E'"),
        (changed("0.skip", 1), r"`blocks\[0\].skip` must be False or True, got 1"),
        (changed("0.stride", 1), r"`blocks\[0\]` must have exactly the keys .*: unknown stride"),
        ({"OC0": 16}, r"the architecture must have exactly the keys .*: missing KS0, M, blocks"),
    ],
)
def test_architectures_outside_the_space(architecture: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResNetSpace().parse(architecture)


def test_an_architecture_that_is_too_wide_is_refused() -> None:
    with pytest.raises(ValueError, match="main block 1 would have 32 channels, more than `max_width` 20"):
        ResNetSpace(max_width=20).parse(ARCHITECTURE)


def test_features_are_named_finite_and_float32() -> None:
    space = ResNetSpace()
    features = space.encode(space.sample(2000, np.random.default_rng(0)))
    values = features.to_numpy()
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    assert features.columns.is_unique
    # Every column tells some networks apart.
    assert (values.std(axis=0) > 0).all()


def test_features_of_a_known_network() -> None:
    space = ResNetSpace()
    row = space.encode(np.array([space.parse(ARCHITECTURE)])).iloc[0]
    expected = {
        "R1": 2,
        "B2": 3,
        "bottleneck1": 0,
        "bottleneck2": 1,
        "relu_first2": 1,
        "skip2": 0,
        "width1": 32,
        "width3": 0,
        # two basic blocks and one bottleneck, the first convolution and the linear layer
        "depth": 2 * 2 + 3 + 2,
        # the bottleneck thrice in parallel, and a projection where the width changes
        "convolutions": 1 + 2 * 2 + 3 * 3 + 1,
        "unskipped_convolutions": 3,
        "mean_branches": 5 / 3,
        "most_branches": 3,
        "share_bottleneck": 1 / 3,
        "share_skipped": 2 / 3,
        "widest": 32,
        "largest_fan_in": 9 * 32,
        "last_area": 16,
    }
    assert {name: pytest.approx(float(row[name])) for name in expected} == expected
    assert float(row["log_parameters"]) == pytest.approx(
        np.log(space.parameters(np.array([space.parse(ARCHITECTURE)])))[0]
    )


def test_different_networks_have_different_features() -> None:
    space = ResNetSpace(oc0=(8, 12), r=(1, 3), b=(1, 2), m=(1, 2))
    population = np.unique(space.sample(5000, np.random.default_rng(0)), axis=0)
    assert len(np.unique(space.encode(population).to_numpy(), axis=0)) == len(population)
