"""Counts from the genotype equal those of the built network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from search_spaces import ResNetSpace, count_network, genotypes

SPACES = [
    ResNetSpace((1, 8, 8), 10, oc0=(4, 20), r=(1, 2), b=(1, 3), max_width=64),
    ResNetSpace((3, 32, 32), 7, oc0=(4, 20), r=(1, 2), b=(1, 3), max_width=96),
    ResNetSpace((1, 49, 10), 12, oc0=(4, 20), r=(1, 3), b=(1, 2), max_width=96, bottleneck="quarter"),
    ResNetSpace((3, 224, 160), 2, oc0=(4, 20), ks0=(1, 7), r=(1, 2), b=(1, 2), max_width=96),
    ResNetSpace(
        (2, 1, 130), 2, oc0=(4, 8), m=(1, 7), r=(1, 2), b=(1, 2), wf=(1, 2), max_width=64, bottleneck="input"
    ),
]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: str(space.ranges.input_shape))
def test_counts_equal_the_built_networks(space: ResNetSpace) -> None:
    population = space.sample(40, np.random.default_rng(0))
    counted = list(zip(space.parameters(population).tolist(), space.macs(population).tolist(), strict=True))
    built = [
        count_network(space.build(genotype), space.ranges.input_shape) for genotype in genotypes(population)
    ]
    assert counted == built


def test_macs_agree_with_the_flop_counter_of_torch() -> None:
    space = SPACES[0]
    population = space.sample(5, np.random.default_rng(1))
    for genotype, macs in zip(genotypes(population), space.macs(population).tolist(), strict=True):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            space.build(genotype).eval()(torch.zeros(1, *space.ranges.input_shape))
        assert counter.get_total_flops() == 2 * macs


def test_a_network_counted_by_hand() -> None:
    space = ResNetSpace(input_shape=(1, 8, 8), n_classes=10, m=(1, 1))
    population = np.array([[8, 3, 1, 2, 1, 1, 2, 1]])
    stem, first, second, skip = 9 * 8, 9 * 8 * 16 + 9 * 16 * 16, 2 * 9 * 16 * 16, 8 * 16
    norms = 2 * 8 + 5 * 2 * 16
    assert space.parameters(population).tolist() == [stem + first + second + skip + norms + 16 * 10 + 10]
    assert space.macs(population).tolist() == [64 * (stem + first + second + skip) + 160]


def test_the_published_t100_has_about_92_thousand_parameters() -> None:
    space = ResNetSpace(input_shape=(3, 32, 32), n_classes=10)
    block = {"R": 2, "B": 1, "CT": "C", "WF": 2, "skip": True}
    genotype = space.parse({"OC0": 32, "KS0": 3, "M": 1, "blocks": [block]})
    assert space.parameters(np.array([genotype])).tolist() == [92_586]
