"""Devices that learn, as they were published, by name.

The constants are those that the literature and its reference implementation give; array presets hold the measured
spread of whole arrays, their corrupt cells left out (the measured part is in the comment: `replace` puts it back).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hwsim.arguments import one_of
from hwsim.learning.devices import (
    ConstantStep,
    ExponentialStep,
    LinearStep,
    PairedDevice,
    PulsedDevice,
    SoftBoundsReference,
)
from hwsim.learning.fabrication import AnyDevice


class Preset(NamedTuple):
    """A published device, and how the published algorithms are set for it.

    Attributes:
        device: the device.
        source: the publication.
        gradient_slots: BL of the fast array's update.
        fast_lr: part of these slots that the largest product takes.
        buffer_states: γ0, steps of the fast array that count as one step of the slow one, over a whole sweep.
        chop_probability: of a flip at a column read, in chopped TTv2.
        agad_chop_probability: the same in AGAD.
        agad_buffer_states: γ0 of AGAD.
        agad_tail: reads from a period's end that count in AGAD's reference.
    """

    device: AnyDevice
    source: str
    gradient_slots: int = 31
    fast_lr: float = 0.1
    buffer_states: float = 1000.0
    chop_probability: float = 0.01
    agad_chop_probability: float = 0.01
    agad_buffer_states: float = 1000.0
    agad_tail: float = 20.0


_GONG_2018: Final = (
    "Gong et al., Signal and noise extraction from analog memory elements for neuromorphic computing, Nat. Commun. "
    "9:2102, 2018"
)
_GONG_2022: Final = (
    "Gong, Rasch et al., Deep learning acceleration in 14nm CMOS compatible ReRAM array: device, material and "
    "algorithm co-optimization, IEDM 2022"
)
_RERAM: Final[Mapping[str, Any]] = {
    "fast_lr": 0.5,
    "agad_chop_probability": 0.02,
    "agad_tail": 5.0,
}
_ECRAM_MO: Final[Mapping[str, Any]] = {
    "gradient_slots": 100,
    "buffer_states": 500.0,
    "chop_probability": 0.001,
    "agad_chop_probability": 0.005,
    "agad_buffer_states": 500.0,
    "agad_tail": 50.0,
}
_ARRAY: Final[Mapping[str, Any]] = {
    "step_spread_kind": "log-normal",
    "crossed_bounds": "mirror",
    "up_down_spread": 0.01,
    "corrupt_range": 0.01,
    "subtracts": "symmetry-point",
    "reference_spread": 0.05,
}

PRESETS: Final[Mapping[str, Preset]] = {
    "reram-es": Preset(
        ExponentialStep(
            step=0.00135, up_down=0.259359, a=-0.5, b=-0.5, gamma_up=5, gamma_down=5, a_up=-1.18445,
            a_down=-0.081404, step_spread=0.2, up_down_spread=0.05, w_max_spread=0.3, w_min_spread=0.3,
            cycle_noise=5.0, write_noise=75.0,
        ),
        _GONG_2018 + " (exponential step)",
        **_RERAM,
    ),
    "reram-sb": Preset(
        SoftBoundsReference(
            step=0.002, w_max=1.25, w_min=-0.75, step_spread=0.3, up_down_spread=0.01, w_max_spread=0.3 / 1.25,
            w_min_spread=0.3 / 0.75, cycle_noise=3.75, write_noise=56.0,
        ),
        _GONG_2018 + " (a loose fit of soft bounds, the symmetry point already subtracted)",
        **_RERAM,
    ),
    "reram-om": Preset(  # the measured array has 13.48 % corrupt cells, and bounds of 1.4839 and -0.6192
        SoftBoundsReference(
            step=0.0949, step_spread=0.7829, w_max_spread=0.3499, w_min_spread=0.5695, cycle_noise=0.4158,
            write_noise=1.4113, **_ARRAY,
        ),
        _GONG_2022 + " (optimised material)",
        **_RERAM,
    ),
    "reram-hfo2": Preset(  # the measured array has 9.77 % corrupt cells, and bounds of 1.149 and -1.0284
        SoftBoundsReference(
            step=0.4622, step_spread=0.7125, w_max_spread=0.4295, w_min_spread=0.5990, cycle_noise=0.2174,
            write_noise=0.5841, **_ARRAY,
        ),
        _GONG_2022 + " (HfO2)",
        **_RERAM,
    ),
    "ecram": Preset(
        LinearStep(
            step=0.002, w_max=1.1724, w_min=-0.8276, slope_up=0.1153, slope_down=0.5085, slope_up_spread=0.05,
            slope_down_spread=0.05, step_spread=0.1, up_down_spread=0.01, w_max_spread=0.05, w_min_spread=0.05,
            cycle_noise=0.3, noise_kind="multiplicative", slope_reference="mean",
        ),
        "Tang et al., ECRAM as scalable synaptic cell for high-speed, low-power neuromorphic computing, IEDM 2018",
        gradient_slots=100, buffer_states=500.0, agad_chop_probability=0.005, agad_buffer_states=750.0,
        agad_tail=50.0,
    ),
    "ecram-mo": Preset(
        LinearStep(
            step=2.8214e-4, w_max=1.1714, w_min=-0.8286, slope_up=0.4152, slope_down=0.7342, slope_up_spread=0.05,
            slope_down_spread=0.05, step_spread=0.1, up_down_spread=0.01, w_max_spread=0.05, w_min_spread=0.05,
            cycle_noise=2.0, noise_kind="multiplicative", slope_reference="mean",
        ),
        "Kim et al., Metal-oxide based, CMOS-compatible ECRAM for deep learning accelerator, IEDM 2019",
        **_ECRAM_MO,
    ),
    "capacitor": Preset(
        LinearStep(
            step=0.005, slope_up=0.05, slope_down=0.05, slope_up_spread=0.01, slope_down_spread=0.01, step_spread=0.1,
            up_down_spread=0.06, w_max_spread=0.07, w_min_spread=0.07, cycle_noise=0.3, lifetime=1e6,
            lifetime_spread=0.3, slope_reference="mean",
        ),
        "Li et al., Capacitor-based cross-point array for analog neural network with record symmetry and linearity, "
        "VLSI Technology 2018",
    ),
    "pcm": Preset(
        PairedDevice(
            of=ExponentialStep(
                step=0.01, w_max=2.0, w_min=0.0, a=-1, b=0, gamma_up=2.5, gamma_down=2.5, a_up=-27.235, a_down=-2.235,
                step_spread=0.2, up_down_spread=0.05, w_max_spread=0.1, cycle_noise=0.6, noise_add=0.042,
                noise_slope=0.108, reset=0.01, reset_spread=0.02,
            )
        ),
        "Nandakumar et al., Mixed-precision deep learning based on computational memory, Front. Neurosci. 14:406, "
        "2020",
    ),
    "idealized": Preset(
        ConstantStep(step=0.0002, step_spread=0.3, w_max_spread=0.3, w_min_spread=0.3, cycle_noise=0.3),
        "the Gokmen-Vlasov device without asymmetry and with 10,000 states (Rasch et al., AICAS 2021)",
        **_ECRAM_MO,
    ),
    "gokmen-vlasov": Preset(
        ConstantStep(
            step=0.0016, step_spread=0.3, up_down_spread=0.01, w_max_spread=0.3, w_min_spread=0.3, cycle_noise=0.3
        ),
        "Gokmen, Vlasov, Acceleration of deep neural network training with resistive cross-point devices, Front. "
        "Neurosci. 10:333, 2016",
    ),
}  # fmt: skip
"""Published devices by name."""


def device_names() -> tuple[str, ...]:
    """Return the names that `device` knows, sorted."""
    return tuple(sorted(PRESETS))


def preset(name: str) -> Preset:
    """Return a published device with its source and settings of algorithms.

    Raises:
        ValueError: for an unknown name; the message lists the known ones and the nearest.
    """
    return PRESETS[one_of("device", name, device_names())]


def device(name: str, **changes: Any) -> AnyDevice:
    """Return the published device called `name`, with some of its values changed.

    For a pair, changes are those of its two devices.

    Raises:
        ValueError: for an unknown name, or a value that the device does not have or that is out of range.

    Example:
        >>> device("reram-om", corrupt_probability=0.1348).n_states > 20
        True
    """
    found = preset(name).device
    if not changes:
        return found
    if isinstance(found, PairedDevice):
        return PairedDevice(of=replaced(found.of, changes))
    return replaced(found, changes)


def replaced(device: PulsedDevice, changes: Mapping[str, Any]) -> PulsedDevice:
    """Return a validated copy with some values changed."""
    return type(device)(**{**device.model_dump(), **changes})
