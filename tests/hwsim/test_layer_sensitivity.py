"""What one layer on chips costs: variants hold what they should, and their sum is the chip itself."""

import numpy as np
import pytest
import torch
from torch import nn

import hwsim
from hwsim.layer_sensitivity import LayerCost, Sensitivity
from hwsim.one_layer_chips import OneLayerChips

DAY_S = 86_400.0


class Dying:
    """Holds what it is told until a second has passed, and nothing afterwards."""

    g_min_us, g_max_us = 0.0, 10.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"g_us": g_target_us.clone()}

    def read(self, state: dict[str, torch.Tensor], t_s: float, generator: torch.Generator) -> torch.Tensor:
        return state["g_us"] if t_s < 1 else torch.zeros_like(state["g_us"])


def _data(n: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.arange(n) % 4
    noise = torch.randn(n, 8, generator=torch.Generator().manual_seed(2))
    return torch.eye(8)[y] + 0.3 * noise, y


def _net(hardware: str = "pcm-rasch2023") -> nn.Module:
    model = nn.Sequential(nn.Linear(8, 8, bias=False), nn.ReLU(), nn.Linear(8, 4, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(8))
        model[2].weight.copy_(torch.eye(4, 8))
    net = hwsim.to_analog(model, hardware)
    hwsim.calibrate(net, _data()[0])
    return net


def test_a_variant_has_the_drifted_weights_of_its_layer_alone() -> None:
    chips = hwsim.program(_net(), 3, seed=4)
    variants = OneLayerChips(chips)
    assert len(variants) == 3 * 4
    real = chips.at(DAY_S, 1)
    ideal = {name: layer.normalised_weight() for name, layer in chips.layers.items()}
    for variant, on_chip in enumerate(([], ["0"], ["2"], ["0", "2"])):
        reading = variants.at(DAY_S, 4 + variant)
        for name in ideal:
            expected = real.weights[name] if name in on_chip else ideal[name]
            assert torch.equal(reading.weights[name], expected)
            factor = real.compensation[name]
            expected = factor if name in on_chip else torch.ones_like(factor)
            assert torch.equal(reading.compensation[name], expected)
        assert variants.mvm_key(DAY_S, 4 + variant) == chips.mvm_key(DAY_S, 1)


def test_all_layers_cost_what_the_chips_lose() -> None:
    net, (x, y) = _net(), _data()
    found = hwsim.sensitivity(net, (x, y), DAY_S, chips=4, seed=7)
    curve = hwsim.accuracy_over_time(hwsim.program(net, 4, seed=7), x, y, DAY_S)
    assert found.ideal - found.whole.cost == pytest.approx(curve.mean[0])
    assert found.costs.shape == (2, 4)
    assert [layer.cost for layer in found.layers] == pytest.approx(found.costs.mean(1).tolist())
    again = hwsim.sensitivity(net, (x, y), DAY_S, chips=4, seed=7)
    assert np.array_equal(found.costs, again.costs)


def test_a_layer_whose_devices_die_loses_all_but_chance() -> None:
    net, data = _net("floating-point"), _data()
    found = hwsim.sensitivity(net, data, 2.0, chips=2, device=Dying())
    chance = 0.25  # outputs of 0 find class 0
    assert {layer.layer: layer.cost for layer in found.layers} == pytest.approx(
        {"0": found.ideal - chance, "2": found.ideal - chance}
    )
    assert all(layer.low == layer.high == layer.cost for layer in found.layers)
    assert sorted(found.digital_layers()) == ["0", "2"]
    assert found.digital_layers(least=0.99) == []
    early = hwsim.sensitivity(net, data, 0.0, chips=2, device=Dying())
    assert [layer.is_level for layer in (*early.layers, early.whole)] == [True] * 3


def test_costs_are_what_any_metric_gets_worse_by() -> None:
    net, (x, y) = _net("floating-point"), _data()

    def hits(outputs: torch.Tensor, targets: torch.Tensor) -> float:
        return float((outputs.argmax(1) == targets).sum())

    share = hwsim.sensitivity(net, (x, y), "1 h", chips=2, device=Dying())
    count = hwsim.sensitivity(net, (x, y), "1 h", chips=2, device=Dying(), metric=hits)
    np.testing.assert_allclose(count.costs, share.costs * len(y), atol=1e-9)
    assert (count.metric, "%" in str(count).splitlines()[-1]) == ("hits", False)
    loss = hwsim.sensitivity(net, (x, y), "1 h", chips=2, device=Dying(), metric="cross-entropy")
    assert loss.whole.cost == pytest.approx(np.log(4) - loss.ideal, abs=1e-5)  # outputs of 0
    risen = hwsim.sensitivity(
        net, (x, y), "1 h", chips=2, device=Dying(), metric="cross-entropy", lower_is_better=False
    )
    assert np.array_equal(risen.costs.sum(0), -loss.costs.sum(0))


def test_tables_and_figures_have_the_most_expensive_first() -> None:
    rows = LayerCost("b", 30, 0.75, 0.25, 0.125, 0.375), LayerCost("a", 10, 0.25, 0.0, -0.0625, 0.0625)
    found = Sensitivity(
        rows, LayerCost("", 40, 1.0, 0.25, 0.1, 0.4), 0.9, "accuracy", DAY_S, np.zeros((2, 3))
    )
    lines = str(found).splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["b", "a"]
    assert [line.endswith("level") for line in lines[1:3]] == [False, True]
    assert found._repr_html_().count("<tr>") == 3
    frame = found.to_frame()
    assert frame["layer"].tolist() == ["b", "a"]
    assert frame["is_level"].tolist() == [False, True]
    (bar,) = found.plot().data
    assert (list(bar.x), list(bar.y)) == ([0.0, 25.0], ["a", "b"])
    assert list(bar.error_x.array) == [6.25, 12.5]


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"net": nn.Linear(8, 4)}, ValueError, "call hwsim.to_analog first"),
        ({"data": torch.ones(2, 8)}, ValueError, r"`data` must be `\(x, y\)`.*got no `y`"),
        ({"t_s": [1, 2]}, TypeError, "`t_s` must be a number, got list"),
        ({"t_s": "1 eon"}, ValueError, "`t_s` must be seconds or a text.*got '1 eon'"),
        ({"metric": {"a": "mse"}}, ValueError, "`metric` must be one metric, got a dict"),
        ({"metric": "acuracy"}, ValueError, "did you mean accuracy"),
        ({"lower_is_better": 1}, TypeError, "`lower_is_better` must be True, False or None, got 1"),
        ({"t_s": -1.0}, ValueError, "got -1"),
        ({"chips": 1}, ValueError, "`chips >= 2` must hold, got 1"),
        ({"seed": "x"}, TypeError, "`seed` must be a whole number"),
        ({"device": 3}, ValueError, "`device` must have `g_max_us`"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(change, kind, words) -> None:
    with pytest.raises(kind, match=words) as caught:
        hwsim.sensitivity(**{"net": _net(), "data": _data(), **change})
    assert "\n" not in str(caught.value)
