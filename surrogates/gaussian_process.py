"""A Gaussian process for each target: Matérn 5/2 on scaled features, its hyperparameters averaged over.

    y ~ N(μ, s² (K + η I)),   K_ij = (1 + √5 r + 5 r²/3) exp(−√5 r),   r = |x_i − x_j| / ℓ

The length ℓ, the noise share η and the balance between yes/no features and numbers (`surrogates.feature_groups`) lie on
a grid. With a dozen trials many of its points explain them equally
well, so none is chosen: predictions are averaged with the likelihood of each point as its weight. The signal
s² follows in closed form, and one eigendecomposition serves every η. A fit to a hundred trials takes tens of
milliseconds; its cost grows with their cube, so that of many trials some are taken.

All of it runs on one thread: results do not depend on the machine's cores, and while workers use these, several
threads that wait for each other take several times as long.

References:
    C. E. Rasmussen and C. K. I. Williams, Gaussian processes for machine learning, MIT Press 2006, chapters 2
    and 5.
    J. Snoek, H. Larochelle, R. P. Adams, Practical Bayesian optimization of machine learning algorithms,
    NeurIPS 2012, arXiv 1206.2944 (hyperparameters integrated out, not chosen).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, final

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from surrogates.base_spec import BuiltInSpec
from surrogates.feature_groups import FeatureGroups
from surrogates.surrogate import FittedSurrogate, Prediction
from surrogates.training_table import FloatMatrix, feature_array, training_arrays

if TYPE_CHECKING:
    import pandas as pd

KIND = "gaussian-process"
ARRAYS: Final = "arrays.npz"

LENGTHS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Squared lengths on the grid, relative to the median squared distance of two candidates."""

NOISES: Final = (1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
"""Noise variances on the grid, relative to the signal."""

LEAST_SPREAD: Final = 0.35
"""Smallest scale of a feature as a share of its range: a yes/no feature that one trial in twenty has would
otherwise count four times as much as one that half of them have."""

FEW_TRIALS: Final = 150
"""Of more trials so many, evenly spread, say which balances are likely; of fewer all balances are averaged."""

LIKELIEST: Final = 2
"""Balances that are averaged over then."""

LEAST_WEIGHT: Final = 1e-3
"""Points of the grid that are less likely than this share of the likeliest are left out."""

MOST_TRIALS: Final = 1_000
"""A fit takes no more, evenly spread over the order in which they ended: from the first design to the newest."""

Matrix = npt.NDArray[np.float64]


class GaussianProcessSpec(BuiltInSpec):
    """A Gaussian process for each target, its hyperparameters averaged over. The fastest surrogate."""

    kind: Literal["gaussian-process"] = "gaussian-process"

    def build(self) -> GaussianProcessSurrogate:
        """Return the surrogate."""
        return GaussianProcessSurrogate()

    @classmethod
    def load(
        cls, folder: Path, manifest: dict[str, Any], members: Sequence[FittedSurrogate]
    ) -> FittedGaussianProcess:
        """Return the processes that `save` wrote into `folder`, fitted again on their trials."""
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            return FittedGaussianProcess(manifest["features"], manifest["targets"], arrays["x"], arrays["y"])


@dataclass(frozen=True)
class _Length:
    """All noises at one balance and length: the same for every target.

    Attributes:
        balance: weights of the kinds of features.
        length2: squared length.
        vectors: `(n, n)` eigenvectors of the correlations.
        spectrum: `(noises, n)` each eigenvalue plus noise.
    """

    balance: tuple[float, ...]
    length2: float
    vectors: Matrix
    spectrum: Matrix


@dataclass(frozen=True)
class _Process:
    """One fitted target, with an entry for each length.

    Attributes:
        mean: of the target.
        projected: `(n,)` the centred target in the eigenbasis.
        signals: `(noises,)` s².
        weights: `(lengths, noises)` how likely each point of the grid is.
    """

    mean: float
    projected: list[Matrix]
    signals: list[Matrix]
    weights: Matrix


@final
@dataclass(frozen=True)
class GaussianProcessSurrogate:
    """Fits one Gaussian process to each target. It has no settings and draws no random numbers."""

    def fit(
        self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator
    ) -> FittedGaussianProcess:
        """Fit on `(n, features)` and `(n, targets)`; equal inputs give equal models, whatever `rng`.

        Raises:
            ValueError: when there are fewer than two rows, or a value is not finite.
        """
        x, y = training_arrays(features, targets)
        rows = np.linspace(0, len(x) - 1, min(len(x), MOST_TRIALS)).round().astype(np.intp)
        x, y = x[rows], y[rows]
        return FittedGaussianProcess(list(features.columns), list(targets.columns), x, y)


@final
class FittedGaussianProcess:
    """Gaussian processes of all targets on the same trials.

    Args:
        feature_names: one a column of `x`.
        target_names: one a column of `y`.
        x: `(n, features)` of the trials.
        y: `(n, targets)` what they measured.
    """

    def __init__(
        self, feature_names: Sequence[str], target_names: Sequence[str], x: FloatMatrix, y: Matrix
    ) -> None:
        self._feature_names = list(feature_names)
        self._target_names = list(target_names)
        self._x, self._y = x, y
        spread = np.maximum(x.std(axis=0, dtype=np.float64), LEAST_SPREAD * np.ptp(x, axis=0))
        # A feature that never changed says nothing, and a candidate where it does must not look infinitely
        # far.
        self._scale = np.where(spread > 1e-9, spread, np.inf)
        with _one_thread():
            self._groups = FeatureGroups(self._scaled(x), x)
            self._lengths = self._grid()
            self._processes = [_fit_process(self._lengths, y[:, k]) for k in range(y.shape[1])]

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Predict every target for `(n, features)` candidates; std is that of the noiseless value.

        Raises:
            ValueError: when a feature of the fit is missing.
        """
        import pandas as pd

        x = feature_array(features, self._feature_names)
        with _one_thread():
            distances = self._groups.to_trials(self._scaled(x))
            mean, std = _predict(self._lengths, self._processes, self._groups, distances)
        return Prediction(
            mean=pd.DataFrame(mean, columns=self._target_names, index=features.index),
            std=pd.DataFrame(std, columns=self._target_names, index=features.index),
        )

    def save(self, folder: Path) -> None:
        """Write `manifest.json` and the trials of the fit, which follow it exactly, into `folder`."""
        from surrogates.model_files import write_manifest

        write_manifest(folder, {"kind": KIND, "features": self._feature_names, "targets": self._target_names})
        np.savez(folder / ARRAYS, x=self._x, y=self._y)

    def _grid(self) -> list[_Length]:
        """Return the points of the grid: every length at each balance, or of many trials at the likeliest ones."""
        groups, n = self._groups, len(self._x)
        balances = groups.balances
        if n > FEW_TRIALS and len(balances) > LIKELIEST:
            some = np.linspace(0, n - 1, FEW_TRIALS).round().astype(np.intp)
            few = [distances[np.ix_(some, some)] for distances in groups.among_trials]
            best = [
                max(_likelihoods(_at_lengths(groups, few, balance), self._y[some])) for balance in balances
            ]
            balances = tuple(balances[place] for place in np.argsort(best)[::-1][:LIKELIEST])
        return [point for balance in balances for point in _at_lengths(groups, groups.among_trials, balance)]

    def _scaled(self, x: FloatMatrix) -> Matrix:
        centre = self._x.mean(axis=0, dtype=np.float64)
        return np.asarray((x.astype(np.float64) - centre) / self._scale)


@contextmanager
def _one_thread() -> Iterator[None]:
    with _blas().limit(limits=1, user_api="blas"):
        yield


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all loaded libraries, which takes milliseconds


def matern_52(distances: Matrix, length2: float) -> Matrix:
    """Return the Matérn 5/2 correlation of squared `distances` at the squared length `length2`.

    >>> float(matern_52(np.zeros((1, 1)), 1.0)[0, 0])
    1.0
    """
    r = np.sqrt(5.0 * distances / length2)
    return (1.0 + r + r * r / 3.0) * np.exp(-r)


def _at_lengths(groups: FeatureGroups, distances: list[Matrix], balance: tuple[float, ...]) -> list[_Length]:
    together = groups.balanced(distances, balance)
    return [_at_length(together, balance, length2) for length2 in LENGTHS]


def _at_length(distances: Matrix, balance: tuple[float, ...], length2: float) -> _Length:
    values, vectors = np.linalg.eigh(matern_52(distances, length2))
    return _Length(balance, length2, vectors, np.maximum(values, 0.0) + np.array(NOISES)[:, None])


def _likelihoods(lengths: Sequence[_Length], y: Matrix) -> list[float]:
    """Return the best log likelihood over the noises, summed over the targets, at each length."""
    best = []
    for length in lengths:
        projected = length.vectors.T @ (y - y.mean(axis=0))
        signal = np.mean(np.square(projected)[None] / length.spectrum[:, :, None], axis=1)
        likelihood = -0.5 * len(y) * np.log(np.maximum(signal, 1e-300))
        likelihood -= 0.5 * np.log(length.spectrum).sum(axis=1)[:, None]
        best.append(float(likelihood.max(axis=0).sum()))
    return best


def _fit_process(lengths: Sequence[_Length], y: Matrix) -> _Process:
    mean = float(y.mean())
    projected = [length.vectors.T @ (y - mean) for length in lengths]
    signals = [
        np.mean(np.square(target) / length.spectrum, axis=1)
        for length, target in zip(lengths, projected, strict=True)
    ]
    # Of each point at its best s², without constants.
    likelihood = np.array(
        [
            -0.5 * len(y) * np.log(np.maximum(signal, 1e-300)) - 0.5 * np.log(length.spectrum).sum(axis=1)
            for length, signal in zip(lengths, signals, strict=True)
        ]
    )
    weights = np.exp(likelihood - likelihood.max())
    weights[weights < LEAST_WEIGHT] = 0.0
    return _Process(mean, projected, signals, weights / weights.sum())


def _predict(
    lengths: Sequence[_Length], processes: Sequence[_Process], groups: FeatureGroups, distances: list[Matrix]
) -> tuple[Matrix, Matrix]:
    """Return the means and standard deviations of the mixtures, `(m, targets)` each, from `(m, n)` distances."""
    first = np.zeros((len(distances[0]), len(processes)))
    second = np.zeros_like(first)
    for at, length in enumerate(lengths):
        heeded = [k for k, process in enumerate(processes) if process.weights[at].any()]
        if not heeded:
            continue
        together = groups.balanced(distances, length.balance)
        across = matern_52(together, length.length2) @ length.vectors
        shrunk = 1.0 / length.spectrum
        unexplained = np.maximum(1.0 - np.square(across) @ shrunk.T, 0.0)
        for k in heeded:
            process = processes[k]
            means = across @ (process.projected[at] * shrunk).T
            first[:, k] += means @ process.weights[at]
            second[:, k] += (process.signals[at] * unexplained + np.square(means)) @ process.weights[at]
    std = np.sqrt(np.maximum(second - np.square(first), 0.0))
    return np.array([process.mean for process in processes]) + first, std
