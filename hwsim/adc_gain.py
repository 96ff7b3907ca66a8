"""One ADC gain for all layers: a single tensor, and the check that it is one.

A converter that serves layer after layer has one gain. Of a layer with input range α and weight range γ, its last code
stands for the output b α γ; b, the largest output in fully-on products, is one over the gain. Layers whose hardware has
`adc_gain: shared` hold one tensor b, so that its gradient is the sum over them:

    dL/db = Σ_l α_l γ_l dL/dr_l,   r_l = b α_l γ_l   (one γ a layer and one row block)

References:
    Zhou et al., AnalogNets, arXiv 2111.06503, 2021 (one fixed ADC gain, trained with the network).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch

from hwsim.arguments import shown
from hwsim.modules import AnalogLayer

CANDIDATES: Final = 200
"""Bounds among which calibration chooses, evenly apart on a logarithmic scale."""

REMEDY: Final = "hwsim.to_analog ties them, and hwsim.calibrate sets them"


def sharing(layers: Mapping[str, AnalogLayer]) -> dict[str, AnalogLayer]:
    """Return the layers, by name, whose ADCs have one gain."""
    return {name: layer for name, layer in layers.items() if layer.hardware.converters.adc_gain == "shared"}


def tie(layers: Mapping[str, AnalogLayer]) -> None:
    """Let the layers that share a gain hold one tensor.

    Raises:
        ValueError: for layers whose hardware starts from different bounds.
    """
    members = sharing(layers)
    require_one_gain({name: _bound(layer) for name, layer in members.items()}, "hardware")
    for layer in members.values():
        layer.out_bound = next(iter(members.values())).out_bound


def require_tied(layers: Mapping[str, AnalogLayer]) -> None:
    """Raise ValueError unless all layers that share a gain hold one tensor, above 0."""
    members = sharing(layers)
    require_one_gain({name: _bound(layer) for name, layer in members.items()}, "`net`")
    if len({id(layer.out_bound) for layer in members.values()}) > 1:
        raise ValueError(
            f"layers with `converters.adc_gain` shared must hold one `out_bound`, got copies of it: {REMEDY}"
        )


def require_one_gain(bounds: Mapping[str, object], place: str) -> None:
    """Raise ValueError unless the bounds of layers that share a gain are one number above 0.

    Args:
        bounds: `out_bound` by the name of the layer.
        place: where they come from.
    """
    for name, bound in bounds.items():
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0 < bound < float("inf"):
            raise ValueError(
                f"{place}: `out_bound` of `{name}` must be a number above 0, got {shown(bound)}: {REMEDY}"
            )
    (first, one), *others = bounds.items() if bounds else [("", 0.0)]
    for name, bound in others:
        if bound != one:
            raise ValueError(
                f"{place}: all layers must have one ADC gain with `converters.adc_gain` shared, got `out_bound` "
                f"{shown(one)} in `{first}` and {shown(bound)} in `{name}`: {REMEDY}"
            )


@torch.no_grad()
def set_bounds(needs: Mapping[AnalogLayer, torch.Tensor]) -> None:
    """Set the bounds of ADCs to what calibrated outputs need.

    A layer of its own gain gets its need. Of a shared gain, layers that need more have their input ranges widened by as
    much, so that outputs fit and steps of the DAC are wider; layers that need less use fewer codes of the ADC. The
    bound is the one with the least sum of both.

    Args:
        needs: for each layer with a trained bound, `(blocks,)` outputs to span, times the input range.
    """
    wanted = {layer: (need / layer.input_range).amax() for layer, need in needs.items()}
    wanted = {layer: torch.where(bound > 0, bound, 1.0) for layer, bound in wanted.items()}
    tied = {layer: bound for layer, bound in wanted.items() if layer.hardware.converters.adc_gain == "shared"}
    if tied:
        shared = _least_steps(tied)
        for layer, need in tied.items():
            layer.input_range.mul_((need / shared).clamp(min=1))
            wanted[layer] = shared
    for layer, bound in wanted.items():
        assert layer.out_bound is not None
        layer.out_bound.copy_(bound)


def _least_steps(needs: Mapping[AnalogLayer, torch.Tensor]) -> torch.Tensor:
    """Return the bound, 0-dim, with the least sum over layers of squared steps of ADC and DAC.

    Steps are relative to what a layer needs: `max(b / need, 1) / L_adc` and `max(need / b, 1) / L_dac`.
    """
    need = torch.stack(list(needs.values()))
    grid = torch.linspace(0, 1, CANDIDATES, device=need.device)
    bound = need.amin() * (need.amax() / need.amin()) ** grid
    ratio = bound[:, None] / need
    of_adc = torch.stack([_step(layer.crossbar.adc_levels, need) for layer in needs])
    of_dac = torch.stack([_step(layer.crossbar.dac_levels, need) for layer in needs])
    squares = (ratio.clamp(min=1) * of_adc) ** 2 + ((1 / ratio).clamp(min=1) * of_dac) ** 2
    return bound[squares.sum(1).argmin()]


def _step(levels: int | None, like: torch.Tensor) -> torch.Tensor:
    return like.new_tensor(0.0 if levels is None else 1 / levels)


def _bound(layer: AnalogLayer) -> float:
    assert layer.out_bound is not None
    return float(layer.out_bound.detach())
