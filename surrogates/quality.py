"""How good predictions are: of the order of candidates, of the best of them, of values and of their uncertainty.

    NDCG@k = Σ_i gain(i-th predicted) / log2(i + 1)  over the same of the true order,   gain = rank from below / n

τ at equal size counts only pairs of candidates whose parameters differ by no more than a tenth: what a surrogate knows
beyond "larger is better".

References:
    K. Järvelin, J. Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20, 2002 (NDCG).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from surrogates.kendall import kendall_tau

Vector = npt.NDArray[np.float64]

TOP: Final = 10
"""Candidates that NDCG and recall look at."""

EQUAL_SIZE: Final = 0.1
"""Largest relative difference of parameters of candidates of equal size."""

NINETY: Final = 1.6448536269514722
"""Half of a central 90 % interval of a normal value, in standard deviations."""


@dataclass(frozen=True)
class Quality:
    """Figures of predictions against what was measured.

    Attributes:
        tau: Kendall's τ-b.
        tau_at_equal_size: τ over pairs of nearly equal parameters; NaN without such pairs, or without parameters.
        spearman: Spearman's ρ.
        ndcg_10: normalised discounted cumulative gain of the ten best predicted.
        recall_10: share of the ten best that is among the ten best predicted.
        r2: share of the variance that is explained; negative where the mean would be nearer.
        coverage_90: share of measured values within the 90 % interval; NaN for predictions without uncertainty.
    """

    tau: float
    tau_at_equal_size: float
    spearman: float
    ndcg_10: float
    recall_10: float
    r2: float
    coverage_90: float


def quality(
    measured: Vector,
    predicted: Vector,
    *,
    std: Vector | None = None,
    parameters: npt.NDArray[np.int64] | None = None,
) -> Quality:
    """Return the figures of `(n,)` predictions, n at least 2.

    Args:
        measured: finite, the larger the better.
        predicted: finite, in the same unit.
        std: of what a measurement would be, in the same unit; None or zeros: no uncertainty.
        parameters: of the candidates; None: not known.

    >>> found = quality(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    >>> round(found.tau, 3), found.recall_10
    (0.333, 1.0)
    """
    from scipy.stats import rankdata, spearmanr

    n, top = len(measured), min(TOP, len(measured))
    gain = rankdata(measured) / n
    weight = 1.0 / np.log2(np.arange(top) + 2.0)
    best, chosen = np.argsort(-measured, kind="stable")[:top], np.argsort(-predicted, kind="stable")[:top]
    constant = np.ptp(measured) == 0 or np.ptp(predicted) == 0
    spread = float(np.square(measured - measured.mean()).sum())
    covered = math.nan
    if std is not None and (std > 0).any():
        covered = float((np.abs(measured - predicted) <= NINETY * std).mean())
    return Quality(
        tau=kendall_tau(measured, predicted),
        tau_at_equal_size=math.nan
        if parameters is None
        else tau_at_equal_size(measured, predicted, parameters),
        spearman=math.nan if constant else float(spearmanr(measured, predicted).statistic),
        ndcg_10=float((gain[chosen] * weight).sum() / (gain[best] * weight).sum()),
        recall_10=len(np.intersect1d(best, chosen)) / top,
        r2=1.0 - float(np.square(measured - predicted).sum()) / spread if spread > 0 else math.nan,
        coverage_90=covered,
    )


def tau_at_equal_size(measured: Vector, predicted: Vector, parameters: npt.NDArray[np.int64]) -> float:
    """Return τ over the pairs whose parameters differ by a tenth at most; NaN where there are none that differ.

    >>> tau_at_equal_size(np.array([1.0, 2.0, 9.0]), np.array([1.0, 2.0, 0.0]), np.array([100, 105, 200]))
    1.0
    """
    order = np.argsort(parameters, kind="stable")
    sizes = parameters[order].astype(np.float64)
    ends = np.searchsorted(sizes, sizes * (1 + EQUAL_SIZE), side="right")
    agree = total = 0.0
    a, b = measured[order], predicted[order]
    for first, end in enumerate(ends.tolist()):
        signs = np.sign(a[first + 1 : end] - a[first]) * np.sign(b[first + 1 : end] - b[first])
        agree += float(signs.sum())
        total += float((a[first + 1 : end] != a[first]).sum())
    return agree / total if total else math.nan
