"""The 95 % interval of a mean over seeds, Student's t: what the tables of this folder print beside a difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower end, mean and upper end for at least two values.

    >>> [round(end, 3) for end in interval([1.0, 2.0, 3.0])]
    [-0.484, 2.0, 4.484]
    """
    found = np.asarray(values, dtype=np.float64)
    reach = stats.t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found))
    return float(found.mean() - reach), float(found.mean()), float(found.mean() + reach)
