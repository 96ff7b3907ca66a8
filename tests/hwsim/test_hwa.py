import pytest
import torch
from torch import nn

import hwsim


def _net(preset: str = "pcm-analognas") -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4))
    net = hwsim.to_analog(model, hwsim.preset(preset))
    x = torch.randn(8, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, [x])
    return net, x


def test_noise_is_redrawn_each_step_and_reproducible() -> None:
    net, x = _net()

    def outputs(seed: int) -> list[torch.Tensor]:
        hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(seed))
        result = []
        for _ in range(3):
            with hwa.step():
                result.append(net(x).detach())
        return result

    first, again, other = outputs(0), outputs(0), outputs(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other[0])


def test_the_gradient_is_that_of_the_noisy_weights_and_the_update_is_clean() -> None:
    net, x = _net("floating-point")
    before = net[3].weight.detach().clone()
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), weight_noise=0.3)
    with hwa.step():
        noisy = [before + net[3].execution.weight_noise, net[0].weight + net[0].execution.weight_noise]
        net(x).square().sum().backward()
    assert torch.equal(net[3].weight, before)
    head, stem = (weight.detach().clone().requires_grad_() for weight in noisy)
    hidden = torch.relu(nn.functional.conv2d(x, stem, net[0].bias)).flatten(1)
    nn.functional.linear(hidden, head, net[3].bias).square().sum().backward()
    torch.testing.assert_close(net[3].weight.grad, head.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(net[0].weight.grad, stem.grad, rtol=1e-4, atol=1e-4)


def test_weight_noise_has_its_strength_relative_to_each_columns_maximum_and_ramps_up() -> None:
    net = hwsim.to_analog(nn.Linear(20_000, 3), hwsim.preset("floating-point").replace({"tile.rows": 20_000}))
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), weight_noise=0.1, ramp_steps=4)
    for expected in (0.025, 0.05, 0.075, 0.1, 0.1):
        with hwa.step():
            relative = net.execution.weight_noise.std(1) / net.weight.abs().amax(1)
        assert relative.tolist() == pytest.approx([expected] * 3, rel=0.03)


def test_weights_are_clipped_after_the_update() -> None:
    net, _ = _net()
    with torch.no_grad():
        net[3].weight[0, 0] = 50.0
    bound = 2.0 * float(net[3].weight.detach().std(correction=0))
    hwsim.HwaTraining(net, generator=torch.Generator(), clip_sigma=2.0).after_update()
    assert net[3].weight[0, 0].item() == pytest.approx(bound)


def test_outside_of_a_step_the_network_is_deterministic() -> None:
    net, x = _net()
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0))
    before = net(x)
    with pytest.raises(RuntimeError, match="stop"), hwa.step():
        raise RuntimeError("stop")
    assert torch.equal(before, net(x))


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight_noise", -0.1), ("clip_sigma", 0.0), ("ramp_steps", -1), ("weight_noise", float("nan"))],
)
def test_values_out_of_range_are_rejected(name: str, value: float) -> None:
    net, _ = _net()
    with pytest.raises(ValueError, match=name):
        hwsim.HwaTraining(net, generator=torch.Generator(), **{name: value})
