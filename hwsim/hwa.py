"""Hardware-aware training: noise on weights and outputs in forward and backward, not in the update.

Each mini-batch sees weights with noise drawn afresh, of one of two kinds:

    gaussian   W + λ γ σ ξ, with γ the largest weight of each column and σ the strength
    device     W + λ σ (W' - W), with W' as the hardware's own device would hold it right after programming

λ is a linear ramp. The gradient of the noisy weights updates the clean ones. Converters, output noise and
fixed-point units act in the forward pass, with straight-through gradients. After each update the weights are
clipped, so that few outliers do not take the conductance range from all others; learned input ranges decay
while more than 95 % of the inputs fit.

AnalogNets train in two stages: in floating point, weights clipped at two standard deviations after each update
(`clip_weights`); then on tiles with one scale a layer that stays as it was at the start (`freeze_scales`), noise
relative to it, and ranges that follow their gradients alone (`range_decay` 0), the gain of the ADCs among them.

References:
    Joshi et al., Nat. Commun. 11:2473, 2020 (weight noise and clipping).
    Rasch et al., Nat. Commun. 14:5282, 2023 (hardware-aware training of all non-idealities, learned ranges).
    Zhou et al., AnalogNets, arXiv 2111.06503, 2021 (two stages, one trained ADC gain).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Literal

import torch
from torch import nn

from hwsim.adc_gain import require_tied
from hwsim.arguments import number, require, shown, whole
from hwsim.calibration import bears_channels_last
from hwsim.clipping import clip_
from hwsim.conversion import require_analog, require_float32
from hwsim.devices.device import Device, require_device
from hwsim.modules import NOMINAL, AnalogLayer, Execution
from hwsim.noise import NoisePool, NoiseStream
from hwsim.streams import standard_normal, stream

RANGE_DECAY: Final = 0.001
"""Relative decay of a learned input range after an update."""
UNCLIPPED: Final = 0.95
"""Share of inputs that must fit for a learned input range to decay."""
SMALLEST_RANGE: Final = 1e-4
"""Learned input ranges stay above this."""


class HwaTraining:
    """What a training loop adds to become hardware-aware.

    Args:
        net: an analog network with calibrated input ranges.
        generator: source of all noise, which others may share; None for one of its own.
        seed: of the generator of its own; None for 0.
        weight_noise: strength σ; for `gaussian` a standard deviation relative to each column's largest
            weight, for `device` a multiple of the device's own error.
        modifier: kind of weight noise.
        clip_sigma: weights are clipped at this many standard deviations of their layer; None for no clipping.
        clip_value: weights are clipped at this fixed magnitude; None for no fixed clipping.
        ramp_steps: mini-batches until the weight noise has its full strength.
        learn_ranges: train the input ranges with the weights, the output ranges of fixed-point units, and the bounds of
            ADCs whose gain is not fixed.
        range_decay: relative decay of a learned range after an update where more than 95 % fit; ADCs have none.
        freeze_scales: the scale of each layer stays what it is now, after one clipping, and weights are clipped at it.
        learn_scales: train a factor on each column's digital scale with the weights.
        device: any object with what `hwsim.devices.Device` has, in place of the device of the hardware; only the
            modifier `device` asks it.

    Raises:
        ValueError: for a network without analog layers or with weights that are not float32, a generator and a
            seed, an object that is no device, hardware whose output words wrap, or a value out of range.
        TypeError: for an argument of another type.

    Example:
        >>> from hwsim import preset, to_analog
        >>> net = to_analog(nn.Linear(4, 2), preset("floating-point"))
        >>> hwa = HwaTraining(net, seed=0)
        >>> with hwa.step():
        ...     net(torch.ones(1, 4)).sum().backward()
        >>> hwa.after_update()
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        generator: torch.Generator | None = None,
        seed: int | None = None,
        weight_noise: float = 0.06,
        modifier: Literal["gaussian", "device"] = "gaussian",
        clip_sigma: float | None = 2.5,
        clip_value: float | None = None,
        ramp_steps: int = 0,
        learn_ranges: bool = False,
        range_decay: float = RANGE_DECAY,
        learn_scales: bool = False,
        freeze_scales: bool = False,
        device: Device | None = None,
    ) -> None:
        layers = require_analog(net)
        require_float32(layers)
        require_tied(layers)
        self._layers: list[AnalogLayer] = list(layers.values())
        weight_noise = number("weight_noise", weight_noise, least=0)
        for name, bound in (("clip_sigma", clip_sigma), ("clip_value", clip_value)):
            if bound is not None:
                number(name, bound, above=0, remedy="None switches it off")
        ramp_steps = whole("ramp_steps", ramp_steps, least=0)
        range_decay = number("range_decay", range_decay, least=0, most=1)
        generator = _generator(generator, seed)
        if modifier not in ("gaussian", "device"):
            raise ValueError(f"`modifier` must be gaussian or device, got {shown(modifier)}")
        switches = (
            ("learn_ranges", learn_ranges),
            ("learn_scales", learn_scales),
            ("freeze_scales", freeze_scales),
        )
        for name, value in switches:
            require(value, bool, f"`{name}` must be True or False")
        if device is not None:
            device = require_device("`device`", device)
            if modifier != "device":
                raise ValueError(
                    f'`device` must be left out with the modifier {modifier}: modifier="device" asks it'
                )
        wrapping = [layer for layer in self._layers if layer.unit is not None and layer.unit.wraps]
        if wrapping:
            raise ValueError(
                "`digital.overflow` must be saturate in hardware-aware training, got wrap: a sum that wraps has no "
                "straight-through gradient"
            )
        with_range = [layer for layer in self._layers if layer.hardware.needs_input_range]
        if learn_ranges and not with_range:
            raise ValueError(
                "`learn_ranges` must be False for hardware without static input ranges, got True: "
                "inputs are scaled one by one (`converters.input_scaling`), or nothing depends on their range"
            )
        by_layer = [name for name, layer in layers.items() if layer.weight_range is not None]
        if learn_scales and by_layer:
            raise ValueError(
                "`learn_scales` must be False for hardware with one scale a layer (`converters.weight_scaling`), got "
                f"True: `{by_layer[0]}` has none for each column"
            )
        by_column = [name for name, layer in layers.items() if layer.weight_range is None]
        if freeze_scales and by_column:
            raise ValueError(
                "`freeze_scales` must be False for hardware with a scale for each column, got True: "
                f"`converters.weight_scaling` layer has one a layer, which `{by_column[0]}` has not"
            )
        self._generator = generator
        mappings = (layer.mapping for layer in self._layers)
        self._pool = NoisePool.for_layers(generator, mappings, self._layers[0].weight.device)
        self._device = self._layers[0].hardware.device.build() if device is None else device
        self._weight_noise = weight_noise
        self._modifier = modifier
        self._clip_sigma = clip_sigma
        self._clip_value = clip_value
        self._ramp_steps = ramp_steps
        self._range_decay = range_decay
        self._steps = 0
        self._net = net
        self._channels_last: bool | None = None  # not known before the network has run
        for layer in self._layers:
            layer.input_range.requires_grad_(learn_ranges and layer.hardware.needs_input_range)
            layer.output_scale.requires_grad_(learn_scales)
            if layer.output_range is not None:
                layer.output_range.requires_grad_(learn_ranges)
            if layer.out_bound is not None:
                layer.out_bound.requires_grad_(learn_ranges)
            if freeze_scales:
                self._freeze(layer)

    @property
    def ranges(self) -> list[nn.Parameter]:
        """The ranges that are trained, each once: of inputs, of ADCs, of fixed-point units.

        They may be of any size: an optimiser whose steps do not follow that of the gradient, like Adam, needs learning
        rates for them that are relative to it.
        """
        found = [
            parameter
            for layer in self._layers
            for parameter in (layer.input_range, layer.out_bound, layer.output_range)
            if parameter is not None and parameter.requires_grad
        ]
        return list(dict.fromkeys(found))

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run one mini-batch, forward and backward, with noise drawn afresh."""
        self._steps += 1
        first_run = self._net.register_forward_pre_hook(self._try_channels_last, with_kwargs=True)
        ramp = min(1.0, self._steps / self._ramp_steps) if self._ramp_steps else 1.0
        key = int(torch.randint(2**62, (), generator=self._generator, device=self._generator.device))
        stream = NoiseStream(self._pool, key)
        for index, layer in enumerate(self._layers):
            layer.execution = Execution(
                weight_noise=self._draw(layer, ramp * self._weight_noise),
                noise=stream.child(index),
                channels_last=self._channels_last is True,
            )
        try:
            yield
        finally:
            first_run.remove()
            for layer in self._layers:
                layer.execution = NOMINAL

    def _try_channels_last(self, net: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Find out once whether the network bears convolutions that leave channels last."""
        if self._channels_last is None:
            self._channels_last = False  # for the run that tries it
            self._channels_last = bears_channels_last(net, *inputs, **options)
            for layer in self._layers:
                layer.execution = replace(layer.execution, channels_last=self._channels_last)

    @torch.no_grad()
    def after_update(self) -> None:
        """Clip the trained weights and let learned ranges decay; call it after every step of the optimiser."""
        for layer in self._layers:
            if layer.weight_range is not None and layer.weight_range > 0:
                layer.weight.clamp_(-layer.weight_range, layer.weight_range)
            elif layer.weight.requires_grad:
                self._clip(layer.weight)
            if layer.out_bound is not None:
                layer.out_bound.clamp_(min=SMALLEST_RANGE)
            if layer.input_range.requires_grad:
                decay = torch.where(layer.unclipped > UNCLIPPED, 1 - self._range_decay, 1.0)
                layer.input_range.mul_(decay[: len(layer.input_range)]).clamp_(min=SMALLEST_RANGE)
                if layer.output_range is not None:
                    layer.output_range.mul_(decay[-1]).clamp_(min=SMALLEST_RANGE)

    def state_dict(self) -> dict[str, Any]:
        """Return what going on with a training needs besides the states of network and optimiser."""
        return {
            "steps": self._steps,
            "generator": self._generator.get_state(),
            "pool": self._pool.values.clone(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the training was that `state` is of: with the ramp and with the noise.

        Raises:
            ValueError: for anything but the `state_dict()` of a training of the same network.
        """
        try:
            steps, pool = whole("steps", state["steps"], least=0), state["pool"]
            if pool.shape != self._pool.values.shape or not bool(torch.isfinite(pool).all()):
                raise ValueError(f"a pool of {tuple(pool.shape)}, or one with NaN")
            self._generator.set_state(state["generator"])
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
            said = f"no {error}" if isinstance(error, KeyError) else error
            raise ValueError(
                f"`state` must be the state_dict() of a training of this network, got {said}"
            ) from None
        self._pool.values.copy_(pool)
        self._steps = steps

    def _clip(self, weight: torch.Tensor) -> None:
        if self._clip_sigma is not None:
            clip_(weight, self._clip_sigma)
        if self._clip_value is not None:
            weight.clamp_(-self._clip_value, self._clip_value)

    @torch.no_grad()
    def _freeze(self, layer: AnalogLayer) -> None:
        """Let a layer keep the scale that it has after one clipping, unless it is frozen already."""
        assert layer.weight_range is not None
        if layer.weight_range == 0:
            self._clip(layer.weight)
            layer.weight_range.copy_(layer.weight.abs().amax().clamp(min=SMALLEST_RANGE))

    @torch.no_grad()
    def _draw(self, layer: AnalogLayer, strength: float) -> torch.Tensor | None:
        """Return noise for a layer's weights, in their own units."""
        if strength == 0:
            return None
        if self._modifier == "device":
            noise = self._device_error(layer.normalised_weight())
        else:
            noise = standard_normal(layer.weight, self._generator)
        matrix = noise.view(layer.weight.shape[0], -1)
        for (row0, row1), scales in zip(layer.mapping.blocks, layer.column_scales(), strict=True):
            matrix[:, row0:row1] *= (strength * scales).unsqueeze(1)
        return noise

    def _device_error(self, weights: torch.Tensor) -> torch.Tensor:
        """Return what a programmed and once read pair differs from its target by, units of g_max."""
        span_us = self._device.g_max_us - self._device.g_min_us
        target_us = torch.stack([weights.clamp(min=0), (-weights).clamp(min=0)]) * span_us
        state = self._device.program(target_us + self._device.g_min_us, self._generator)
        read_us = self._device.read(state, 0.0, self._generator)
        return (read_us[0] - read_us[1]).div_(span_us).sub_(weights)


def _generator(generator: torch.Generator | None, seed: int | None) -> torch.Generator:
    if generator is None:
        return stream(0 if seed is None else whole("seed", seed), "hardware-aware training")
    remedy = "torch.Generator().manual_seed(0) is one, and seed=0 makes it"
    require(generator, torch.Generator, "`generator` must be a torch.Generator", remedy)
    if seed is not None:
        raise ValueError(f"`seed` must be left out with a generator, which has one, got {shown(seed)}")
    return generator
