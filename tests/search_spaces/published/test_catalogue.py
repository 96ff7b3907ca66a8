"""Published networks by name: parameters against the publications, any input, use as seeds of a search."""

from __future__ import annotations

import pytest
import torch
from torch import fx

from search_spaces import (
    ResNetSpace,
    count_network,
    layer_table,
    published,
    published_names,
    published_network,
)

OVER_THEIR_LIMIT = {"analognas-vww-t200", "analognas-vww-t400", "analognas-kws-t200", "analognas-kws-t400"}


@pytest.mark.parametrize("name", published_names())
def test_parameters_are_as_listed(name: str) -> None:
    network = published_network(name)
    built = published(name, network.input_shape, network.n_classes)
    assert count_network(built, network.input_shape)[0] == network.parameters


def test_exactly_the_documented_networks_exceed_their_limit() -> None:
    networks = [published_network(name) for name in published_names()]
    limited = [network for network in networks if network.parameter_limit is not None]
    assert len(limited) == 8
    over = {network.name for network in limited if network.parameters > (network.parameter_limit or 0)}
    assert over == OVER_THEIR_LIMIT


def test_figures_of_the_publications() -> None:
    # MLPerf Tiny counts the running statistics of the batch norms as parameters.
    for name, total, statistics in (
        ("resnet8", 78_666, 480),
        ("ds-cnn", 24_908, 2 * 9 * 64),
        ("mobilenet-v1-0.25", 221_794, 5472),
    ):
        network = published(name, published_network(name).input_shape, published_network(name).n_classes)
        buffers = [buffer for key, buffer in network.named_buffers() if "running" in key]
        assert sum(buffer.numel() for buffer in buffers) == statistics
        assert published_network(name).parameters + statistics == total
    # AnalogNAS, Table IV: 464,432 weights in ResNet-32, its ten biases not counted.
    resnet32 = published("resnet32", (3, 32, 32), 10)
    assert sum(layer.parameters for layer in layer_table(resnet32, (3, 32, 32))) - 10 == 464_432
    kinds = [layer.kind for layer in layer_table(resnet32, (3, 32, 32)) if layer.weight_shape[-1] != 1]
    assert (kinds.count("Conv2d"), kinds.count("Linear")) == (31, 1)


@pytest.mark.parametrize("name", [name for name in published_names() if name != "analognas-kws-t400"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 1, 1), (2, 49, 10)])
def test_they_fit_any_input_and_trace(name: str, shape: tuple[int, int, int]) -> None:
    network = published(name, shape, 6).eval()
    x = torch.randn(2, *shape)
    logits = network(x)
    assert logits.shape == (2, 6)
    torch.testing.assert_close(fx.symbolic_trace(network)(x), logits, rtol=0, atol=0)


def test_they_do_not_touch_the_global_generator() -> None:
    before = torch.random.get_rng_state()
    first, second = (published("ds-cnn", (1, 8, 8), 3) for _ in range(2))
    torch.testing.assert_close(torch.random.get_rng_state(), before)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_an_architecture_seeds_a_search_in_the_space() -> None:
    network = published_network("analognas-cifar10-t500")
    assert network.architecture is not None
    space = ResNetSpace(network.input_shape, network.n_classes, bottleneck=network.bottleneck)
    genotype = space.parse(network.architecture)
    assert space.describe(genotype) == network.architecture
    assert sum(p.numel() for p in space.build(genotype).parameters()) == network.parameters


@pytest.mark.parametrize(
    ("shape", "same"),
    [
        ((3, 32, 32), True),
        ((1, 8, 8), True),
        ((1, 28, 28), True),
        ((2, 49, 10), True),
        ((3, 1, 1), True),
        ((1, 3, 64), True),
        ((3, 96, 96), False),
    ],
)
def test_the_counterpart_of_resnet8_has_its_layers_on_inputs_of_up_to_64(
    shape: tuple[int, int, int], same: bool
) -> None:
    counterpart = published_network("resnet8").counterpart
    assert counterpart is not None
    space = ResNetSpace(shape, 10)
    layers, expected = (
        [
            (layer.kind, layer.weight_shape, layer.output_shape, layer.macs)
            for layer in layer_table(network, shape)
        ]
        for network in (space.build(space.parse(counterpart)), published("resnet8", shape, 10))
    )
    assert (layers == expected) == same


def test_the_counterpart_of_resnet8_has_no_biases_and_normalises_the_skips_that_stride() -> None:
    counterpart = published_network("resnet8").counterpart
    assert counterpart is not None
    space = ResNetSpace((3, 32, 32), 10)
    network = space.build(space.parse(counterpart))
    biases, norms_of_the_skips = 16 + 2 * (16 + 32 + 64) + 32 + 64, 2 * (32 + 64)
    assert count_network(network, (3, 32, 32))[0] == 78_186 - biases + norms_of_the_skips == 78_042


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"`name` must be one of .*resnet8.*, got 'resnet9'"):
        published("resnet9", (3, 32, 32), 10)


def test_impossible_shapes() -> None:
    with pytest.raises(ValueError, match=r"`input_shape` must be \(channels, height, width\)"):
        published("resnet8", (3, 0, 32), 10)
    with pytest.raises(ValueError, match=r"`n_classes >= 1` must hold, got 0"):
        published("resnet8", (3, 32, 32), 0)
