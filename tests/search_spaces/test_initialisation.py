"""Initial weights: distribution, reproducibility, refusal."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from search_spaces import initialise


def test_standard_deviations_follow_the_fan_in() -> None:
    network = nn.Sequential(nn.Conv2d(16, 64, 3), nn.BatchNorm2d(64), nn.Linear(400, 300))
    with torch.no_grad():
        network[1].weight.fill_(5.0)
        network[1].running_mean.fill_(3.0)
    initialise(network, torch.Generator().manual_seed(0))
    assert network[0].weight.std().item() == pytest.approx(math.sqrt(2 / 144), rel=0.03)
    assert network[2].weight.std().item() == pytest.approx(math.sqrt(1 / 400), rel=0.03)
    assert not network[0].bias.any()
    assert not network[2].bias.any()
    assert (network[1].weight == 1).all()
    assert not network[1].running_mean.any()


def test_the_global_generator_is_left_alone() -> None:
    network = nn.Linear(3, 3)
    before = torch.random.get_rng_state()
    initialise(network, torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.random.get_rng_state(), before)


def test_an_unknown_layer_is_refused_before_anything_changes() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.PReLU())
    before = network[0].weight.clone()
    with pytest.raises(ValueError, match=r"got `1` of type PReLU"):
        initialise(network, torch.Generator().manual_seed(0))
    torch.testing.assert_close(network[0].weight, before, rtol=0, atol=0)
