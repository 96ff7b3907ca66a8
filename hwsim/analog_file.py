"""Reads `analog.json`: the hardware, input ranges and column scales that a network was mapped with.

A run of `analognas` writes the file beside the weights of a network: what the controller of a chip must know. With the
trained network it gives the analog network again, without the data that the ranges were measured on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import ValidationError
from torch import nn

from hwsim.adc_gain import require_one_gain, sharing
from hwsim.arguments import nearest, require
from hwsim.assignment import AnyHardware, as_hardware
from hwsim.conversion import analog_layers, to_analog, with_parameters_back
from hwsim.hardware import Hardware
from hwsim.modules import AnalogLayer
from hwsim.modules.counterparts import LAYERS
from hwsim.other_network import OtherNetworkError

SCALE_TOLERANCE: Final = 1e-3
"""Relative difference of column scales beyond which weights are another network's."""

GIVEN: Final = Path("the given parameters")
"""What stands in messages for the file that there is none of."""


def load_analog(
    model: nn.Module, path: str | Path | Mapping[str, Any], hardware: AnyHardware | None = None
) -> nn.Module:
    """Return `model` as the analog network that an `analog.json` describes: mapped on tiles, with its input ranges.

    Args:
        model: the trained network, digital; it stays as it is. Layers that the file does not name stay digital.
        path: an `analog.json`, or the JSON of what `analog_parameters` returns, or that itself.
        hardware: another chip, or the name of a preset, that cuts the layers into the same row blocks; None for that of
            the file.

    Raises:
        ValueError: for a file that is missing or of another kind, a network with other layers or weights, hardware with
            other row blocks, or several ADC gains for hardware with one.
        TypeError: for an argument of another type.

    Example:
        >>> import json, tempfile
        >>> from hwsim import analog_parameters, calibrate
        >>> model = nn.Sequential(nn.Linear(4, 2))
        >>> net = to_analog(model, "pcm-analognas")
        >>> calibrate(net, torch.ones(8, 4))
        >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        ...     file.write(json.dumps(analog_parameters(net))) and file.flush()
        ...     load_analog(model, file.name, "pcm-analognas")[0].input_range
        Parameter containing:
        tensor([1.])
    """
    require(path, (str, Path, Mapping), "`path` must be the path of an analog.json")
    require(model, nn.Module, "`model` must be a torch module")
    values = dict(path) if isinstance(path, Mapping) else _read(Path(path))
    path = GIVEN if isinstance(path, Mapping) else Path(path)
    layers = _layers(path, values)
    hardware = _hardware(path, values) if hardware is None else as_hardware(hardware)
    modules = dict(model.named_modules(remove_duplicate=False))
    around = {name: _around(name) for name in layers}
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    for name, places in around.items():
        # of a layer with several arrays the file names these, and of a parameter its array
        if not any(isinstance(modules.get(place), LAYERS) or place in parameters for place in places):
            raise ValueError(
                f"`model` must be the network of {path}: it has no layer `{name}`{nearest(name, modules)}"
            )
    stored = {modules[place] for places in around.values() for place in places if place in modules}
    digital = [
        name for name, module in modules.items() if isinstance(module, LAYERS) and module not in stored
    ]
    net = with_parameters_back(to_analog(model, hardware, digital), layers)
    found = dict(analog_layers(net))
    for name in layers:
        if name not in found:
            raise ValueError(
                f"`model` must be the network of {path}: it has no layer `{name}`{nearest(name, found)}"
            )
    for name in found:
        if name not in layers:
            raise ValueError(f"{path}: has nothing of `{name}`: give the analog.json of this network")
    require_one_gain({name: layers[name].get("out_bound") for name in sharing(found)}, str(path))
    for name, layer in found.items():
        take_up(path, name, layer, layers[name])
    return net


def _around(name: str) -> list[str]:
    """Return a name and those of all that hold it."""
    parts = name.split(".")
    return [name, *(".".join(parts[:length]) for length in range(len(parts) - 1, -1, -1))]


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"{path}: cannot be read: {error.strerror}; give the analog.json of a network"
        ) from None
    except (ValueError, RecursionError):
        raise ValueError(f"{path}: must be a JSON file; give the analog.json of a network") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: must hold a JSON object; give the analog.json of a network")
    return values


def _layers(path: Path, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is stored of each layer; a run's file has it inside what it has of the whole network."""
    layers = values.get("layers")
    layers = layers.get("layers", layers) if isinstance(layers, dict) else None
    if (
        not isinstance(layers, dict)
        or not layers
        or not all(isinstance(layer, dict) for layer in layers.values())
    ):
        raise ValueError(
            f"{path}: `layers` must be a mapping of analog layers; give the analog.json of a network"
        )
    return layers


def _hardware(path: Path, values: dict[str, Any]) -> Hardware:
    if "hardware" not in values:
        raise ValueError(f"{path}: has no `hardware`: give it as an argument")
    try:
        # the JSON of a run's file, so that lists become what a hardware has them as
        return Hardware.model_validate_json(json.dumps(values["hardware"]))
    except ValidationError as error:
        said = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("hardware", *said["loc"])))
        raise ValueError(f"{path}: `{place}`: {said['msg']}; give `hardware` as an argument") from None


def _end(blocks: list[Any]) -> int | None:
    """Return the row after the last one of stored row blocks; None where they are none."""
    last = blocks[-1]
    return last[1] if isinstance(last, list) and len(last) == 2 and isinstance(last[1], int) else None


def take_up(path: Path, name: str, layer: AnalogLayer, stored: dict[str, Any]) -> None:
    """Set the stored input ranges of a layer.

    Args:
        path: of the file, for messages.
        name: of the layer.
        layer: on tiles, with the weights that the file was made of.
        stored: what `analog_parameters` gave for it.

    Raises:
        OtherNetworkError: when the layer has other row blocks or weights.
        ValueError: when the file has no such ranges.
    """
    blocks = [list(block) for block in layer.mapping.blocks]
    found = stored.get("row_blocks")
    if found != blocks and isinstance(found, list) and found and _end(found) not in (None, blocks[-1][1]):
        raise OtherNetworkError(
            f"{path} must be of this network: `{name}` has {blocks[-1][1]} rows, {_end(found)} there; take the "
            "analog.json that lies beside its weights",
            f"`{name}` has {_end(found)} rows there and {blocks[-1][1]} here",
        )
    if found != blocks:
        raise OtherNetworkError(
            f"`hardware` must cut `{name}` into the row blocks of {path}, {found}, got {blocks}: "
            "call hwsim.to_analog and hwsim.calibrate for other tiles",
            f"`{name}` has the row blocks {found} there and {blocks} here",
        )
    ranges, scales = _numbers(stored.get("input_range")), _numbers(stored.get("column_scales"))
    if ranges is None or ranges.shape != layer.input_range.shape or not bool((ranges > 0).all()):
        raise ValueError(
            f"{path}: `input_range` of `{name}` must be {len(blocks)} numbers above 0, one a row block; "
            "restore the file from a copy"
        )
    output_range = _numbers(stored.get("output_range", 0.0))
    if layer.output_range is not None and (output_range is None or not float(output_range) > 0):
        raise ValueError(
            f"{path}: `output_range` of `{name}` must be a number above 0 for a fixed-point unit: call "
            "hwsim.to_analog and hwsim.calibrate for other hardware than that of the file"
        )
    bound = _numbers(stored.get("out_bound", 0.0))
    if layer.out_bound is not None and (bound is None or bound.ndim or not float(bound) > 0):
        raise ValueError(
            f"{path}: `out_bound` of `{name}` must be a number above 0 for an ADC gain that is calibrated: call "
            "hwsim.to_analog and hwsim.calibrate for other hardware than that of the file"
        )
    weight_range = _numbers(stored.get("weight_range", 0.0))
    if layer.weight_range is not None and weight_range is not None and weight_range.ndim == 0:
        with torch.no_grad():
            layer.weight_range.copy_(weight_range)
    own = layer.digital_scales().detach().cpu()
    if (
        scales is None
        or scales.shape != own.shape
        or not torch.allclose(own, scales, rtol=SCALE_TOLERANCE, atol=0)
    ):
        raise OtherNetworkError(
            f"`model` must have the weights that {path} was made of, its column scales of `{name}` are others: load "
            "the weights beside the file first",
            f"the weights of `{name}` are others",
        )
    with torch.no_grad():
        layer.input_range.copy_(ranges)
        if layer.out_bound is not None and bound is not None:
            layer.out_bound.copy_(bound)
        if layer.output_range is not None and output_range is not None:
            layer.output_range.copy_(output_range)


def _numbers(values: object) -> torch.Tensor | None:
    """Return finite numbers as a float32 tensor, None for anything else."""
    try:
        tensor = torch.tensor(values, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError):
        return None
    return tensor if bool(torch.isfinite(tensor).all()) else None
