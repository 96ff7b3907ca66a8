import pytest
import torch
from torch import nn

import hwsim

BY_LAYER = hwsim.preset("pcm-analognas").replace({"converters.weight_scaling": "layer", "tile.rows": 16})


def model() -> nn.Sequential:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net = nn.Sequential(nn.Linear(40, 12), nn.ReLU(), nn.BatchNorm1d(12), nn.Linear(12, 4))
    for layer in (net[0], net[3]):
        nn.init.normal_(layer.weight, std=0.2)  # some lie beyond two standard deviations
    return net


def analog() -> nn.Module:
    net = hwsim.to_analog(model(), BY_LAYER)
    hwsim.calibrate(net, torch.randn(64, 40, generator=torch.Generator().manual_seed(1)))
    return net


def test_stage_one_clips_each_layer_at_its_own_spread_as_it_is_now() -> None:
    net = model()
    with torch.no_grad():
        net[0].weight[0, 0], net[3].weight[0, 0] = 5.0, -50.0
    norm, stds = (
        net[2].weight.detach().clone(),
        [net[0].weight.detach().std(correction=0), net[3].weight.detach().std(correction=0)],
    )
    hwsim.clip_weights(net, 2.0)
    assert float(net[0].weight.detach().max()) == pytest.approx(2 * float(stds[0]), rel=1e-5)
    assert float(net[3].weight.detach().min()) == pytest.approx(-2 * float(stds[1]), rel=1e-5)
    torch.testing.assert_close(net[2].weight, norm)
    now = float(net[3].weight.detach().std(correction=0))
    hwsim.clip_weights(net, 2.0)
    assert float(net[3].weight.detach().min()) == pytest.approx(-2 * now, rel=1e-5)


def test_frozen_weights_are_not_clipped() -> None:
    net = model()
    net[0].weight.requires_grad_(False)
    before = [net[place].weight.detach().clone() for place in (0, 3)]
    hwsim.clip_weights(net, 0.5)
    assert torch.equal(net[0].weight, before[0]) and not torch.equal(net[3].weight, before[1])


@pytest.mark.parametrize(("sigma", "error"), [(0, ValueError), (-1.0, ValueError), ("2", TypeError)])
def test_clipping_needs_a_spread(sigma: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="sigma"):
        hwsim.clip_weights(model(), sigma)


def test_one_scale_serves_every_column_and_block_of_a_layer() -> None:
    net = analog()
    scales = net[0].column_scales()
    assert scales.shape == (3, 12)
    assert torch.equal(scales, torch.full_like(scales, float(net[0].weight.detach().abs().max())))
    assert float(net[0].normalised_weight().abs().amax()) == pytest.approx(1)
    assert float(net[0].normalised_weight().abs().amax(1).min()) < 0.98
    x = torch.randn(8, 40, generator=torch.Generator().manual_seed(3))
    exact = {"converters": {"dac_bits": None, "adc_bits": None, "out_bound": None}}
    plain = hwsim.to_analog(model(), BY_LAYER.replace(exact)).eval()
    hwsim.calibrate(plain, x)
    torch.testing.assert_close(plain(x), model().eval()(x))


def test_stage_two_freezes_the_scales_and_noise_is_relative_to_them() -> None:
    net = analog()
    std = float(net[0].weight.detach().std(correction=0))
    hwa = hwsim.HwaTraining(net, seed=0, clip_sigma=2.0, weight_noise=0.1, freeze_scales=True)
    assert float(net[0].weight_range) == pytest.approx(2 * std, rel=1e-5)
    with torch.no_grad():
        net[0].weight.mul_(0.1)
    noise = []
    for _ in range(20):
        with hwa.step():
            noise.append(net[0].execution.weight_noise)
    assert float(torch.stack(noise).std()) == pytest.approx(0.1 * 2 * std, rel=0.03)
    with torch.no_grad():
        net[0].weight[0, 0] = 100.0
    hwa.after_update()
    assert float(net[0].weight.detach().max()) == pytest.approx(
        2 * std, rel=1e-5
    )  # neither wider nor at its spread now
    assert torch.equal(net[0].column_scales(), torch.full((3, 12), float(net[0].weight_range)))
    hwsim.HwaTraining(net, seed=0, clip_sigma=0.5, freeze_scales=True)  # goes on where it was
    assert float(net[0].weight_range) == pytest.approx(2 * std, rel=1e-5)


def test_weights_that_shrink_take_less_conductance_of_a_frozen_scale() -> None:
    net = analog()
    hwsim.HwaTraining(net, seed=0, freeze_scales=True)
    with torch.no_grad():
        net[3].weight.mul_(0.5)
    targets = net[3].normalised_weight()
    assert float(targets.abs().max()) == pytest.approx(0.5, rel=1e-5)
    stored = hwsim.analog_parameters(net)["layers"]["3"]
    assert stored["weight_range"] == pytest.approx(2 * float(net[3].weight.detach().abs().max()), rel=1e-5)
    again = hwsim.load_analog(hwsim.to_digital(net), hwsim.analog_parameters(net), BY_LAYER)
    torch.testing.assert_close(again[3].normalised_weight(), targets)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_ranges_follow_their_gradients_alone_without_decay(decay: float) -> None:
    net = analog()
    hwa = hwsim.HwaTraining(net, seed=0, learn_ranges=True, range_decay=decay)
    before = net[0].input_range.detach().clone()
    with hwa.step():
        net(torch.full((2, 40), 1e-3))
    hwa.after_update()
    torch.testing.assert_close(net[0].input_range.detach(), before * (1 - decay))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"freeze_scales": True},
            "`freeze_scales` must be False for hardware with a scale for each column.*`0` has not",
        ),
        ({"freeze_scales": 1}, "`freeze_scales` must be True or False"),
        ({"range_decay": 2.0}, "`0 <= range_decay <= 1` must hold, got 2.0"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, object], message: str) -> None:
    net = hwsim.to_analog(model(), "pcm-analognas")
    with pytest.raises((ValueError, TypeError), match=message):
        hwsim.HwaTraining(net, seed=0, **options)


def test_columns_learn_no_scale_of_their_own_where_the_layer_has_one() -> None:
    with pytest.raises(ValueError, match="`learn_scales` must be False for hardware with one scale a layer"):
        hwsim.HwaTraining(analog(), seed=0, learn_scales=True)
