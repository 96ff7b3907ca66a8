"""A Gaussian process for each target: Matérn 5/2 on standardised features, by maximum likelihood.

    y ~ N(μ, s² (K + η I)),   K_ij = (1 + √5 r + 5 r²/3) exp(−√5 r),   r = |x_i − x_j| / ℓ

The length ℓ and the noise share η are chosen on a grid; the signal s² follows in closed form, and one eigen-
decomposition serves every η. With 20 to 200 candidates a fit takes milliseconds.

References:
    C. E. Rasmussen and C. K. I. Williams, Gaussian processes for machine learning, MIT Press 2006, chapters 2
    and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import numpy.typing as npt

from surrogates.surrogate import Prediction
from surrogates.training_table import feature_array, training_arrays

if TYPE_CHECKING:
    import pandas as pd

KIND = "gaussian-process"
ARRAYS: Final = "arrays.npz"

LENGTHS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Squared lengths on the grid, relative to the median squared distance of two candidates."""

NOISES: Final = (1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
"""Noise variances on the grid, relative to the signal."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Process:
    """One fitted target: squared length, signal variance, mean and the solved system."""

    length2: float
    signal: float
    mean: float
    weights: Matrix
    inverse_root: Matrix


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
        location = x.mean(axis=0, dtype=np.float64)
        spread = x.std(axis=0, dtype=np.float64)
        # A feature that never changed says nothing, and a candidate where it does must not look infinitely
        # far.
        scale = np.where(spread > 1e-9, spread, np.inf)
        points = (x - location) / scale
        distances = squared_distances(points, points)
        return FittedGaussianProcess(
            feature_names=list(features.columns),
            target_names=list(targets.columns),
            location=location,
            scale=scale,
            points=points,
            processes=[_fit_process(distances, y[:, k]) for k in range(y.shape[1])],
        )


@final
class FittedGaussianProcess:
    """Gaussian processes of all targets on the same points."""

    def __init__(
        self,
        *,
        feature_names: Sequence[str],
        target_names: Sequence[str],
        location: Matrix,
        scale: Matrix,
        points: Matrix,
        processes: Sequence[_Process],
    ) -> None:
        self._feature_names = list(feature_names)
        self._target_names = list(target_names)
        self._location = location
        self._scale = scale
        self._points = points
        self._processes = processes

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Predict every target for `(n, features)` candidates; std is that of the noiseless value.

        Raises:
            ValueError: when a feature of the fit is missing.
        """
        import pandas as pd

        x = feature_array(features, self._feature_names).astype(np.float64)
        distances = squared_distances((x - self._location) / self._scale, self._points)
        mean = np.empty((len(x), len(self._processes)))
        std = np.empty_like(mean)
        for k, process in enumerate(self._processes):
            across = matern_52(distances, process.length2)
            mean[:, k] = process.mean + across @ process.weights
            explained = np.square(across @ process.inverse_root).sum(axis=1)
            std[:, k] = np.sqrt(process.signal * np.maximum(1.0 - explained, 0.0))
        return Prediction(
            mean=pd.DataFrame(mean, columns=self._target_names, index=features.index),
            std=pd.DataFrame(std, columns=self._target_names, index=features.index),
        )

    def save(self, folder: Path) -> None:
        """Write `manifest.json` and the arrays of the processes into `folder`, which is created."""
        from surrogates.model_folder import write_manifest

        write_manifest(folder, {"kind": KIND, "features": self._feature_names, "targets": self._target_names})
        np.savez(
            folder / ARRAYS,
            location=self._location,
            scale=self._scale,
            points=self._points,
            numbers=np.array([[p.length2, p.signal, p.mean] for p in self._processes]),
            weights=np.array([process.weights for process in self._processes]),
            inverse_roots=np.array([process.inverse_root for process in self._processes]),
        )

    @classmethod
    def load(cls, folder: Path, manifest: dict[str, Any]) -> FittedGaussianProcess:
        """Return the processes that `save` wrote into `folder`."""
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            processes = [
                _Process(float(length2), float(signal), float(mean), weights, root)
                for (length2, signal, mean), weights, root in zip(
                    arrays["numbers"], arrays["weights"], arrays["inverse_roots"], strict=True
                )
            ]
            return cls(
                feature_names=manifest["features"],
                target_names=manifest["targets"],
                location=arrays["location"],
                scale=arrays["scale"],
                points=arrays["points"],
                processes=processes,
            )


def squared_distances(first: Matrix, second: Matrix) -> Matrix:
    """Return `(n, m)` squared Euclidean distances of `(n, d)` and `(m, d)` points."""
    norms = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)[None, :]
    return np.asarray(np.maximum(norms - 2.0 * first @ second.T, 0.0))


def matern_52(distances: Matrix, length2: float) -> Matrix:
    """Return the Matérn 5/2 correlation of squared `distances` at the squared length `length2`.

    >>> float(matern_52(np.zeros((1, 1)), 1.0)[0, 0])
    1.0
    """
    r = np.sqrt(5.0 * distances / length2)
    return (1.0 + r + r * r / 3.0) * np.exp(-r)


def _fit_process(distances: Matrix, y: Matrix) -> _Process:
    n, mean = len(y), float(y.mean())
    centred = y - mean
    apart = distances[distances > 1e-9]
    median = float(np.median(apart)) if len(apart) else 1.0
    best: tuple[float, float, float, float, Matrix, Matrix] | None = None
    for length in LENGTHS:
        values, vectors = np.linalg.eigh(matern_52(distances, length * median))
        values = np.maximum(values, 0.0)
        projected = np.square(vectors.T @ centred)
        for noise in NOISES:
            spectrum = values + noise
            signal = float(np.mean(projected / spectrum))
            # The log likelihood at its best s², without constants.
            likelihood = -0.5 * n * np.log(max(signal, 1e-300)) - 0.5 * float(np.log(spectrum).sum())
            if best is None or likelihood > best[0]:
                best = likelihood, length * median, noise, signal, values, vectors
    assert best is not None, "the grids are not empty"
    _, length2, noise, signal, values, vectors = best
    root = vectors / np.sqrt(values + noise)
    return _Process(
        length2=length2, signal=signal, mean=mean, weights=root @ (root.T @ centred), inverse_root=root
    )
