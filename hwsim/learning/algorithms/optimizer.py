"""What all algorithms share: arrays of the weights, digital training of the rest, and a state that is numbers alone.

Every matrix among the parameters gets arrays of cells when it is given to the optimiser; its values become those that
the cells can hold. The array that the network reads is called slow, as in the algorithms that have a fast one, too.
Vectors, such as biases and batch norms, are digital and follow plain gradient descent.

All random numbers depend on the seed, the number of the parameter and the number of the step, so that the same seed
gives the same result, and a run that is continued from a state dictionary the same as one that was not interrupted.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, overload

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from hwsim.arguments import number, require, whole
from hwsim.learning.array import Array
from hwsim.learning.devices import PULSED_DEVICES, PairedDevice, PulsedDevice
from hwsim.learning.fabrication import AnyDevice, fabricate, restored, tensors
from hwsim.learning.layers import TileParameter
from hwsim.learning.presets import Preset, preset
from hwsim.learning.update import Gradient
from hwsim.streams import derive_seed

State = dict[str, Any]
Group = dict[str, Any]


class PulsedOptimizer(Optimizer):
    """An optimiser whose matrices are on arrays of pulsed cells.

    A group of parameters may have its own values of all numbers, and `analog=False` to stay digital.

    Args:
        params: parameters, or groups of them.
        device: a preset's name, or a device.
        lr: learning rate.
        digital_lr: of vectors and digital groups; None for `lr`.
        weight_range: place of a matrix's largest initial weight in the range of a cell, which is about -1 to 1. Layers
            of `on_tiles` have theirs already.
        seed: of everything random.
        values: numbers of the algorithm, by name.
    """

    def __init__(
        self,
        params: ParamsT,
        device: str | AnyDevice,
        *,
        lr: float,
        digital_lr: float | None,
        weight_range: float,
        seed: int,
        values: Mapping[str, Any],
    ) -> None:
        described = self.described(device)
        self._seed = whole("seed", seed)
        self._devices: dict[str, AnyDevice] = {}
        defaults = {
            "lr": lr,
            "digital_lr": digital_lr,
            "weight_range": weight_range,
            "analog": True,
            "device": described,
            **values,
        }
        super().__init__(params, defaults)

    @abstractmethod
    def _prepare(self, w: torch.Tensor, group: Group, state: State) -> None:
        """Make the arrays of a matrix with normalised initial weights `w`."""

    @abstractmethod
    def _update(self, gradient: Gradient, group: Group, state: State) -> torch.Tensor | None:
        """Learn from one mini-batch; return the normalised weights that are read, or None if they did not change."""

    def _check(self, group: Group) -> None:
        """Raise for values out of their range."""
        for name in ("lr", "digital_lr"):
            if group[name] is not None:
                rate(name, group[name])
        number("weight_range", group["weight_range"], above=0)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, with arrays for its matrices."""
        for name in ("device", "fast_device"):
            given = param_group.get(name, "{")
            if not isinstance(given, str) or not given.startswith("{"):  # JSON is what `described` returned
                param_group[name] = self.described(given)
        self._check({**self.defaults, **param_group})
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        device = self._device(group)
        for parameter in group["params"]:
            if not self._is_analog(parameter, group):
                continue
            if parameter.dtype != torch.float32:
                raise TypeError(
                    f"matrices on arrays must be float32, got {parameter.dtype}: convert the network with `.float()`"
                )
            state = self.state[parameter]
            state["seed"], state["step"] = self._seed, 0
            state["index"] = sum("index" in other for other in self.state.values())
            matrix = parameter.detach().flatten(1)
            largest = float(matrix.abs().max()) if matrix.numel() else 0.0
            scale = (largest or 1.0) / group["weight_range"]
            if isinstance(parameter, TileParameter):
                scale = parameter.scale = parameter.scale or scale
            state["scale"] = scale
            self._prepare(matrix / scale, group, state)
            self._show(parameter, state, self._array(device, state, "slow").weights)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Train one mini-batch."""
        loss: float | None = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._check(group)  # a schedule, or its user, may have changed it
            digital_lr = group["lr"] if group["digital_lr"] is None else group["digital_lr"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if not self._is_analog(parameter, group):
                    parameter.sub_(parameter.grad * digital_lr)
                    continue
                state = self.state[parameter]
                weights = self._update(_gradient(parameter), group, state)
                state["step"] += 1
                if weights is not None:
                    self._show(parameter, state, weights)
        self._forget_factors()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, and the vectors of layers on tiles."""
        self._forget_factors()
        super().zero_grad(set_to_none)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state dictionary: arrays, weights, settings of groups, and random numbers.

        Raises:
            ValueError: for a state dictionary of another algorithm.
        """
        for group in state_dict["param_groups"]:
            different = sorted(group.keys() ^ {*self.defaults, "params"} - {"param_names"})
            if different:
                raise ValueError(
                    f"a state dictionary of {type(self).__name__} is needed, the one given is of another algorithm: "
                    f"they differ in {', '.join(different[:4])}"
                )
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state.get(parameter)
                if state and self._is_analog(parameter, group):
                    shown = self._array(self._device(group), state, "slow")
                    with torch.no_grad():
                        self._show(parameter, state, shown.weights)
                    if isinstance(parameter, TileParameter):
                        parameter.scale = state["scale"]

    @staticmethod
    def described(device: str | AnyDevice) -> str:
        """Return a device as a group of parameters holds it, JSON; groups with a device of their own want this."""
        return preset_of(device).device.model_dump_json()

    def _device(self, group: Group, name: str = "device") -> AnyDevice:
        text: str = group[name]
        if text not in self._devices:
            self._devices[text] = _parsed(text)
        return self._devices[text]

    def _array(self, device: AnyDevice, state: State, name: str) -> Array:
        return restored(device, state[name])

    def _make(self, device: AnyDevice, w: torch.Tensor, state: State, name: str) -> None:
        """Add an array with normalised weights `w` to the state of a matrix."""
        shape = (w.shape[0], w.shape[1])
        array = fabricate(device, shape, self._seed_of(state, "cells", name), w.device)
        array.write(w, self._seed_of(state, "write", name))
        state[name] = tensors(array)

    def _rest(self, array: Array, state: State, name: str) -> None:
        """Let an array go through the time of one mini-batch."""
        if array.drifts:
            array.after_batch(self._seed_of(state, "rest", name))

    def _seed_of(self, state: State, *purpose: str) -> int:
        return derive_seed(state["seed"], state["index"], state["step"], *purpose)

    @staticmethod
    def _is_analog(parameter: torch.Tensor, group: Group) -> bool:
        return bool(group["analog"]) and parameter.ndim >= 2

    @staticmethod
    @torch.no_grad()
    def _show(parameter: torch.Tensor, state: State, weights: torch.Tensor) -> None:
        parameter.copy_((weights * state["scale"]).view_as(parameter))

    def _forget_factors(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if isinstance(parameter, TileParameter):
                    parameter.factors.clear()


def rate(name: str, value: object) -> None:
    """Raise unless a value is a learning rate."""
    try:
        number(name, value, least=0)
    except ValueError as error:
        raise ValueError(
            f"{error}: a rate above 0 descends; to ascend, change the sign of the loss"
        ) from None


def counting(name: str, group: Group, least: int = 1) -> None:
    """Raise unless a value of a group is a whole number of at least `least`."""
    try:
        whole(name, group[name], least=least)
    except ValueError as error:
        raise ValueError(f"{error}: it counts mini-batches, columns or pulses; 1 is the least") from None


def _gradient(parameter: torch.Tensor) -> Gradient:
    assert parameter.grad is not None
    matrix = parameter.grad.flatten(1)
    if not isinstance(parameter, TileParameter) or not parameter.factors:
        return Gradient(matrix)
    x, d = (torch.cat(parts) for parts in zip(*parameter.factors, strict=True))
    return Gradient(matrix, x, d)


def preset_of(device: str | AnyDevice) -> Preset:
    """Return a preset by its name, or a device with the settings that none was published for."""
    if isinstance(device, str):
        return preset(device)
    require(device, (PulsedDevice, PairedDevice), "`device` must be a preset's name or a pulsed device")
    return Preset(device, "")


def _parsed(text: str) -> AnyDevice:
    values: dict[str, Any] = json.loads(text)
    if values["kind"] == "pair":
        return PairedDevice.model_validate(values)
    return PULSED_DEVICES[values["kind"]].model_validate(values)
