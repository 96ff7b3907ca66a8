"""Times as texts, wherever hwsim takes times."""

import numpy as np
import pytest
import torch
from torch import nn

import hwsim
from analognas.specs import durations as of_configurations
from hwsim import durations
from hwsim.characterize import characterize

TEXTS = {"1 s": 1, "2 min": 120, "1 h": 3_600, "1 day": 86_400, "1 month": 2_592_000, "10 years": 315_360_000}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_as_good_as_its_seconds(text: str) -> None:
    net = hwsim.to_analog(nn.Linear(4, 3), "floating-point")
    chips, x = hwsim.program(net, 1), torch.eye(4)
    y = net(x).argmax(1)
    seconds = float(TEXTS[text])
    for times in (text, [text], np.array([text]), seconds):
        assert hwsim.accuracy_over_time(chips, x, y, times).times_s == (seconds,)
    assert hwsim.accuracy_over_time(chips, x, y, [text, seconds + 1]).at(text).t_s == seconds
    hwsim.check_times(net.hardware, [text, seconds])
    device = net.hardware.device.build()
    assert characterize(device, [5.0], text, 10, 0) == characterize(device, [5.0], [seconds], 10, 0)


def test_a_device_of_ones_own_takes_texts() -> None:
    device = {
        "kind": "polynomial",
        "g_max_us": 25.0,
        "programming_us": [1.0],
        "latest_s": "1 year",
        "t0_s": "20 s",
    }
    hardware = hwsim.preset("pcm-rasch2023").replace({"device": device})
    assert (hardware.device.latest_s, hardware.device.t0_s) == (31_536_000.0, 20.0)
    with pytest.raises(ValueError, match=r"`device.latest_s`: must be seconds or a text.*, got 'soon'$"):
        hardware.replace({"device.latest_s": "soon"})


def test_configurations_read_times_as_hwsim_does() -> None:
    for name in of_configurations.__all__:
        assert getattr(of_configurations, name) is getattr(durations, name)
