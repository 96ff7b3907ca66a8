"""The built networks: shapes, tracing, structure, reproducible weights."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import fx, nn

from search_spaces import ResNetSpace, genotypes, initialise
from search_spaces.resnet.geometry import geometry

ALLOWED = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Linear, nn.Identity)


def small_networks(n: int = 8) -> list[nn.Module]:
    space = ResNetSpace(m=(1, 3), r=(1, 2), b=(1, 2), oc0=(4, 12), max_width=64)
    return [space.build(genotype) for genotype in genotypes(space.sample(n, np.random.default_rng(0)))]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 1, 1), (1, 49, 10), (2, 3, 70), (4, 1, 130)])
@pytest.mark.parametrize("kernel", [1, 3, 4, 6, 7])
def test_any_input_size_gives_logits(shape: tuple[int, int, int], kernel: int) -> None:
    space = ResNetSpace(shape, 5, oc0=(4, 8), ks0=(kernel, kernel), r=(1, 1), b=(1, 2), max_width=32)
    for genotype in genotypes(space.sample(3, np.random.default_rng(0))):
        for batch in (1, 3):
            network = space.build(genotype).eval()
            assert network(torch.randn(batch, *shape)).shape == (batch, 5)


def test_symbolic_trace_is_flat_and_equal() -> None:
    for network in small_networks():
        network.eval()
        traced = fx.symbolic_trace(network)
        called = [node.target for node in traced.graph.nodes if node.op == "call_module"]
        assert len(set(called)) == len(called), "a module that is called twice cannot be programmed twice"
        assert all(isinstance(traced.get_submodule(name), ALLOWED) for name in called)
        x = torch.randn(4, 1, 8, 8)
        torch.testing.assert_close(traced(x), network(x), rtol=0, atol=0)


def test_torch_export_with_a_free_batch_axis() -> None:
    network = small_networks(1)[0].eval()
    x = torch.randn(3, 1, 8, 8)
    with warnings.catch_warnings():
        # The exporter itself calls interfaces that it has deprecated.
        warnings.simplefilter("ignore")
        program = torch.export.export(network, (x,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    for batch in (1, 2, 5):
        x = torch.randn(batch, 1, 8, 8)
        torch.testing.assert_close(program.module()(x), network(x), rtol=1e-5, atol=1e-5)


def test_building_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    small_networks(2)
    torch.testing.assert_close(torch.random.get_rng_state(), before)


def test_equal_generators_give_equal_weights() -> None:
    first, second = (small_networks(1)[0] for _ in range(2))
    for (name, one), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, msg=name)
    initialise(first, torch.Generator().manual_seed(1))
    initialise(second, torch.Generator().manual_seed(1))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    initialise(second, torch.Generator().manual_seed(2))
    assert not torch.equal(
        first.get_parameter("classifier.weight"), second.get_parameter("classifier.weight")
    )


def test_every_weight_takes_part_in_training() -> None:
    for network in small_networks():
        network.train()
        network(torch.randn(4, 1, 8, 8)).square().sum().backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize(
    ("letter", "kinds"),
    [
        ("A", ["Conv2d", "BatchNorm2d", "ReLU"] * 2 + ["Conv2d", "BatchNorm2d"]),
        ("B", ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d"]),
        ("C", ["Conv2d", "ReLU", "BatchNorm2d"] * 3),
        ("D", ["Conv2d", "ReLU", "BatchNorm2d"] * 2),
    ],
)
def test_the_four_convolution_types(letter: str, kinds: list[str]) -> None:
    space = ResNetSpace(m=(1, 1))
    block = {"R": 1, "B": 2, "CT": letter, "WF": 2, "skip": True}
    network = space.build(space.parse({"OC0": 8, "KS0": 3, "M": 1, "blocks": [block]}))
    for branch in (network.get_submodule(f"blocks.0.branches.{index}") for index in range(2)):
        assert [type(layer).__name__ for layer in branch.children()] == kinds
    activation = network.get_submodule("blocks.0.activation")
    assert isinstance(activation, nn.ReLU if letter in "AB" else nn.Identity)


def test_a_skip_is_the_identity_a_convolution_or_absent() -> None:
    space = ResNetSpace(input_shape=(1, 8, 8))

    def skips(*blocks: dict[str, object]) -> list[str]:
        genotype = space.parse({"OC0": 8, "KS0": 3, "M": len(blocks), "blocks": list(blocks)})
        residual_blocks = space.build(genotype).get_submodule("blocks").children()
        return [type(block.skip).__name__ for block in residual_blocks]

    plain = {"R": 2, "B": 1, "CT": "B", "WF": 1, "skip": True}
    assert skips(plain) == ["Identity", "Identity"]
    assert skips(plain | {"WF": 2}) == ["Sequential", "Identity"]
    assert skips(plain, plain) == ["Identity", "Identity", "Sequential", "Identity"], "the second one strides"
    assert skips(plain | {"skip": False}) == ["NoneType", "NoneType"]


def test_the_sum_over_branches_and_skip() -> None:
    space = ResNetSpace(m=(1, 1))
    block = {"R": 1, "B": 3, "CT": "D", "WF": 1, "skip": True}
    network = space.build(space.parse({"OC0": 8, "KS0": 3, "M": 1, "blocks": [block]})).eval()
    residual = network.get_submodule("blocks.0")
    x = torch.randn(2, 8, 8, 8)
    expected = x + sum(residual.get_submodule(f"branches.{index}")(x) for index in range(3))
    torch.testing.assert_close(residual(x), expected)


def test_maps_shrink_to_two_positions_and_no_further() -> None:
    assert geometry((8, 8), 3, 5).sizes == ((8, 8), (4, 4), (2, 2), (2, 2), (2, 2))
    assert geometry((32, 32), 4, 3).sizes == ((33, 33), (17, 17), (9, 9))
    assert geometry((49, 10), 3, 5).sizes == ((49, 10), (25, 5), (13, 3), (7, 3), (4, 3))
    large = geometry((224, 224), 7, 5)
    assert (large.stem_size, large.sizes[0], large.sizes[-1]) == ((112, 112), (56, 56), (4, 4))


def test_a_network_that_cannot_be_built_says_why() -> None:
    space = ResNetSpace(m=(1, 1))
    with pytest.raises(ValueError, match=r"main block 1 would have 512 channels, more than `max_width` 256"):
        ResNetSpace(m=(1, 1), max_width=256).build((128, 3, 1, 1, 1, 0, 4, 1))
    with pytest.raises(ValueError, match=r"OC0 must lie within 8 to 128, got 4"):
        space.build((4, 3, 1, 1, 1, 0, 4, 1))
