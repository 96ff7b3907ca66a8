"""Every option of the MVM on and off, alone and together: 256 settings of one small network."""

import itertools

import pytest
import torch
from torch import nn

import hwsim
from hwsim.fused.executor import FusedNetwork, Worker
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from hwsim.modules import NOMINAL
from hwsim.noise import NoisePool, NoiseStream

OPTIONS = {
    "converters.dac_bits": (None, 12),
    "converters.adc_bits": (None, 12),
    "converters.input_scaling": ("static", "dynamic"),
    "mvm.input_noise": (0.0, 0.02),
    "mvm.output_noise": (0.0, 0.05),
    "mvm.read_noise": (0.0, 0.05),
    "mvm.ir_drop": (0.0, 50.0),
    "mvm.s_shape": (0.0, 0.1),
}
SETTINGS = tuple(itertools.product((0, 1), repeat=len(OPTIONS)))
SCALING = list(OPTIONS).index("converters.input_scaling")
READ_NOISE = list(OPTIONS).index("mvm.read_noise")


@torch.no_grad()
def _outputs(setting: tuple[int, ...], model: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Return what a chip computes: in plain torch, and in compiled stages where there is a compiler."""
    changes = {path: values[on] for (path, values), on in zip(OPTIONS.items(), setting, strict=True)}
    hardware = hwsim.preset("pcm-analognas").replace({**changes, "tile.rows": 20, "tile.columns": 5})
    net = hwsim.to_analog(model, hardware)
    hwsim.calibrate(net, x, method="max")
    chips = hwsim.program(net, n=1)
    reading, noise = chips.at(60.0, 0), NoiseStream(NoisePool(torch.Generator().manual_seed(0)), key=7)
    for index, (name, layer) in enumerate(chips.layers.items()):
        layer.execution = reading.execution(name, noise.child(index), 0)
    found = [chips.net(x)]
    for layer in chips.layers.values():
        layer.execution = NOMINAL
    if kernels.library() is not None:
        worker = Worker(FusedNetwork(chips, Inputs((x[:1],))))
        worker.load(reading, noise)
        found.append(worker(Inputs((x,)), 0))
    return found


@pytest.fixture(scope="module")
def outputs() -> dict[tuple[int, ...], list[torch.Tensor]]:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=2), nn.Flatten(),
        nn.Linear(24, 3),
    ).eval()  # fmt: skip
    x = torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    return {setting: _outputs(setting, model, x) for setting in SETTINGS}


def test_no_setting_breaks_and_compiled_stages_agree_in_all(outputs) -> None:
    for setting, found in outputs.items():
        for path in found:
            assert torch.isfinite(path).all(), setting
            assert (path - found[0]).abs().max() <= 2e-3 * found[0].abs().max(), setting


@pytest.mark.parametrize("number", range(len(OPTIONS)), ids=list(OPTIONS))
def test_an_option_matters_whatever_else_is_on(number: int, outputs) -> None:
    for setting in SETTINGS:
        if setting[number]:
            without = (*setting[:number], 0, *setting[number + 1 :])
            others = {other for other, on in enumerate(without) if on}
            if number == SCALING and others <= {READ_NOISE}:
                continue  # what is proportional to the inputs does not see their scale
            change = (outputs[setting][0] - outputs[without][0]).abs().max()
            assert change > 1e-5 * outputs[without][0].abs().max(), setting
