"""What a surrogate sees of a ResNet-like network.

The genes come first (the type as two yes/no columns: bottleneck, ReLU before batch norm), then what decides
how analog errors add up: how many convolutions a signal passes one after the other, how many branches average
their independent errors, how long the dot products are, where skips carry the signal past them, and how much
of everything there is. Columns of inactive main blocks are 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search_spaces.resnet.counting import Layout, count_macs, count_parameters
from search_spaces.resnet.ranges import CT, Ranges
from search_spaces.space import Population

if TYPE_CHECKING:
    import pandas as pd


def encode(population: Population, sizes: Layout, ranges: Ranges) -> pd.DataFrame:
    """Return the features of canonical genotypes, `(n, features)` float32."""
    import pandas as pd

    columns = _genes(population, sizes, ranges) | _engineered(population, sizes, ranges)
    values = np.empty((len(population), len(columns)), dtype=np.float32)
    for index, column in enumerate(columns.values()):
        values[:, index] = column
    return pd.DataFrame(values, columns=list(columns))


def _genes(population: Population, sizes: Layout, ranges: Ranges) -> dict[str, npt.NDArray[Any]]:
    columns: dict[str, npt.NDArray[Any]] = {
        "OC0": population[:, 0],
        "KS0": population[:, 1],
        "M": population[:, 2],
    }
    relu_first = sizes.active & (ranges.blocks(population)[:, :, CT] >= 2)
    widening = np.where(sizes.active, sizes.channels_out // sizes.channels_in, 0)
    for block in range(ranges.m[1]):
        name = str(block + 1)
        columns |= {
            f"R{name}": sizes.residual_blocks[:, block],
            f"B{name}": sizes.branches[:, block],
            f"bottleneck{name}": sizes.bottleneck[:, block],
            f"relu_first{name}": relu_first[:, block],
            f"WF{name}": widening[:, block],
            f"skip{name}": sizes.skip[:, block],
            f"width{name}": np.where(sizes.active[:, block], sizes.channels_out[:, block], 0),
        }
    return columns


def _engineered(population: Population, sizes: Layout, ranges: Ranges) -> dict[str, npt.NDArray[Any]]:
    repeats = sizes.residual_blocks
    blocks = repeats.sum(axis=1)
    convolutions = np.where(sizes.bottleneck, 3, 2) * repeats
    depth = convolutions.sum(axis=1)
    total = (convolutions * sizes.branches).sum(axis=1) + sizes.projection.sum(axis=1) + 1
    branches = (repeats * sizes.branches).sum(axis=1)
    relu_first = ranges.blocks(population)[:, :, CT] >= 2
    fan_in = np.where(
        sizes.bottleneck,
        np.maximum(np.maximum(sizes.channels_in, sizes.channels_out), 9 * sizes.channels_inside),
        9 * np.maximum(sizes.channels_in, sizes.channels_out),
    )
    fan_in = np.where(sizes.active, fan_in, 0)
    stem_fan_in = ranges.input_shape[0] * sizes.kernel**2
    width = np.where(sizes.active, sizes.channels_out, 0)
    parameters = count_parameters(sizes, ranges)
    return {
        "depth": depth + 2,
        "residual_blocks": blocks,
        "convolutions": total,
        "unskipped_convolutions": (convolutions * ~sizes.skip).sum(axis=1),
        "projections": sizes.projection.sum(axis=1),
        "mean_branches": branches / blocks,
        "most_branches": sizes.branches.max(axis=1),
        "share_bottleneck": (repeats * sizes.bottleneck).sum(axis=1) / blocks,
        "share_relu_first": (repeats * relu_first).sum(axis=1) / blocks,
        "share_skipped": (repeats * sizes.skip).sum(axis=1) / blocks,
        "mean_width": (repeats * width).sum(axis=1) / blocks,
        "widest": width.max(axis=1),
        "last_width": sizes.last_channels,
        "log_widening": np.log(sizes.last_channels / sizes.stem_channels),
        "largest_fan_in": np.maximum(fan_in.max(axis=1), stem_fan_in),
        "log_mean_fan_in": np.log((repeats * fan_in).sum(axis=1) / blocks),
        "width_to_depth": sizes.last_channels / (depth + 2),
        "log_parameters": np.log(parameters),
        "log_macs": np.log(count_macs(sizes, ranges)),
        "log_parameters_per_convolution": np.log(parameters / total),
        "last_area": np.take_along_axis(sizes.area_out, population[:, 2, None] - 1, axis=1)[:, 0],
    }
