"""Features of staged networks for a surrogate: the genes in units of the network, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search_spaces.space import Population
from search_spaces.staged.counting import count_macs, count_parameters
from search_spaces.staged.layout import Layout
from search_spaces.staged.ranges import STAGES, TYPES, StagedRanges

if TYPE_CHECKING:
    import pandas as pd


def encode(population: Population, sizes: Layout, ranges: StagedRanges) -> pd.DataFrame:
    """Return the features of canonical genotypes, `(n, features)` float32."""
    import pandas as pd

    columns = _stem(population, sizes) | _stages(sizes, ranges) | _whole(sizes, ranges)
    values = np.empty((len(population), len(columns)), dtype=np.float32)
    for index, column in enumerate(columns.values()):
        values[:, index] = column
    return pd.DataFrame(values, columns=list(columns))


def _stem(population: Population, sizes: Layout) -> dict[str, npt.NDArray[Any]]:
    return {
        "stem_width": sizes.stem_channels,
        "stem_window": sizes.stem_kernel.prod(axis=-1),
        "stem_area": sizes.stem_size.prod(axis=-1),
        "stages": population[:, STAGES],
    }


def _stages(sizes: Layout, ranges: StagedRanges) -> dict[str, npt.NDArray[Any]]:
    columns: dict[str, npt.NDArray[Any]] = {}
    for stage in range(ranges.stages):
        name, here = str(stage + 1), sizes.active[:, stage]
        columns |= {
            f"depth{name}": sizes.depth[:, stage],
            f"width{name}": sizes.channels_out[:, stage],
            f"window{name}": np.where(here, sizes.window[:, stage], 0),
            f"log_area{name}": np.log(np.where(here, sizes.area_out[:, stage], 1)),
        }
        for letter in ranges.types:
            columns[f"{letter}{name}"] = here & (sizes.letter[:, stage] == TYPES.index(letter))
        if "E" in ranges.types:
            wide = here & sizes.expanded[:, stage]
            columns[f"expansion{name}"] = np.where(
                wide, sizes.inside[:, stage] / np.maximum(sizes.channels_out[:, stage], 1), 0
            )
            columns[f"groups{name}"] = np.where(wide, sizes.groups[:, stage], 0)
    return columns


def _whole(sizes: Layout, ranges: StagedRanges) -> dict[str, npt.NDArray[Any]]:
    blocks = sizes.depth.sum(axis=1)
    convolutions = np.where(sizes.expanded, 3, np.where(sizes.double | sizes.separable, 2, 1)) * sizes.depth
    depth = convolutions.sum(axis=1)
    widest = np.maximum(sizes.channels_in, sizes.channels_out)
    fan_in = np.select(
        [sizes.expanded, sizes.separable],
        [
            np.maximum(
                sizes.window * sizes.inside // sizes.groups, np.maximum(sizes.channels_in, sizes.inside)
            ),
            np.maximum(sizes.window, widest),
        ],
        sizes.window * widest,
    )
    parameters, macs = count_parameters(sizes, ranges), count_macs(sizes, ranges)
    halvings = np.log2(np.prod(ranges.input_shape[1:]) / sizes.last_area)
    return {
        "blocks": blocks,
        "depth": depth + 2,
        "projections": sizes.projection.sum(axis=1),
        "mean_width": (sizes.depth * sizes.channels_out).sum(axis=1) / blocks,
        "widest": sizes.channels_out.max(axis=1),
        "last_width": sizes.last_channels,
        "largest_fan_in": np.where(sizes.active, fan_in, 0).max(axis=1),
        "log_mean_fan_in": np.log((sizes.depth * fan_in).sum(axis=1) / blocks),
        "share_relu_first": (sizes.depth * (sizes.letter == TYPES.index("D"))).sum(axis=1) / blocks,
        "share_expanded": (sizes.depth * sizes.expanded).sum(axis=1) / blocks,
        "log_parameters": np.log(parameters),
        "log_macs": np.log(macs),
        "log_macs_per_parameter": np.log(macs / parameters),
        "halvings": halvings,
        "last_area": sizes.last_area,
    }
