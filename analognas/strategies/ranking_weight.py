"""How much a model of other searches counts next to this search's own surrogate: by how few pairs it misorders.

    loss    = pairs of trials that a model orders unlike their scores
    weight  = share of resampled sets of trials on which the model of other searches loses less, ties by half

The surrogate is judged on trials that it was not fitted on. Where the median loss of the model is above the 95 %
quantile of the surrogate's, its weight is 0, so that a model of no use does not dilute the rest.

Feurer et al. draw functions from posterior distributions; here the trials are drawn, with replacement, because boosted
trees have no posterior distribution.

References:
    M. Feurer, B. Letham, E. Bakshy, Scalable meta-learning for Bayesian optimization using ranking-weighted Gaussian
    process ensembles, AutoML workshop at ICML 2018, arXiv 1802.02219.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

DRAWS: Final = 256
"""Resampled sets of trials."""

WORSE: Final = 0.95
"""Quantile of the surrogate's loss that the median loss of a model of use is not above."""

Values = npt.NDArray[np.float64]


def ranking_weight(score: Values, expected: Values, own: Values, rng: np.random.Generator) -> float:
    """Return the weight of a model of other searches, 0 to 1; that of the surrogate is the rest.

    Args:
        score: `(n,)` measured, n at least 2.
        expected: `(n,)` by the model of other searches.
        own: `(n,)` by the surrogate, of each trial when it was not fitted on it.
        rng: draws sets of trials.

    >>> score = np.arange(12.0)
    >>> ranking_weight(score, score, -score, np.random.default_rng(0))
    1.0
    """
    times = rng.multinomial(len(score), np.full(len(score), 1 / len(score)), size=DRAWS).astype(np.float64)
    theirs, mine = (_losses(score, predicted, times) for predicted in (expected, own))
    if np.median(theirs) > np.quantile(mine, WORSE):
        return 0.0
    return float(np.mean(theirs < mine) + 0.5 * np.mean(theirs == mine))


def _losses(score: Values, predicted: Values, times: Values) -> Values:
    """Return the misordered pairs of each draw, `(draws,)`; trials are there `times`, `(draws, n)`."""
    wrong = _signs(score) != _signs(predicted)
    return np.asarray(np.einsum("di,ij,dj->d", times, wrong.astype(np.float64), times, optimize=True)) / 2


def _signs(values: Values) -> Values:
    return np.sign(values[:, None] - values[None, :])
