from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from torch import nn

import hwsim


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(40, 6), nn.ReLU(), nn.Linear(6, 3))


HARDWARE = hwsim.preset("pcm-analognas").replace({"tile.rows": 16})


@pytest.fixture
def stored(tmp_path: Path):
    net = hwsim.to_analog(model(), HARDWARE, digital_layers="2")
    hwsim.calibrate(net, torch.randn(32, 40, generator=torch.Generator().manual_seed(1)))
    content = {"hardware": HARDWARE.model_dump(mode="json"), "layers": hwsim.analog_parameters(net)}
    path = tmp_path / "analog.json"
    path.write_text(json.dumps(content))
    return net, path, content


def test_chips_are_the_same_as_before(stored) -> None:
    net, path, _ = stored
    again = hwsim.load_analog(model(), path)
    assert isinstance(again[2], nn.Linear)  # kept digital then, and now
    torch.testing.assert_close(again[0].input_range, net[0].input_range, rtol=0, atol=0)
    assert len(again[0].input_range) == 3
    before, now = (hwsim.program(one, n=2, seed=3) for one in (net, again))
    torch.testing.assert_close(before.state["g_us"], now.state["g_us"], rtol=0, atol=0)


def test_learned_scales_are_in_the_weights_of_the_digital_network(stored, tmp_path: Path) -> None:
    net, _, content = stored
    with torch.no_grad():
        net[0].output_scale.mul_(1.25)
    path = tmp_path / "learned.json"
    path.write_text(json.dumps({**content, "layers": hwsim.analog_parameters(net)}))
    assert hwsim.load_analog(hwsim.to_digital(net), path) is not None
    with pytest.raises(ValueError, match="column scales of `0` are others"):
        hwsim.load_analog(model(), path)


def test_the_parameters_alone_are_enough_with_hardware(stored, tmp_path: Path) -> None:
    net, _, content = stored
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(content["layers"]))
    again = hwsim.load_analog(model(), path, HARDWARE.replace({"mvm.output_noise": 0.0}))
    torch.testing.assert_close(again[0].input_range, net[0].input_range, rtol=0, atol=0)
    with pytest.raises(ValueError, match="has no `hardware`: give it as an argument"):
        hwsim.load_analog(model(), path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "must be a JSON file"),
        ("[]", "must hold a JSON object"),
        ("{}", "`layers` must be a mapping of analog layers"),
        ('{"layers": {"layers": {"0": 3}}}', "`layers` must be a mapping of analog layers"),
        ({"hardware": {"tile": {"rows": -1}}}, "`hardware.tile.rows`: Input should be greater"),
        ({"input_range": [-1.0, 1.0, 1.0]}, "`input_range` of `0` must be 3 numbers above 0"),
        ({"input_range": [1.0]}, "`input_range` of `0` must be 3 numbers above 0"),
        ({"input_range": "wide"}, "`input_range` of `0` must be 3 numbers above 0"),
        ({"column_scales": [[float("inf")]]}, "column scales of `0` are others"),
        ({"row_blocks": None}, "must cut `0` into the row blocks"),
    ],
)
def test_files_of_another_kind(stored, content, message: str) -> None:
    _, path, whole = stored
    if isinstance(content, dict):
        whole = copy.deepcopy(whole)
        if "hardware" in content:
            whole.update(content)
        else:
            whole["layers"]["layers"]["0"].update(content)
        content = json.dumps(whole)
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        hwsim.load_analog(model(), path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"path": "nowhere.json"}, ValueError, "nowhere.json: cannot be read"),
        ({"path": 3}, TypeError, "`path` must be the path of an analog.json, got 3"),
        ({"model": 3}, TypeError, "`model` must be a torch module, got 3"),
        ({"model": nn.Linear(3, 2)}, ValueError, "it has no layer `0`"),
        ({"model": nn.Sequential(nn.Linear(40, 6))}, ValueError, "must have the weights"),
        ({"hardware": "nope"}, ValueError, "'nope'"),
        ({"hardware": 3}, TypeError, "`hardware` must be hwsim.Hardware"),
        ({"hardware": "pcm-rasch2023"}, ValueError, "must cut `0` into the row blocks .*call hwsim.to_analog and"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit(stored, arguments, error, message: str) -> None:
    _, path, _ = stored
    with pytest.raises(error, match=message):
        hwsim.load_analog(**{"model": model(), "path": path, **arguments})
