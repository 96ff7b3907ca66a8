"""What a chip's controller must know of a network, as JSON-able numbers."""

from __future__ import annotations

from typing import Any

from torch import nn

from hwsim.adc_gain import require_tied
from hwsim.conversion import require_analog
from hwsim.modules import AnalogLayer


def analog_parameters(net: nn.Module) -> dict[str, Any]:
    """Return, per analog layer, input ranges, column scales, g_max and tiles.

    A layer whose ADC gain is calibrated has `out_bound`, the output in fully-on products that fills the ADC: one number
    for all layers that share a gain. A layer with one scale has `weight_range`, the weight that g_max stands for.
    A layer with a fixed-point unit has its output range, and its scale words, exponents of tiles and offset words, too:
    integers, the scale negative where positive and negative counts change places.

    `column_scales` is `(blocks, columns)`: the digital weight that g_max stands for, so that an output is
    ``input_range * column_scale * adc_output``, summed over row blocks.

    Raises:
        TypeError: for anything but a torch module.
        ValueError: if `net` has no analog layer, or several gains where its hardware has one.
    """
    layers: dict[str, dict[str, Any]] = {}
    found = require_analog(net)
    require_tied(found)
    for name, layer in found.items():
        layers[name] = {
            "input_range": [float(value) for value in layer.input_range.tolist()],
            "column_scales": layer.digital_scales().tolist(),
            "g_max_us": layer.hardware.device.build().g_max_us,
            "row_blocks": [list(block) for block in layer.mapping.blocks],
            "tiles": [list(tile) for tile in layer.mapping.tiles],
            **_gain(layer),
            **_fixed_point(name, layer),
        }
    return {"layers": layers}


def _gain(layer: AnalogLayer) -> dict[str, float]:
    values = {"out_bound": layer.out_bound, "weight_range": layer.weight_range}
    return {name: float(value.detach()) for name, value in values.items() if value is not None}


def _fixed_point(name: str, layer: AnalogLayer) -> dict[str, Any]:
    if layer.unit is None or layer.output_range is None:
        return {}
    layer.require_input_range(name)
    words = layer.fixed_point_words()
    return {
        "output_range": float(layer.output_range),
        "scale_words": words.scale.long().tolist(),
        "exponents": words.exponent.tolist(),
        "offset_words": words.offset.long().tolist(),
    }
