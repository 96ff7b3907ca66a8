"""The 95 % interval of a mean over seeds, Student's t: what the tables of this folder print beside a difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def difference(first: Mapping[int, float], second: Mapping[int, float], decimals: int = 2) -> str:
    """Return the mean difference over the seeds of both with its interval, and "level" where that holds zero.

    >>> difference({0: 3.0, 1: 5.0, 2: 4.0}, {0: 1.0, 1: 2.0, 2: 3.0, 3: 9.0})
    '+2.00 [-0.48, +4.48] level (3 seeds)'
    """
    seeds = sorted(first.keys() & second.keys())
    if len(seeds) < 2:
        return f"no interval ({len(seeds)} seeds)"
    low, mean, high = interval([first[seed] - second[seed] for seed in seeds])
    level = " level" if low <= 0 <= high else ""
    ends = f"{mean:+,.{decimals}f} [{low:+,.{decimals}f}, {high:+,.{decimals}f}]"
    return f"{ends}{level} ({len(seeds)} seeds)"
