"""Published devices against aihwkit's compiled tiles, where these run (extra `peers`).

aihwkit 1.1.0 does with torch 2.10. Where the noise of one step is several steps, its staircases vary by some percent
from run to run, more than the standard error of as many cells with independent noise.
"""

from typing import Any

import pytest
import torch

from hwsim import learning
from hwsim.learning.fabrication import fabricate

pytest.importorskip("aihwkit", reason="aihwkit is not installed (optional extra `peers`)")
pytestmark = pytest.mark.filterwarnings("default")  # its warnings are not ours

PEERS = {
    "gokmen-vlasov": "GokmenVlasovPresetDevice",
    "idealized": "IdealizedPresetDevice",
    "capacitor": "CapacitorPresetDevice",
    "ecram": "EcRamPresetDevice",
    "ecram-mo": "EcRamMOPresetDevice",
    "reram-sb": "ReRamSBPresetDevice",
    "reram-om": "ReRamArrayOMPresetDevice",
    "reram-hfo2": "ReRamArrayHfO2PresetDevice",
    "reram-es": "ReRamESPresetDevice",
}
SIZE = 200
PULSES = 40
AT = (4, 39, 43, 79)
"""Pulses after which weights are compared: forty up, then forty down."""


def theirs(peer: str, granularity: float) -> list[torch.Tensor]:
    from aihwkit.nn import AnalogLinear
    from aihwkit.simulator.configs import build_config
    from aihwkit.simulator.presets import devices
    from aihwkit.simulator.presets.utils import PresetIOParameters, PresetUpdateParameters

    config: Any = build_config("sgd", getattr(devices, peer)(), PresetIOParameters, PresetUpdateParameters)
    try:
        tile: Any = next(AnalogLinear(SIZE, SIZE, bias=False, rpu_config=config).analog_tiles())
    except RuntimeError:
        pytest.skip("aihwkit's compiled tiles do not run with this version of torch")
    tile.tile.set_weights(torch.zeros(SIZE, SIZE))
    tile.set_learning_rate(granularity)
    found = []
    for pulse in range(2 * PULSES):
        sign = -1.0 if pulse < PULSES else 1.0
        tile.tile.update(torch.ones(1, SIZE), torch.full((1, SIZE), sign), False)
        if pulse in AT:
            found.append(tile.tile.get_weights().clone())
    return found


def ours(name: str) -> list[torch.Tensor]:
    array = fabricate(learning.device(name), (SIZE, SIZE), 0)
    array.write(torch.zeros(SIZE, SIZE), 0)
    found = []
    for pulse in range(2 * PULSES):
        array.pulse(torch.full((SIZE, SIZE), 1 if pulse < PULSES else -1, dtype=torch.int32), pulse + 1)
        if pulse in AT:
            found.append(array.weights.clone())
    return found


def spread(w: torch.Tensor) -> float:
    """Return the distance of two quantiles; a few cells with bounds near zero rule the standard deviation."""
    low, high = torch.quantile(w.flatten(), torch.tensor([0.16, 0.84]))
    return float(high - low)


@pytest.mark.parametrize("name", PEERS)
def test_staircases_have_the_same_mean_and_spread(name) -> None:
    device = learning.device(name)
    assert isinstance(device, learning.PulsedDevice)
    # its granularity of exponential devices ignores the steps up
    granularity = device.granularity
    if isinstance(device, learning.ExponentialStep):
        cells = device.model_copy(update={"step_spread": 0.0}).fabricate(
            (1, 1), torch.Generator().manual_seed(0)
        )
        granularity = float(device.down(torch.zeros(1, 1), cells))
    for pulse, mine, other in zip(AT, ours(name), theirs(PEERS[name], granularity), strict=True):
        error = float(((mine.var() + other.var()) / mine.numel()).sqrt())
        shift = 0.015 * device.cycle_noise * granularity * (pulse + 1)
        assert abs(float(mine.mean() - other.mean())) < 4 * error + shift
        assert spread(mine) == pytest.approx(spread(other), rel=0.05)
