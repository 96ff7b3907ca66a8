"""A synthetic table that needs no file: a formula over a small ResNet-like space, with a known optimum.

One architecture is planted. Every other one loses points for how far its features lie from the planted one's:
first convolution, depth, branches, block types, skips and size, some of them only in combination. The numbers
are made up and measure nothing but search strategies.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from analognas.bench.table import BenchTable, make_table
from search_spaces.resnet import ResNetSpace

if TYPE_CHECKING:
    import pandas as pd

TARGET: Final = "accuracy_1d"
BEST: Final = 90.0
"""What the planted architecture measures, in percent, and no other one reaches."""

PLANTED: Final[dict[str, Any]] = {
    "OC0": 17,
    "KS0": 3,
    "M": 2,
    "blocks": [
        {"R": 2, "B": 2, "CT": "B", "WF": 1, "skip": True},
        {"R": 1, "B": 1, "CT": "B", "WF": 2, "skip": True},
    ],
}

POINTS: Final = {
    "OC0": 0.1,
    "KS0": 0.5,
    "M": 1.5,
    "depth": 0.15,
    "mean_branches": 1.0,
    "share_bottleneck": 2.0,
    "log_parameters": 1.5,
}
"""Points lost for each unit of distance in a feature."""

PAIRS: Final = (("depth", "KS0", 0.1), ("mean_branches", "share_bottleneck", 1.5))
"""Points lost for the product of two distances, so that features do not simply add up."""


def synthetic_table() -> BenchTable:
    """Return the table of all 16,200 networks of the small space."""
    space = ResNetSpace(
        input_shape=(3, 32, 32),
        n_classes=10,
        oc0=(12, 20),
        ks0=(3, 5),
        m=(1, 2),
        r=(1, 3),
        b=(1, 2),
        ct="AB",
        wf=(1, 2),
        skip=(1, 1),
    )
    block = [range(1, 4), range(1, 3), range(2), range(1, 3), range(1, 2)]
    genes = [range(12, 21), range(3, 6), range(1, 3), *block, *block]
    population = np.unique(space.canonical(np.array(list(product(*genes)), dtype=np.int64)), axis=0)
    planted = np.array([space.parse(PLANTED)], dtype=np.int64)
    lost = _points_lost(space.encode(population), space.encode(planted))
    return make_table("synthetic", TARGET, space, population, BEST - lost, {})


def _points_lost(features: pd.DataFrame, planted: pd.DataFrame) -> npt.NDArray[np.float64]:
    distance = {
        name: np.abs(features[name].to_numpy(dtype=np.float64) - float(planted[name].iloc[0]))
        for name in POINTS
    }
    lost = sum((points * distance[name] for name, points in POINTS.items()), np.zeros(len(features)))
    for first, second, points in PAIRS:
        lost = lost + points * distance[first] * distance[second]
    return np.asarray(lost)
