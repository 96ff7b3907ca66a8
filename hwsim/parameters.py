"""What a chip's controller must know of a network, as JSON-able numbers."""

from __future__ import annotations

from typing import Any

from torch import nn

from hwsim.conversion import require_analog
from hwsim.modules import AnalogLayer


def analog_parameters(net: nn.Module) -> dict[str, Any]:
    """Return, per analog layer, input ranges, column scales, g_max and tiles.

    A layer with a fixed-point unit has its output range, and its scale words, exponents of tiles and offset words, too:
    integers, the scale negative where positive and negative counts change places.

    `column_scales` is `(blocks, columns)`: the digital weight that g_max stands for, so that an output is
    ``input_range * column_scale * adc_output``, summed over row blocks.

    Raises:
        TypeError: for anything but a torch module.
        ValueError: if `net` has no analog layer.
    """
    layers: dict[str, dict[str, Any]] = {}
    for name, layer in require_analog(net).items():
        layers[name] = {
            "input_range": [float(value) for value in layer.input_range.tolist()],
            "column_scales": layer.digital_scales().tolist(),
            "g_max_us": layer.hardware.device.build().g_max_us,
            "row_blocks": [list(block) for block in layer.mapping.blocks],
            "tiles": [list(tile) for tile in layer.mapping.tiles],
            **_fixed_point(name, layer),
        }
    return {"layers": layers}


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
