"""What every surrogate checks of the table it is fitted on, and of the features it predicts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

FEWEST_FEATURES: Final = 8
"""Features a tree may split on at least: with one or two, trees cannot see that genes act together."""

FloatMatrix = npt.NDArray[np.float32]


def training_arrays(
    features: pd.DataFrame, targets: pd.DataFrame
) -> tuple[FloatMatrix, npt.NDArray[np.float64]]:
    """Return the features `(n, features)` float32 and the targets `(n, targets)` float64 of a valid table.

    Raises:
        ValueError: when there are fewer than two rows, the lengths differ, a name occurs twice, there is no
            column, or a value is not finite; the message names the column.
    """
    if len(features) != len(targets):
        raise ValueError(
            f"features and targets must have equally many rows, got {len(features)} and {len(targets)}"
        )
    if len(features) < 2:
        raise ValueError(f"a surrogate needs at least 2 evaluated candidates, got {len(features)}")
    for role, table in (("features", features), ("targets", targets)):
        if table.columns.empty:
            raise ValueError(f"the {role} table has no columns")
        if not table.columns.is_unique:
            twice = table.columns[table.columns.duplicated()][0]
            raise ValueError(f"column names of the {role} must be unique, got {twice!r} twice")
        finite = np.isfinite(table.to_numpy(dtype=np.float64)).all(axis=0)
        if not finite.all():
            column = table.columns[int(np.argmin(finite))]
            raise ValueError(
                f"{role} column {column!r} has a value that is not finite: drop failed trials before fitting"
            )
    return (
        features.to_numpy(dtype=np.float32, copy=True),
        targets.to_numpy(dtype=np.float64, copy=True),
    )


def feature_array(features: pd.DataFrame, names: Sequence[str]) -> FloatMatrix:
    """Return the columns `names` of `features`, `(n, len(names))` float32, in the order of the fit.

    Raises:
        ValueError: when a feature of the fit is missing.
    """
    if list(features.columns) != list(names):
        missing = [name for name in names if name not in features.columns]
        if missing:
            raise ValueError(
                f"the surrogate was fitted on features that are missing here: {', '.join(missing)}"
            )
        features = features[list(names)]
    matrix: FloatMatrix = features.to_numpy(dtype=np.float32)
    return matrix


def column_share(feature_share: float, n_features: int) -> float:
    """Return the share of the features for a tree, raised so that it sees at least `FEWEST_FEATURES`."""
    return min(1.0, max(feature_share, FEWEST_FEATURES / n_features))
