"""A C99 header with the analog layers of a network, and its product on tiles without noise.

    y_c = b_c + Σ_blocks α s_c adc( Σ_r w_cr dac(x_r / α) ),   adc and dac as in `hwsim.converters`

`w` are conductances in units of g_max, `α` the input range of a row block, `s` the scales of columns. Weights and
ranges are written with nine digits, which give the same float32 again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from analognas.export.error import ExportError
from hwsim.conversion import analog_layers
from hwsim.modules import AnalogLayer

PER_LINE: Final = 8
"""Numbers on a line."""
IN_ASCII: Final = {
    "±": "+-",
    "×": "x",
    "·": "*",
    "µ": "u",  # the micro sign
    "μ": "u",  # the Greek letter
    "Ω": "Ohm",
    "°": "deg",
    "σ": "sigma",
    "Δ": "delta",
    "ß": "ss",
    "–": "-",
    "—": "-",
    "−": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}
"""What the texts of a header write for signs that ASCII lacks."""
_ARRAY: Final = re.compile(r"static const (?:float|int32_t) (\w+)\[\d+\] = \{(.*?)\};", re.DOTALL)
_IN_LAYER: Final = ("weight", "bias", "input_range", "output_scale", "out_bound", "weight_range")


def c_source(net: nn.Module, tensors: Mapping[str, Tensor], title: str, classes: int) -> str:
    """Return the header.

    Args:
        net: analog network with calibrated ranges.
        tensors: further tensors by name, such as the statistics of the inputs.
        title: of the comment at the top.
        classes: size of the output.

    Raises:
        ExportError: for hardware whose product the header has no words for.
    """
    layers = dict(analog_layers(net))
    require_expressible(layers)
    digital = dict(tensors) | {
        name: value
        for name, value in net.state_dict().items()
        if isinstance(value, Tensor) and value.is_floating_point() and not _is_of_a_layer(name, layers)
    }
    lines = [f"/* {ascii_text(title).replace('*/', '* /')} */", _HEAD, f"#define ANALOGNAS_CLASSES {classes}"]
    lines += [f"#define ANALOGNAS_LAYERS {len(layers)}", f"#define ANALOGNAS_TENSORS {len(digital)}", _TYPES]
    for number, layer in enumerate(layers.values()):
        for name, values in arrays_of(layer).items():
            lines += _array(f"analognas_{name}_{number}", values)
    for number, value in enumerate(digital.values()):
        lines += _array(f"analognas_tensor_{number}", value.detach().float().flatten())
    lines.append("static const analognas_layer analognas_layers[ANALOGNAS_LAYERS] = {")
    lines += [f"  {_layer(number, name, layer)}," for number, (name, layer) in enumerate(layers.items())]
    lines.append("};\n")
    if digital:
        lines.append("static const analognas_tensor analognas_tensors[ANALOGNAS_TENSORS] = {")
        lines += [
            f"  {{{_text(name)}, {value.numel()}, analognas_tensor_{number}}},"
            for number, (name, value) in enumerate(digital.items())
        ]
        lines.append("};\n")
    return "\n".join([*lines, _PRODUCT])


def ascii_text(text: str) -> str:
    """Return a line of printable ASCII; a letter without a counterpart becomes a question mark.

    >>> ascii_text("64.07 ± 3.72 %, 8×8, 25 µS, Größe")
    '64.07 +- 3.72 %, 8x8, 25 uS, Grosse'
    """
    written = "".join(IN_ASCII.get(letter, letter) for letter in text)
    letters = unicodedata.normalize("NFKD", written)  # accents become characters of their own
    return "".join(
        letter if letter.isascii() and letter.isprintable() else "?"
        for letter in letters
        if not unicodedata.combining(letter)
    )


def require_expressible(layers: Mapping[str, AnalogLayer]) -> None:
    """Raise ExportError unless the header has words for the products of all layers."""
    for name, layer in layers.items():
        if layer.unit is not None:
            raise ExportError(
                f"`digital.kind` must be floating-point for c-header, got fixed-point in `{name}`: analog.json has its "
                "words"
            )
        if layer.is_dynamic:
            raise ExportError(
                f"`converters.input_scaling` must be static for c-header, got dynamic in `{name}`"
            )


def arrays_of(layer: AnalogLayer) -> dict[str, Tensor]:
    """Return the arrays of one layer by their names in the header, flat, float32 or int32."""
    mapping = layer.mapping
    starts = [row0 for row0, _ in mapping.blocks] + [mapping.blocks[-1][1]]
    found = {
        "weight": layer.normalised_weight().flatten(),
        "input_range": layer.input_range.detach(),
        "column_scale": layer.digital_scales().detach().flatten(),
        "block_start": torch.tensor(starts, dtype=torch.int32),
        "tile": torch.tensor([list(tile) for tile in mapping.tiles], dtype=torch.int32).flatten(),
    }
    return found if layer.bias is None else {**found, "bias": layer.bias.detach()}


def read_arrays(text: str) -> dict[str, list[float]]:
    """Return the numbers of every array of a header by name."""
    return {
        name: [float(value.strip().rstrip("f")) for value in body.split(",") if value.strip()]
        for name, body in _ARRAY.findall(text)
    }


@torch.no_grad()
def product(layer: AnalogLayer, x: Tensor) -> Tensor:
    """Return what `hwsim` makes of one input vector `(rows,)` without noise, `(columns,)`."""
    mapping, matrix = layer.mapping, layer.normalised_weight().flatten(1)
    rows, columns = mapping.rows // mapping.groups, mapping.columns // mapping.groups
    found = torch.zeros(mapping.columns) if layer.bias is None else layer.bias.detach().clone()
    scales = layer.digital_scales()
    for group in range(mapping.groups):
        part = slice(group * columns, (group + 1) * columns)
        for block, (row0, row1) in enumerate(mapping.blocks):
            weights = matrix[part, row0:row1]
            ones = weights.new_ones(columns)
            limit = layer.input_range[block]
            found[part] += layer.crossbar.multiply(
                x[group * rows + row0 : group * rows + row1].unsqueeze(0),
                weights,
                product=functional.linear,
                channel_dim=-1,
                input_range=limit,
                gain=ones,
                scale=scales[block, part] * limit,
                rows_in_use=ones * (row1 - row0),
                row_position=torch.zeros(row1 - row0),
                noise=None,
            )[0]
    return found


def _is_of_a_layer(name: str, layers: Iterable[str]) -> bool:
    owner, _, leaf = name.rpartition(".")
    return owner in layers and leaf in _IN_LAYER


def _layer(number: int, name: str, layer: AnalogLayer) -> str:
    mapping, crossbar = layer.mapping, layer.crossbar
    sizes = [mapping.rows, mapping.columns, mapping.groups, len(mapping.blocks), len(mapping.tiles)]
    converters = [crossbar.dac_levels or 0, crossbar.adc_levels or 0]
    bound = 0.0 if crossbar.out_bound is None else crossbar.out_bound
    arrays = [f"analognas_{array}_{number}" for array in arrays_of(layer)]
    pointers = arrays if layer.bias is not None else [*arrays, "NULL"]
    values = [*map(str, sizes), *map(str, converters), _float(bound), *pointers]
    return f"{{{_text(name)}, {', '.join(values)}}}"


def _array(name: str, values: Tensor) -> Iterator[str]:
    kind, write = ("float", _float) if values.is_floating_point() else ("int32_t", str)
    numbers = [write(value) for value in values.cpu().tolist()]
    yield f"static const {kind} {name}[{len(numbers)}] = {{"
    for start in range(0, len(numbers), PER_LINE):
        yield "  " + ", ".join(numbers[start : start + PER_LINE]) + ","
    yield "};\n"


def _float(value: float) -> str:
    text = f"{value:.9g}"
    return f"{text}f" if any(letter in text for letter in ".e") else f"{text}.0f"


def _text(name: str) -> str:
    """Return a C string; names of layers are Python names with dots."""
    return '"' + re.sub(r"[^\w.]", "?", name, flags=re.ASCII) + '"'


_HEAD: Final = """\
#ifndef ANALOGNAS_MODEL_H
#define ANALOGNAS_MODEL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
"""

_TYPES: Final = """
/* A layer is a block-diagonal matrix of `groups` blocks. Tiles hold the rows row0..row1-1 and the columns
   col0..col1-1 of it, four numbers each. Converters have `levels` steps on each side of zero, 0 for none. */
typedef struct {
  const char *name;
  int32_t rows, columns, groups, blocks, tiles;
  int32_t dac_levels, adc_levels;
  float out_bound;               /* output that fills the ADC, in fully-on products; 0 for none */
  const float *weight;           /* columns x (rows / groups), in units of g_max */
  const float *input_range;      /* blocks */
  const float *column_scale;     /* blocks x columns */
  const int32_t *block_start;    /* blocks + 1, rows inside a group */
  const int32_t *tile;           /* tiles x (row0, row1, col0, col1) */
  const float *bias;             /* columns, or NULL */
} analognas_layer;

typedef struct {
  const char *name;
  int32_t size;
  const float *values;
} analognas_tensor;
"""

_PRODUCT: Final = """\
static inline float analognas_convert(float value, float bound, int32_t levels) {
  if (bound > 0.0f) value = fminf(fmaxf(value, -bound), bound);
  return levels > 0 ? roundf(value / bound * (float)levels) * (bound / (float)levels) : value;
}

/* One product of a layer without noise: `x` has `rows` inputs, `y` gets `columns` outputs. */
static inline void analognas_product(const analognas_layer *layer, const float *x, float *y) {
  const int32_t rows = layer->rows / layer->groups, columns = layer->columns / layer->groups;
  for (int32_t column = 0; column < layer->columns; ++column) {
    const float *in = x + column / columns * rows, *weight = layer->weight + column * rows;
    float total = layer->bias ? layer->bias[column] : 0.0f;
    for (int32_t block = 0; block < layer->blocks; ++block) {
      const float range = layer->input_range[block];
      float sum = 0.0f;
      for (int32_t row = layer->block_start[block]; row < layer->block_start[block + 1]; ++row) {
        const float u = in[row] / range;
        sum += weight[row] * (layer->dac_levels > 0 ? analognas_convert(u, 1.0f, layer->dac_levels) : u);
      }
      sum = analognas_convert(sum, layer->out_bound, layer->adc_levels);
      total += range * layer->column_scale[block * layer->columns + column] * sum;
    }
    y[column] = total;
  }
}

#endif
"""
