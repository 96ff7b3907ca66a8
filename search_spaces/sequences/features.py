"""Features of sequence networks for a surrogate: the genes in units of the network, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search_spaces.sequences.counting import count_parameters, weight_matrices
from search_spaces.sequences.layout import Layout
from search_spaces.sequences.ranges import BLOCKS, SequenceRanges
from search_spaces.space import Population

if TYPE_CHECKING:
    import pandas as pd


def encode(population: Population, sizes: Layout, ranges: SequenceRanges) -> pd.DataFrame:
    """Return the features of canonical genotypes, `(n, features)` float32."""
    import pandas as pd

    columns = {"entry_width": sizes.entry, "stride": sizes.stride, "blocks": population[:, BLOCKS]}
    columns |= _blocks(sizes, ranges) | _whole(sizes, ranges)
    values = np.empty((len(population), len(columns)), dtype=np.float32)
    for index, column in enumerate(columns.values()):
        values[:, index] = column
    return pd.DataFrame(values, columns=list(columns))


def _blocks(sizes: Layout, ranges: SequenceRanges) -> dict[str, npt.NDArray[Any]]:
    columns: dict[str, npt.NDArray[Any]] = {}
    for place in range(ranges.blocks):
        name = str(place + 1)
        columns |= {f"width{name}": sizes.width[:, place], f"after{name}": sizes.after[:, place]}
        columns |= {f"{letter}{name}": sizes.of_type(letter)[:, place] for letter in ranges.types}
        columns[f"skip{name}"] = sizes.skip[:, place]
        if "L" in ranges.types:
            columns[f"projects{name}"] = sizes.projected[:, place]
        if "A" in ranges.types:
            columns[f"heads{name}"] = np.where(sizes.of_type("A")[:, place], sizes.heads[:, place], 0)
    return columns


def _whole(sizes: Layout, ranges: SequenceRanges) -> dict[str, npt.NDArray[Any]]:
    matrices = weight_matrices(sizes, ranges)
    parameters, macs = count_parameters(sizes, ranges), matrices.macs
    n_blocks = np.maximum(sizes.active.sum(axis=1), 1)
    return {
        "steps": sizes.steps,
        "last_width": sizes.last,
        "widest": sizes.width.max(axis=1),
        "mean_width": sizes.width.sum(axis=1) / n_blocks,
        "share_recurrent": (sizes.gates > 0).sum(axis=1) / n_blocks,
        "largest_fan_in": np.where(matrices.layers > 0, matrices.rows, 0).max(axis=1),
        "log_parameters": np.log(parameters),
        "log_macs": np.log(macs),
        "log_macs_per_parameter": np.log(macs / parameters),
    }
