"""Networks to and from aihwkit, where it is installed (optional extra `peers`)."""

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import hwsim

pytest.importorskip("aihwkit", reason="aihwkit is not installed (optional extra `peers`)")
pytestmark = pytest.mark.filterwarnings("default")  # its warnings are not ours

ALIKE = hwsim.preset("pcm-analognas").replace({"pairs": "collapsed", "compensation.readout": "mvm"})
TIMES_S = (3600.0, 86_400.0, 2_592_000.0, 31_536_000.0)
CHIPS = 16


@pytest.fixture(scope="module")
def digits() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A trained network and the digits that it was not trained on."""
    x, y = load_digits(return_X_y=True)
    inputs, labels = torch.from_numpy(x).float().view(-1, 1, 8, 8) / 16, torch.from_numpy(y)
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(288, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(inputs[:1297]), labels[:1297]).backward()
        optimiser.step()
    return model.eval(), inputs[1297:], labels[1297:]


def _analog(model: nn.Module, x: torch.Tensor, hardware: hwsim.Hardware = ALIKE) -> nn.Module:
    net = hwsim.to_analog(model, hardware)
    hwsim.calibrate(net, x)
    return net


def _over_drift(peer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the accuracy of aihwkit's chips, `(times, chips)`."""
    found = torch.zeros(len(TIMES_S), CHIPS)
    for chip in range(CHIPS):
        torch.manual_seed(chip)  # aihwkit draws from torch's global generator
        peer.program_analog_weights()
        for row, t_s in enumerate(TIMES_S):
            peer.drift_analog_weights(t_s)
            with torch.no_grad():
                found[row, chip] = (peer(x).argmax(1) == y).float().mean()
    return found


@pytest.mark.parametrize("rows", [512, 100])
def test_accuracy_over_drift_agrees_within_the_spread_over_chips(digits: Any, rows: int) -> None:
    model, x, y = digits
    hardware = ALIKE.replace({"tile.rows": rows, "tile.columns": 20})
    net = _analog(model, x, hardware)
    peer, lost = hwsim.to_aihwkit(net)
    assert lost == ()
    back, lost = hwsim.from_aihwkit(peer)
    assert lost == ()
    theirs = _over_drift(peer, x, y)
    for one in (net, back):
        curve = hwsim.accuracy_over_time(hwsim.program(one, CHIPS), x, y, times_s=list(TIMES_S))
        ours = torch.tensor(curve.values, dtype=torch.float32)
        spread = torch.maximum(ours.std(1), theirs.std(1))
        assert (spread > 0).all()
        assert ((ours.mean(1) - theirs.mean(1)).abs() < spread).all()


def test_a_network_comes_back_as_it_was(digits: Any) -> None:
    model, x, _ = digits
    net = _analog(model, x, ALIKE.replace({"tile.rows": 100, "tile.columns": 20}))
    back = hwsim.from_aihwkit(hwsim.to_aihwkit(net).net).net
    ours, theirs = (dict(one.named_modules()) for one in (net, back))
    for name in ("0", "4", "6"):
        assert theirs[name].hardware == ours[name].hardware.replace(
            {"name": "TorchInferenceRPUConfig", "citation": ""}
        )
        torch.testing.assert_close(theirs[name].input_range, ours[name].input_range)
        torch.testing.assert_close(theirs[name].weight, ours[name].weight)
        torch.testing.assert_close(theirs[name].bias, ours[name].bias)


@pytest.mark.parametrize("rows", [512, 100])
def test_a_programmed_network_comes_back_with_the_weights_from_before(digits: Any, rows: int) -> None:
    model, x, _ = digits
    net = _analog(model, x, ALIKE.replace({"tile.rows": rows, "tile.columns": 20}))
    peer: Any = hwsim.to_aihwkit(net).net
    torch.manual_seed(0)  # aihwkit draws from torch's global generator
    peer.program_analog_weights()
    peer.drift_analog_weights(86_400.0)
    drifted = [weight.clone() for tile in peer.analog_tiles() for weight in tile.get_weights()[:1]]
    back = dict(hwsim.from_aihwkit(peer).net.named_modules())
    for name, layer in ((name, net.get_submodule(name)) for name in ("0", "4", "6")):
        torch.testing.assert_close(back[name].weight, layer.weight)
    now = [weight for tile in peer.analog_tiles() for weight in tile.get_weights()[:1]]
    assert all(torch.equal(one, other) for one, other in zip(drifted, now, strict=True))
    assert not torch.allclose(peer.get_submodule("4").get_weights()[0], net.get_submodule("4").weight)


@pytest.mark.parametrize("scaling", ["static", "dynamic"])
@pytest.mark.parametrize("name", ["floating-point", "ideal-8bit"])
def test_without_noise_both_compute_the_same(name: str, scaling: str, digits: Any) -> None:
    model, x, _ = digits
    hardware = hwsim.preset(name).replace({"converters.input_scaling": scaling, "compensation.kind": "none"})
    net = _analog(model, 3 * x, hardware)  # with inputs beyond 1
    peer, lost = hwsim.to_aihwkit(net)
    assert lost == ("pairs both: the difference of a pair is kept there",)
    back, lost = hwsim.from_aihwkit(peer)
    assert lost == ()
    with torch.no_grad():
        expected, full = net(3 * x), float(net(3 * x).abs().max())
        for found in (peer(3 * x), back(3 * x)):
            same = (found - expected).abs() < 1e-4 * full
            assert same.float().mean() > 0.98  # sums in another order move some by a step of the ADC
            assert float((found - expected).abs().max()) < 0.05 * full


@pytest.mark.parametrize("name", hwsim.preset_names())
def test_every_preset_translates_or_says_what_is_lost(name: str, digits: Any) -> None:
    model, x, _ = digits
    hardware = hwsim.preset(name)
    if hardware.digital.kind == "fixed-point":
        pytest.skip("folds batch norms")
    net = _analog(model, x, hardware)
    peer, lost = hwsim.to_aihwkit(net)
    assert peer(x[:2]).shape == (2, 10)
    back, _ = hwsim.from_aihwkit(peer)
    found = next(module.hardware for module in back.modules() if hasattr(module, "hardware"))
    assert found.converters.adc_bits == hardware.converters.adc_bits
    assert found.tile.rows == hardware.tile.rows
    assert found.device.kind == hardware.device.kind or any("device.kind" in line for line in lost)
    for field in ("ir_drop", "read_noise", "s_shape"):
        value = getattr(hardware.mvm, field)
        assert any(f"mvm.{field}" in line for line in lost) == (value > 0)


def test_layers_without_a_counterpart_stay_digital_and_are_told() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 6, 1), nn.Flatten(), nn.Linear(216, 3)
    ).eval()
    x = torch.randn(8, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    peer, lost = hwsim.to_aihwkit(_analog(model, x))
    assert lost == ("layer 0: no counterpart, it is digital there",)
    back, _ = hwsim.from_aihwkit(peer)
    assert [type(module).__name__ for module in back] == ["Conv2d", "AnalogConv2d", "Flatten", "AnalogLinear"]
    with pytest.raises(ValueError, match="one of Linear, Conv2d"):
        hwsim.to_aihwkit(_analog(model[:1], x))


def test_what_a_configuration_has_besides_is_listed() -> None:
    from aihwkit.nn.conversion import convert_to_analog
    from aihwkit.simulator.configs import TorchInferenceRPUConfig
    from aihwkit.simulator.configs.utils import BoundManagementType, NoiseManagementType, WeightModifierType

    config: Any = TorchInferenceRPUConfig()
    config.forward.inp_res, config.forward.out_res = 1 / 62, 1 / 100
    config.forward.out_asymmetry = 0.1
    config.forward.noise_management = NoiseManagementType.ABS_MAX
    config.forward.bound_management = BoundManagementType.ITERATIVE
    config.modifier.type, config.modifier.std_dev = WeightModifierType.ADD_NORMAL, 0.1
    config.mapping.max_input_size = 0
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net, lost = hwsim.from_aihwkit(convert_to_analog(nn.Sequential(nn.Linear(8, 4)), config))
    hardware = net[0].hardware
    assert (hardware.converters.dac_bits, hardware.converters.adc_bits) == (6, 7)
    assert hardware.converters.input_scaling == "dynamic"
    assert hardware.tile.rows == 65_536
    assert [line.split()[0] for line in lost] == [
        "forward.out_asymmetry",
        "forward.bound_management",
        "forward.out_res",
        "mapping.weight_scaling_omega",
        "modifier.type",
    ]
    net(torch.randn(3, 8))


def test_other_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="must have a layer of aihwkit"):
        hwsim.from_aihwkit(nn.Linear(4, 2))
    with pytest.raises(ValueError, match="must have at least one analog layer"):
        hwsim.to_aihwkit(nn.Linear(4, 2))
    with pytest.raises(ValueError, match=r"call hwsim\.calibrate"):
        hwsim.to_aihwkit(hwsim.to_analog(nn.Sequential(nn.Linear(4, 2)), ALIKE))
