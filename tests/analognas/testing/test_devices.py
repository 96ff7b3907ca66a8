from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from analognas.testing import BrokenDeviceError, check_device
from analognas.testing.devices import TIMES_S
from hwsim.devices import (
    PUBLISHED_DEVICES,
    Device,
    DeviceState,
    Generic,
    PolynomialSpec,
    ReramMilo,
    Sonos,
    SramCharge,
)
from hwsim.faults import FaultSpec
from hwsim.streams import standard_normal

DEVICES = {name: spec.build() for name, spec in PUBLISHED_DEVICES.items()} | {
    "polynomial": PolynomialSpec(
        g_max_us=40, programming_us=(0.5, 1.2), drift_mean=(0.04,), drift_std=(0.01,)
    ).build(),
    "sonos above 9 µS": Sonos(16.0),
    "milo with voltages": ReramMilo(amplitude_v=0.5),
    "sram": SramCharge(4, 0.05),
    "generic normal": Generic(25.0, 0.0, "normal", "independent", 0.05, 0.02),
    "generic proportional": Generic(25.0, 0.0, "uniform", "proportional", 0.05, 0.02),
    "generic inverse": Generic(25.0, 2.5, "uniform", "inverse", 0.05, 0.0),
    "faulty": FaultSpec(on=0.02, off=0.03, at_value=0.01).build(PUBLISHED_DEVICES["pcm"].build()),
}
TIMES = {"sonos above 9 µS": (0.0,)}
DRIFTING = ("pcm", "hermes-1", "hermes-2", "polynomial", "ideal")


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_here_keeps_the_contract(name: str) -> None:
    check_device(
        DEVICES[name],
        torch.Generator().manual_seed(0),
        TIMES.get(name, TIMES_S),
        never_rises=name in DRIFTING,
    )


@dataclass(frozen=True)
class Leaking:
    """A device that keeps the contract; a fault makes it break one rule."""

    fault: str = ""
    g_min_us: float = 1.0
    g_max_us: float = 20.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        if self.fault == "fails":
            raise RuntimeError("no chip")
        if self.fault == "target":
            g_target_us.clamp_(min=2.0)
        noise = standard_normal(g_target_us, generator)
        if self.fault == "torch":
            noise = torch.randn(g_target_us.shape)
        if self.fault == "numpy":
            noise = torch.from_numpy(np.random.normal(size=tuple(g_target_us.shape)).astype(np.float32))  # noqa: NPY002
        if self.fault == "shape":
            noise = noise.flatten().sort().values.view(noise.shape) if noise.ndim > 1 else noise
        g_us = (g_target_us + 0.2 * noise).clamp_(min=0)
        match self.fault:
            case "siemens":
                g_us = g_us * 1e-6
            case "double":
                g_us = g_us.double()
            case "name":
                return {"g": g_us}
            case "nan":
                g_us[..., 0] = float("nan")
        return {"g_us": g_us}

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        if t_s < 0 and self.fault != "past":
            raise ValueError("`t_s >= 0` must hold")
        g_us = state["g_us"]
        match self.fault:
            case "state":
                g_us.mul_(0.99)
            case "view":
                return g_us
            case "negative":
                return g_us - 2.0
            case "rises":
                return g_us * (1 + 0.01 * t_s)
            case "scalar":
                return g_us.mean()
        return g_us / (1 + 1e-7 * max(t_s, 0.0))


BREACHES = {
    "fails": "`program` must not fail, got RuntimeError: no chip",
    "target": "`program` must leave its targets alone",
    "torch": "`program` must draw from the generator",
    "numpy": "`program` must draw from the generator",
    "shape": "`program` must treat the same devices alike",
    "siemens": "`program` must return conductances in µS near their targets",
    "double": "`program` must return `g_us` as float32",
    "name": "`program` must return the conductances as `g_us`",
    "nan": "`program` must return finite numbers in `g_us`",
    "past": "`read` must raise ValueError for a time before 0, got None",
    "state": "`read` must leave the state alone",
    "view": "`read` must return a tensor of its own",
    "negative": "`read` must return no negative conductances",
    "rises": "`read` must not let the mean conductance rise",
    "scalar": "`read` must return what it returns at 0 s as float32 of shape",
}


def _check(device: Device) -> None:
    check_device(device, torch.Generator().manual_seed(0), never_rises=True)


def test_a_device_of_ones_own_keeps_the_contract() -> None:
    _check(Leaking())


@pytest.mark.parametrize("fault", BREACHES)
def test_a_breach_is_named(fault: str) -> None:
    with pytest.raises(BrokenDeviceError) as caught:
        _check(Leaking(fault))
    assert str(caught.value).startswith(BREACHES[fault])


def test_members_are_checked() -> None:
    with pytest.raises(BrokenDeviceError, match="`g_min_us` is missing from object"):
        _check(object())  # type: ignore[arg-type]
    with pytest.raises(BrokenDeviceError, match=r"0 <= g_min_us < g_max_us`, got \(30.0, 20.0\)"):
        _check(replace(Leaking(), g_min_us=30.0))


class Worn(Leaking):
    """Is programmed less closely once it was read."""

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        return super().program(g_target_us * vars(self).get("wear", 1.0), generator)

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        vars(self)["wear"] = 0.99
        return super().read(state, t_s, generator)


def test_a_device_that_remembers_is_refused() -> None:
    with pytest.raises(BrokenDeviceError, match="`program` must depend on targets and generator alone"):
        _check(Worn())


def test_a_rise_is_allowed_where_nobody_promises_less() -> None:
    check_device(Leaking("rises"), torch.Generator().manual_seed(0))


class Bending(Leaking):
    """Says how its current bends, in the wrong form."""

    is_nonlinear = True

    def curvature_us(self, g_us: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (g_us.double(),)


def test_what_a_device_says_of_its_currents_is_checked() -> None:
    with pytest.raises(
        BrokenDeviceError, match=r"`curvature_us` must return what input\^2 .* float32.*float64"
    ):
        check_device(Bending(), torch.Generator().manual_seed(0))
