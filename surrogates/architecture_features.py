"""Features of a network that follow from its layers alone: what a surrogate knows of a candidate without training it.

They mean the same in every space: a model that was fitted on networks of one space can predict those of another. Names
that begin with `log_` are natural logarithms. A layer has a weight matrix; its *fan-in* is the number of inputs of one
output, its *width* the number of outputs, its *positions* the places of its output map.

    expressivity    Σ log fan-in over layers, times log(1 + size of the last map): entropy of a network with normal
                    weights
    depth_to_width  layers over the geometric mean of widths: above some value deep networks are hard to train
    nsr             noise over signal power of a layer on analog hardware, before its digital scale

Signal and noise are second moments. Weights are normal, and the largest of a column fills its range. Inputs are
rectified normal numbers that fill the input range at three standard deviations, so that E[x²] = 1/18:

    signal = f σ_w² E[x²],   σ_w = 1 / sqrt(2 ln 2f)
    noise  = t (σ_out² + q_adc² / 12) + f σ_w² (σ_in² + q_dac² / 12) + f E[x²] σ_g²

with f the fan-in, t the tiles that a column takes, q the steps of the converters, σ_out and σ_in the noise of outputs
and inputs, and σ_g the error of programmed weights after a day in units of the largest weight, once the best common
factor is taken out, as drift compensation does.

Not modelled: correlations between layers, shortcuts that carry a signal past a noisy layer, saturation of converters,
read noise, voltage drop along the columns.

References:
    Z. Sun et al., MAE-DET: Revisiting maximum entropy principle in zero-shot NAS for efficient object detection,
    ICML 2022, arXiv 2111.13336 (entropy).
    X. Shen et al., DeepMAD: Mathematical architecture design for deep convolutional neural network, CVPR 2023,
    arXiv 2303.02165 (depth over width).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from hwsim.durations import DAY_S
from search_spaces import LayerGraph

if TYPE_CHECKING:
    import pandas as pd

    import hwsim

INPUT_POWER: Final = 1 / 18
WEIGHTS_DRAWN: Final = 20_000
"""Weights that are programmed once to learn how exactly a device holds them."""

Values = npt.NDArray[np.float64]

FEATURES: Final[Mapping[str, str]] = {
    "layers": "layers with a weight matrix",
    "log_weights": "weights of all matrices",
    "log_macs": "multiply-accumulates of one inference",
    "log_mean_width": "geometric mean of the widths",
    "log_narrowest": "smallest width but that of the last layer, 0 without another layer",
    "log_widest": "largest width but that of the last layer, 0 without another layer",
    "log_mean_fan_in": "geometric mean of the fan-ins",
    "log_largest_fan_in": "largest fan-in",
    "log_reduction": "positions of the first map over the geometric mean of all maps",
    "log_last_positions": "positions of the last map with more than one, 0 without one",
    "share_grouped": "share of layers that are grouped convolutions",
    "share_pointwise": "share of layers whose fan-in is at most the largest width before; the first layer counts",
    "steps_per_layer": "digital steps (additions, poolings) for each layer: shortcuts and branches",
    "expressivity": "entropy of the network with normal weights",
    "depth_to_width": "layers over the geometric mean of the widths",
    "log_nsr_sum": "noise over signal, summed over layers",
    "log_nsr_worst": "noise over signal of the noisiest layer",
    "log_nsr_first": "noise over signal of the first layer",
    "log_nsr_last": "noise over signal of the last layer",
}
"""What each feature is; those that begin with `log_nsr` need hardware."""


def architecture_features(
    graph: LayerGraph,
    hardware: hwsim.Hardware | None = None,
    shares: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
) -> pd.DataFrame:
    """Return the features of `n` networks, `(n, features)` float32.

    Args:
        graph: of their layers.
        hardware: what they run on; None: no features of noise.
        shares: `(n,)` cost over its bound by metric, such as `parameters`; features `log_share_parameters`.

    Raises:
        ValueError: for a share that is not finite, or hardware whose devices hold no finite weights after a day.
    """
    import pandas as pd

    columns = _shape(graph)
    if hardware is not None:
        columns |= _noise(graph, hardware)
    for name, share in (shares or {}).items():
        values = np.asarray(share, dtype=np.float64)
        if not np.isfinite(values).all():
            place = int(np.argmin(np.isfinite(values)))
            raise ValueError(
                f"`shares` must be finite, got {values[place]} in {name} of network {place}: leave out networks "
                "whose cost is not known"
            )
        columns[f"log_share_{name}"] = np.log(np.maximum(values, 1e-9))
    return pd.DataFrame({name: values.astype(np.float32) for name, values in columns.items()})


def _shape(graph: LayerGraph) -> dict[str, Values]:
    here = np.where(graph.rows > 0, graph.copies, 0).astype(np.float64)
    steps = np.where(graph.rows == 0, graph.copies, 0).astype(np.float64)
    layers = np.maximum(here.sum(axis=1), 1.0)
    width = np.maximum(graph.columns, 1).astype(np.float64)
    fan_in = _fan_in(graph)
    positions = np.maximum(graph.positions, 1).astype(np.float64)
    weights = fan_in * width * here
    last = _last(here > 0)
    maps = _last((here > 0) & (positions > 1))
    first = np.argmax(here > 0, axis=1)
    own = np.arange(len(here))
    inner = (here > 0) & (np.arange(here.shape[1])[None] != last[:, None])
    narrowest = np.where(inner, width, np.inf).min(axis=1)
    before = np.concatenate(
        [np.full((len(here), 1), np.inf), np.maximum.accumulate(width, axis=1)[:, :-1]], axis=1
    )
    last_positions = np.where((here * (positions > 1)).any(axis=1), positions[own, maps], 1.0)
    mean_fan_in = (here * np.log(fan_in)).sum(axis=1) / layers
    mean_width = (here * np.log(width)).sum(axis=1) / layers
    return {
        "layers": layers,
        "log_weights": np.log(np.maximum(weights.sum(axis=1), 1.0)),
        "log_macs": np.log(np.maximum((weights * positions).sum(axis=1), 1.0)),
        "log_mean_width": mean_width,
        "log_narrowest": np.log(np.where(inner.any(axis=1), narrowest, 1.0)),
        "log_widest": np.log(np.where(inner, width, 1.0).max(axis=1)),
        "log_mean_fan_in": mean_fan_in,
        "log_largest_fan_in": np.log(np.where(here > 0, fan_in, 1.0).max(axis=1)),
        "log_reduction": np.log(positions[own, first]) - (here * np.log(positions)).sum(axis=1) / layers,
        "log_last_positions": np.log(last_positions),
        "share_grouped": (here * (graph.groups > 1)).sum(axis=1) / layers,
        "share_pointwise": (here * (fan_in <= before)).sum(axis=1) / layers,
        "steps_per_layer": steps.sum(axis=1) / layers,
        "expressivity": mean_fan_in * layers * np.log(width[own, maps] * last_positions + 1.0),
        "depth_to_width": layers / np.exp(mean_width),
    }


def _noise(graph: LayerGraph, hardware: hwsim.Hardware) -> dict[str, Values]:
    here = np.where(graph.rows > 0, graph.copies, 0).astype(np.float64)
    fan_in = _fan_in(graph)
    tiles = np.ceil(fan_in / hardware.tile.rows)
    converters, mvm = hardware.converters, hardware.mvm
    adc = (
        0.0
        if converters.adc_bits is None
        else 2 * (converters.out_bound or 0.0) / (2**converters.adc_bits - 2)
    )
    dac = 0.0 if converters.dac_bits is None else 2 / (2**converters.dac_bits - 2)
    weight_power = 1 / (2 * np.log(2 * np.maximum(fan_in, 2)))
    signal = fan_in * weight_power * INPUT_POWER
    noise = (
        tiles * (mvm.output_noise**2 + adc**2 / 12)
        + fan_in * weight_power * (mvm.input_noise**2 + dac**2 / 12)
        + fan_in * INPUT_POWER * weight_error(hardware) ** 2
    )
    ratio = noise / signal
    own = np.arange(len(here))
    return {
        "log_nsr_sum": np.log(np.maximum((here * ratio).sum(axis=1), 1e-12)),
        "log_nsr_worst": np.log(np.maximum(np.where(here > 0, ratio, 0.0).max(axis=1), 1e-12)),
        "log_nsr_first": np.log(np.maximum(ratio[own, np.argmax(here > 0, axis=1)], 1e-12)),
        "log_nsr_last": np.log(np.maximum(ratio[own, _last(here > 0)], 1e-12)),
    }


def _fan_in(graph: LayerGraph) -> Values:
    return np.maximum(graph.rows / np.maximum(graph.groups, 1), 1.0)


def _last(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return the place of the last node of a kind, the last node of all without one, `(n,)`."""
    return np.asarray(mask.shape[1] - 1 - np.argmax(mask[:, ::-1], axis=1))


def weight_error(hardware: hwsim.Hardware, t_s: float = DAY_S) -> float:
    """Return the error of programmed weights some time later, in units of the largest weight, best scale taken out.

    A device is asked once: the same hardware gives the same figure.

    Args:
        hardware: whose devices hold the weights.
        t_s: seconds since programming.

    Raises:
        ValueError: for a device whose weights are not finite then.
    """
    return _weight_error(hardware.model_dump_json(), t_s)


@lru_cache(maxsize=64)
def _weight_error(description: str, t_s: float) -> float:
    import torch

    import hwsim

    hardware = hwsim.Hardware.model_validate_json(description)
    device = hardware.build_device()
    generator = torch.Generator().manual_seed(0)
    weights = (0.3 * torch.randn(WEIGHTS_DRAWN, generator=generator)).clamp(-1, 1).abs()
    targets_us = device.g_min_us + weights * (device.g_max_us - device.g_min_us)
    read_us = device.read(device.program(targets_us, generator), t_s, generator)
    read = (read_us - device.g_min_us) / (device.g_max_us - device.g_min_us)
    scale = float((read * weights).sum() / (read * read).sum().clamp_min(1e-12))
    error = float((scale * read - weights).square().mean().sqrt())
    if not math.isfinite(error):
        raise ValueError(
            f"`hardware.device` must hold finite weights a day after programming, got an error of {error} with kind "
            f"{hardware.device.kind}: check what the device's `program` and `read` return"
        )
    return error
