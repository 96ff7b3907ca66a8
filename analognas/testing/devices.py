"""The conformance suite of memory devices: what every device, a user's own one included, must do.

`check_device` programs and reads a few thousand devices, and compares what comes back with the contract of
`hwsim.devices.Device`. The first breach ends the check with an error that names the method, the rule and what came.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import numpy as np

from analognas.specs.durations import DAY_S, HOUR_S, SECOND_S

if TYPE_CHECKING:
    import torch

    from hwsim.devices import Device, DeviceState

TIMES_S: Final = (0.0, SECOND_S, HOUR_S, DAY_S)
"""Times at which a device is read unless told otherwise, s."""
TARGETS: Final = 5
"""Conductances from g_min to g_max."""
DEVICES: Final = 2048
"""Devices that are programmed to each."""
FARTHEST: Final = 0.5
"""Largest distance of a mean conductance from its target right after programming, as a part of the range."""
STANDARD_ERRORS: Final = 4.0
"""Standard errors by which a mean may rise without being taken for a rise."""

P = ParamSpec("P")
T = TypeVar("T")


class BrokenDeviceError(ValueError):
    """A device breaks its contract; the message names the method and what was wrong."""


def check_device(
    device: Device,
    generator: torch.Generator,
    times_s: Sequence[float] = TIMES_S,
    *,
    never_rises: bool = False,
) -> None:
    """Check that a device keeps the contract of `hwsim.devices.Device`.

    Args:
        device: the device.
        generator: what the seeds of all draws come from.
        times_s: seconds since programming inside of the model's validity range, in rising order.
        never_rises: whether the mean conductance of many devices falls over time, or stays: so with drift, and not
            with relaxation towards a range.

    Raises:
        BrokenDeviceError: at the first breach.
    """
    import torch

    _check_members(device)
    targets = torch.linspace(device.g_min_us, device.g_max_us, TARGETS).unsqueeze(1).repeat(1, DEVICES)
    seed = int(torch.randint(2**31, (), generator=generator))
    state = _check_program(device, targets, seed)
    means = []
    for t_s in times_s:
        g_us = _check_read(device, state, float(t_s), seed + 1)
        means.append((g_us.double().mean(1), g_us.double().std(1) / math.sqrt(DEVICES)))
    for (before, _), (after, error), t_s in zip(means, means[1:], times_s[1:], strict=False):
        rise = float((after - before - STANDARD_ERRORS * error - 1e-6 * device.g_max_us).max())
        _require(
            not never_rises or rise <= 0,
            "read",
            "must not let the mean conductance rise",
            f"a rise at {t_s:g} s",
        )
    _check_refusal(device, state, seed)
    _check_curvature(device, state["g_us"])
    again = _call("program", device.program, targets, _seeded(seed))
    rule = "must depend on targets and generator alone, because a chip may be drawn again"
    _require(_equal(state, again), "program", rule, "another state after reading")


def _check_members(device: Device) -> None:
    for name in ("g_min_us", "g_max_us", "program", "read"):
        if not hasattr(device, name):
            raise BrokenDeviceError(f"`{name}` is missing from {type(device).__name__}: every device has it")
    for name in ("program", "read"):
        _require(callable(getattr(device, name)), name, "must be a method", getattr(device, name))
    low, high = device.g_min_us, device.g_max_us
    are_numbers = all(isinstance(value, int | float) and math.isfinite(value) for value in (low, high))
    _require(are_numbers, "g_max_us", "and `g_min_us` must be finite numbers in µS", (low, high))
    _require(0 <= low < high, "g_max_us", "must keep `0 <= g_min_us < g_max_us`", (low, high))


def _check_program(device: Device, targets: torch.Tensor, seed: int) -> DeviceState:
    """Check programming; return its state."""
    before = targets.clone()
    with _global_generators("program"):
        state = _call("program", device.program, targets, _seeded(seed))
    _require(bool((targets == before).all()), "program", "must leave its targets alone", "changed targets")
    _require(isinstance(state, dict), "program", "must return a dictionary of tensors", type(state).__name__)
    _require("g_us" in state, "program", "must return the conductances as `g_us`", sorted(state))
    for name, tensor in state.items():
        _require(isinstance(name, str), "program", "must name its state with text", repr(name))
        _check_tensor("program", f"`{name}`", tensor, targets)
    _check_conductances("program", state["g_us"])
    again = _call("program", device.program, targets, _seeded(seed))
    _require(
        _equal(state, again), "program", "must return equal states for equal generators", "different ones"
    )
    flat = _call("program", device.program, targets.flatten(), _seeded(seed))
    same = {name: tensor.flatten() for name, tensor in state.items()}
    _require(
        _equal(flat, same), "program", "must treat the same devices alike in any shape", "different ones"
    )
    _call("program", device.program, targets[:1, 0], _seeded(seed))
    distance = (state["g_us"].mean(1) - targets[:, 0]).abs() / (device.g_max_us - device.g_min_us)
    found = (
        f"means of {[round(float(mean), 3) for mean in state['g_us'].mean(1)]} for {targets[:, 0].tolist()}"
    )
    _require(
        bool((distance <= FARTHEST).all()),
        "program",
        "must return conductances in µS near their targets",
        found,
    )
    return state


def _check_read(device: Device, state: DeviceState, t_s: float, seed: int) -> torch.Tensor:
    """Check reading at one time; return the conductances."""
    before = {name: tensor.clone() for name, tensor in state.items()}
    with _global_generators("read"):
        g_us = _call("read", device.read, state, t_s, _seeded(seed))
    _require(_equal(state, before), "read", "must leave the state alone", f"a changed state at {t_s:g} s")
    _check_tensor("read", f"what it returns at {t_s:g} s", g_us, state["g_us"])
    _check_conductances("read", g_us)
    again = _call("read", device.read, state, t_s, _seeded(seed))
    _require(
        bool((g_us == again).all()),
        "read",
        "must return equal conductances for equal generators",
        "different ones",
    )
    flat = {name: tensor.flatten() for name, tensor in state.items()}
    alike = _call("read", device.read, flat, t_s, _seeded(seed))
    same = alike.shape == (g_us.numel(),) and bool((alike == g_us.flatten()).all())
    _require(same, "read", "must treat the same devices alike in any shape", "different ones")
    shared = any(g_us.data_ptr() == tensor.data_ptr() for tensor in state.values())
    _require(not shared, "read", "must return a tensor of its own", "a tensor of the state")
    return g_us


def _check_refusal(device: Device, state: DeviceState, seed: int) -> None:
    refused: str | None = None
    try:
        device.read(state, -1.0, _seeded(seed))
    except Exception as error:
        refused = type(error).__name__
    _require(refused == "ValueError", "read", "must raise ValueError for a time before 0", refused)


def _check_curvature(device: Device, g_us: torch.Tensor) -> None:
    """Check what a device says of currents that are not proportional to voltages, if it does."""
    from hwsim.devices.device import NonlinearDevice

    if not isinstance(device, NonlinearDevice) or not device.is_nonlinear:
        return
    powers = _call("curvature_us", device.curvature_us, g_us)
    rule = "must return a tuple of one tensor a power, from the square on"
    _require(isinstance(powers, tuple) and len(powers) > 0, "curvature_us", rule, type(powers).__name__)
    for power, tensor in enumerate(powers, start=2):
        _check_tensor("curvature_us", f"what input^{power} is multiplied by", tensor, g_us)


def _check_tensor(method: str, what: str, tensor: object, like: torch.Tensor) -> None:
    import torch

    _require(
        isinstance(tensor, torch.Tensor), method, f"must return {what} as a tensor", type(tensor).__name__
    )
    assert isinstance(tensor, torch.Tensor)
    rule = f"must return {what} as float32 of shape {tuple(like.shape)}"
    fits = tensor.dtype == torch.float32 and tensor.shape == like.shape
    _require(fits, method, rule, f"{tensor.dtype} of shape {tuple(tensor.shape)}")
    _require(
        bool(torch.isfinite(tensor).all()), method, f"must return finite numbers in {what}", "NaN or infinity"
    )


def _check_conductances(method: str, g_us: torch.Tensor) -> None:
    _require(
        bool((g_us >= 0).all()), method, "must return no negative conductances", f"{float(g_us.min()):g} µS"
    )


@contextmanager
def _global_generators(method: str) -> Iterator[None]:
    """Refuse what draws from a generator that nobody gave it."""
    before = _global_states()
    yield
    rule = "must draw from the generator that it is given, and from no other"
    _require(_global_states() == before, method, rule, "a global generator that has moved")


def _global_states() -> tuple[object, ...]:
    import torch

    _, keys, position, *_ = np.random.get_state()  # noqa: NPY002  # what a device must not use
    return torch.get_rng_state().tolist(), np.asarray(keys).tolist(), position, random.getstate()


def _equal(first: DeviceState, second: DeviceState) -> bool:
    return first.keys() == second.keys() and all(
        first[name].shape == second[name].shape and bool((first[name] == second[name]).all())
        for name in first
    )


def _seeded(seed: int) -> torch.Generator:
    import torch

    return torch.Generator().manual_seed(seed)


def _call(name: str, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a method of the device; what it raises becomes a breach of its contract."""
    try:
        return method(*args, **kwargs)
    except Exception as error:
        raise BrokenDeviceError(f"`{name}` must not fail, got {type(error).__name__}: {error}") from error


def _require(holds: bool, name: str, rule: str, found: object) -> None:
    if not holds:
        raise BrokenDeviceError(f"`{name}` {rule}, got {found}")
