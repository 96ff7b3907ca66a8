"""What a chip's controller must know of a network, as JSON-able numbers."""

from __future__ import annotations

from typing import Any

from torch import nn

from hwsim.conversion import require_analog


def analog_parameters(net: nn.Module) -> dict[str, Any]:
    """Return, per analog layer, input ranges, column scales, g_max and tiles.

    `column_scales` is `(blocks, columns)`: the digital weight that g_max stands for, so that an output is
    ``input_range * column_scale * adc_output``, summed over row blocks.

    Raises:
        TypeError: for anything but a torch module.
        ValueError: if `net` has no analog layer.
    """
    layers = {}
    for name, layer in require_analog(net).items():
        layers[name] = {
            "input_range": [float(value) for value in layer.input_range.tolist()],
            "column_scales": layer.digital_scales().tolist(),
            "g_max_us": layer.hardware.device.build().g_max_us,
            "row_blocks": [list(block) for block in layer.mapping.blocks],
            "tiles": [list(tile) for tile in layer.mapping.tiles],
        }
    return {"layers": layers}
