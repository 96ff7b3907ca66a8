from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_info, threadpool_limits

from surrogates import GaussianProcessSurrogate
from surrogates.feature_groups import BALANCES
from surrogates.gaussian_process import LEAST_SPREAD, LENGTHS, MOST_TRIALS, NOISES


def mixture_by_hand(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the averaged processes, by solving every point of the grid anew."""
    scale = np.maximum(x.std(axis=0), LEAST_SPREAD * np.ptp(x, axis=0))
    points, others = x / scale, new / scale
    both = np.concatenate([points, others])
    n, centred = len(x), y - y.mean()
    kinds = []
    for columns in ([2], [0, 1]):  # yes or no, numbers
        own = np.array([[((p[columns] - q[columns]) ** 2).sum() for q in both] for p in both])
        kinds.append(own / np.median(own[:n, :n][own[:n, :n] > 0]))
    weights, means, variances = [], [], []
    for (first, second), length in product(BALANCES, LENGTHS):
        r = np.sqrt(5 * (first * kinds[0] + second * kinds[1]) / length)
        kernel = (1 + r + r**2 / 3) * np.exp(-r)
        for noise in NOISES:
            noisy = kernel[:n, :n] + noise * np.eye(n)
            signal = centred @ np.linalg.solve(noisy, centred) / n
            weights.append(multivariate_normal.logpdf(centred, cov=signal * noisy))
            gain = np.linalg.solve(noisy, kernel[:n, n:])
            means.append(y.mean() + gain.T @ centred)
            variances.append(signal * (1 - (kernel[:n, n:] * gain).sum(axis=0)))
    share = np.exp(np.array(weights) - max(weights))
    share /= share.sum()
    mean = share @ np.array(means)
    return mean, np.sqrt(share @ (np.array(variances) + np.square(means)) - mean**2)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_averages_over_the_grid_with_its_likelihoods(noise: float) -> None:
    rng = np.random.default_rng(3)
    x = rng.random((14, 3)).astype(np.float32).astype(np.float64)
    x[:, 2] = np.arange(14) == 5  # so rare that its scale is bounded
    y = np.sin(3 * x[:, 0]) + x[:, 1] + noise * rng.standard_normal(14)
    new = rng.random((6, 3)).astype(np.float32).astype(np.float64)
    columns = ["a", "b", "c"]
    fitted = GaussianProcessSurrogate().fit(
        pd.DataFrame(x, columns=columns), pd.DataFrame({"y": y}), np.random.default_rng(0)
    )
    found = fitted.predict(pd.DataFrame(new, columns=columns))
    mean, std = mixture_by_hand(x, y, new)
    # Points of the grid that hardly matter are left out.
    np.testing.assert_allclose(found.mean["y"], mean, atol=0.01 * y.std())
    np.testing.assert_allclose(found.std["y"], std, rtol=0.02)


def test_fits_on_one_thread_and_leaves_the_others_to_the_workers(monkeypatch) -> None:
    seen: list[int] = []
    eigh = np.linalg.eigh

    def watched(matrix):
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return eigh(matrix)

    monkeypatch.setattr(np.linalg, "eigh", watched)
    x = pd.DataFrame({"a": np.arange(9.0)})
    with threadpool_limits(2, user_api="blas"):
        before = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
        GaussianProcessSurrogate().fit(x, x.rename(columns={"a": "y"}), np.random.default_rng(0))
        after = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert set(seen) == {1}
    assert after == before


def test_takes_its_share_of_many_trials(tmp_path) -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.random((MOST_TRIALS + 500, 2)), columns=["a", "b"])
    y = pd.DataFrame({"y": np.sin(3 * x["a"]) + x["b"]})
    fitted = GaussianProcessSurrogate().fit(x, y, rng)
    fitted.save(tmp_path)
    with np.load(tmp_path / "arrays.npz") as arrays:
        kept = arrays["x"]
    assert len(kept) == MOST_TRIALS
    np.testing.assert_array_equal(kept[[0, -1]], x.to_numpy(kept.dtype)[[0, -1]])
    error = fitted.predict(x).mean["y"] - y["y"]
    assert np.abs(error).max() < 0.05
