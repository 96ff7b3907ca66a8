"""What cannot hold an analog layer says what to do: exporters, tracers and the script compiler of torch."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import hwsim


@pytest.fixture(scope="module")
def net() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    net = hwsim.to_analog(model, "pcm-rasch2023").eval()
    hwsim.calibrate(net, torch.ones(2, 4))
    return net


X = torch.ones(2, 4)
WAYS: dict[str, Callable[[nn.Module, Path], object]] = {
    "export": lambda net, _: torch.export.export(net, (X,)),
    "strict export": lambda net, _: torch.export.export(net, (X,), strict=True),
    "onnx": lambda net, path: torch.onnx.export(net, (X,), path, verbose=False),
    "trace": lambda net, _: torch.jit.trace(net, X),
    "script": lambda net, _: torch.jit.script(net),
    "script of a layer": lambda net, _: torch.jit.script(net[0]),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_analog_network_is_not_exported(way: str, net: nn.Module, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of its exporters
        with pytest.raises(RuntimeError, match=r"call hwsim.to_digital\(net\) first") as caught:
            WAYS[way](net, tmp_path / "net.onnx")
    if way not in ("strict export", "onnx"):  # torch puts its own words around
        assert "\n" not in str(caught.value)


def test_what_to_digital_returns_is_exported(net: nn.Module) -> None:
    digital = hwsim.to_digital(net)
    torch.testing.assert_close(torch.export.export(digital, (X,)).module()(X), digital(X))
