import pytest
import torch
from torch import nn

from hwsim import learning
from hwsim.learning.layers import TileLinear, TileParameter
from hwsim.learning.periphery import PERIPHERIES, Periphery, periphery

IDEAL = PERIPHERIES["ideal"]
QUIET = Periphery(out_noise=0.0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_presets() -> None:
    preset = periphery("preset")
    assert (preset.dac_steps, preset.adc_steps, preset.out_bound, preset.out_noise) == (126, 510, 20.0, 0.1)
    with pytest.raises(ValueError, match="did you mean ideal"):
        periphery("idael")


def test_without_converters_products_are_exact() -> None:
    x, w = torch.randn(9, 30, generator=generator()) * 3, torch.randn(20, 30, generator=generator())
    torch.testing.assert_close(IDEAL.product(x, w, generator()), x @ w.T)


@pytest.mark.parametrize(("name", "bits"), [("preset", 7), ("standard", 8)])
def test_converters_have_the_levels_of_their_bits(name: str, bits: int) -> None:
    converter = periphery(name).model_copy(update={"out_bound": None, "out_noise": 0.0})
    x = torch.stack([torch.linspace(-1, 1, 5001), torch.ones(5001)], 1)  # the one sets the scale
    found = converter.product(x, torch.tensor([[1.0, 0.0]]), generator())
    assert len(found.unique()) == 2**bits - 1


def test_wrong_values_are_told_in_one_line() -> None:
    for wrong, message in (
        ({"out_noise": -1}, "`out_noise`: must be"),
        ({"outnoise": 1}, "did you mean out_noise"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            Periphery(**wrong)
        assert "\n" not in str(caught.value)


def test_converters_err_by_their_steps() -> None:
    x, w = torch.randn(200, 30, generator=generator()), torch.rand(20, 30, generator=generator()) - 0.5
    error = QUIET.product(x, w, generator()) - x @ w.T
    largest = x.abs().amax(1, keepdim=True)
    adc = (40 / 510) ** 2 / 12
    dac = (2 / 126) ** 2 / 12 * w.square().sum(1)
    assert float((error / largest).var() / (adc + dac.mean())) == pytest.approx(1, abs=0.1)


def test_noise_scales_with_the_input() -> None:
    noisy = Periphery(dac_steps=None, adc_steps=None, out_bound=None)
    x = torch.ones(1000, 10) * torch.tensor([[0.01], [5.0]]).repeat(500, 1)
    error = noisy.product(x, torch.zeros(50, 10), generator())
    assert float(error[::2].std()) == pytest.approx(0.001, rel=0.02)
    assert float(error[1::2].std()) == pytest.approx(0.5, rel=0.02)


def test_bound_management_repeats_what_saturates() -> None:
    x, w = torch.ones(3, 100), torch.full((2, 100), 0.7)
    x[2, 1:] = 0
    with_it, without = (
        QUIET.product(x, w, generator()),
        QUIET.product(x, w, generator(), manages_bounds=False),
    )
    assert float(without[0, 0]) == pytest.approx(20)
    assert float(with_it[0, 0]) == pytest.approx(70, rel=0.02)
    torch.testing.assert_close(with_it[2], without[2])


def test_layers_are_the_layers_they_were_made_of() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net = nn.Sequential(nn.Conv2d(2, 5, 3, 2, 1, bias=True), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16, 4))
    tiles = learning.on_tiles(net, periphery="ideal")
    x = torch.randn(6, 2, 8, 8, generator=generator())
    torch.testing.assert_close(tiles(x), net(x))
    net(x).square().sum().backward()
    tiles(x).square().sum().backward()
    for ours, theirs in zip(tiles.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(ours.grad.view_as(theirs), theirs.grad, rtol=1e-4, atol=1e-4)
    for layer in (tiles[0], tiles[3]):
        ((vectors, d),) = layer.weight.factors
        torch.testing.assert_close(d.T @ vectors, layer.weight.grad, rtol=1e-4, atol=1e-4)


def test_gradients_of_inputs() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net = nn.Linear(7, 5)
    tiles = learning.on_tiles(net, periphery="ideal")
    assert isinstance(tiles, TileLinear) and isinstance(tiles.weight, TileParameter)
    x = torch.randn(2, 3, 7, generator=generator(), requires_grad=True)
    y = x.detach().clone().requires_grad_()
    net(x).pow(3).sum().backward()
    tiles(y).pow(3).sum().backward()
    torch.testing.assert_close(y.grad, x.grad)


def test_noise_is_new_in_every_pass_and_goes_on_after_a_state_dictionary() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    tiles, x = learning.on_tiles(nn.Linear(7, 5)), torch.ones(1, 7)
    other = learning.on_tiles(nn.Linear(7, 5))
    first = tiles(x)
    assert not torch.equal(first, tiles(x))
    other.load_state_dict(tiles.state_dict())
    assert torch.equal(tiles(x), other(x))


def test_what_has_no_layer_for_an_array_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a layer for an array"):
        learning.on_tiles(nn.ReLU())
    with pytest.raises(ValueError, match="groups=1"):
        learning.on_tiles(nn.Conv2d(4, 4, 3, groups=4))
