"""Kendall's rank correlation τ-b: how well predictions order candidates.

    τ_b = (concordant − discordant) / sqrt((pairs − ties in a)(pairs − ties in b))

References:
    M. G. Kendall, The treatment of ties in ranking problems, Biometrika 33(3), 1945.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def kendall_tau(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return τ-b of two sequences of equal length, NaN where one of them is constant.

    Args:
        first: `(n,)` finite values.
        second: `(n,)` finite values.

    Raises:
        ValueError: when the lengths differ, are below two, or a value is not finite.

    >>> round(kendall_tau([1, 2, 3, 4], [1, 3, 2, 4]), 3)
    0.667
    """
    a = np.asarray(first, dtype=np.float64)
    b = np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(
            f"Kendall's τ needs two sequences of one length >= 2, got shapes {a.shape} and {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("Kendall's τ needs finite values: drop failed trials first")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    from scipy.stats import kendalltau  # 0.5 s to import, so only when it is needed

    return float(kendalltau(a, b).statistic)


def kendall_or_zero(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return τ-b of two sequences, 0 where one is constant and there is no order to predict; else as `kendall_tau`.

    >>> kendall_or_zero([1, 2, 3], [5, 5, 5])
    0.0
    """
    tau = kendall_tau(first, second)
    return 0.0 if math.isnan(tau) else tau
