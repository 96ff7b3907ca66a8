"""Features against the kernels they estimate, which have closed forms."""

import numpy as np
import pytest

from hwsim.random_features import SAMPLERS, AnalogRandomFeatures, exact_kernel

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 16)) / 4  # of length one about, where all four kernels are well behaved


def error(kernel: str, sampler: str, n: int, seed: int, **values) -> float:
    """Return the error of the estimated kernel relative to the kernel."""
    features = AnalogRandomFeatures(kernel, sampler, n, gamma=0.5, random_state=seed, **values)
    z = features.fit_transform(X)
    exact = exact_kernel(kernel, X, X, gamma=0.5)
    return float(np.linalg.norm(exact - z @ z.T) / np.linalg.norm(exact))


def test_kernels_are_those_of_their_formulas() -> None:
    x, y = np.array([[3.0, 0.0]]), np.array([[0.0, 2.0], [3.0, 0.0], [-3.0, 0.0], [0.0, 0.0]])
    assert np.allclose(exact_kernel("rbf", x, y, 0.1), np.exp(-0.1 * np.array([[13, 0, 36, 9]])))
    assert np.allclose(exact_kernel("arccos0", x, y), [[0.5, 1.0, 0.0, 0.5]])
    assert np.allclose(exact_kernel("arccos1", x, y), [[6 / np.pi, 9.0, 0.0, 0.0]], atol=1e-12)
    assert np.allclose(exact_kernel("softmax", x, y), np.exp(np.array([[0, 9, -9, 0]]) / np.sqrt(2)))


def test_kernels_of_what_cannot_be_compared_are_refused() -> None:
    for x, y, gamma, message in (
        (np.ones((2, 3)), np.ones((2, 3)), -1.0, "`gamma > 0` must hold"),
        (np.ones((2, 3)), np.ones((2, 2)), 1.0, "rows of one length"),
        (np.ones(3), np.ones((2, 3)), 1.0, "must be matrices"),
    ):
        with pytest.raises(ValueError, match=message):
            exact_kernel("rbf", x, y, gamma)


def test_an_unknown_kernel_is_told_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError,
        match=r"^`kernel` must be one of rbf, arccos0, arccos1, softmax, got 'rfb', did you mean rbf\?$",
    ):
        exact_kernel("rfb", X, X)
    with pytest.raises(TypeError, match=r"`kernel` must be one of .* got 3"):
        exact_kernel(3, X, X)


@pytest.mark.parametrize("kernel", ["rbf", "arccos0", "arccos1", "softmax"])
def test_the_error_falls_with_the_root_of_the_number_of_products(kernel: str) -> None:
    few, many = (np.mean([error(kernel, "rff", n, seed) for seed in range(4)]) for n in (64, 1024))
    assert 2.5 < few / many < 6.5  # 4, the root of 16; truncation leaves a bias
    assert many < 0.1


@pytest.mark.parametrize("kernel", ["rbf", "softmax"])
@pytest.mark.parametrize("sampler", ["orf", "sorf"])
def test_orthogonal_rows_err_less_than_independent_ones(kernel: str, sampler: str) -> None:
    independent, dependent = (
        np.mean([error(kernel, how, 128, seed) for seed in range(6)]) for how in ("rff", sampler)
    )
    assert dependent < 0.9 * independent


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(("n", "d"), [(70, 16), (7, 16), (20, 3), (5, 1)])
def test_projections_have_their_shape_and_size(sampler: str, n: int, d: int) -> None:
    rows = SAMPLERS[sampler](n, d, np.random.RandomState(0))
    assert rows.shape == (n, d) and np.isfinite(rows).all()
    many = SAMPLERS[sampler](4000, 16, np.random.RandomState(0))
    assert 15.0 < (many**2).sum(1).mean() < 16.5  # truncation takes 2.7 % of the variance


def test_rows_are_truncated_or_orthogonal() -> None:
    draw = {name: sampler(32, 16, np.random.RandomState(1)) for name, sampler in SAMPLERS.items()}
    assert np.abs(SAMPLERS["rff"](2000, 16, np.random.RandomState(1))).max() <= 3
    for name in ("orf", "sorf"):
        block = draw[name][:16]
        lengths = np.linalg.norm(block, axis=1)
        assert np.allclose(block @ block.T, np.diag(lengths**2), atol=1e-10)
    assert np.allclose((draw["sorf"] ** 2).sum(1), 16)
    assert np.linalg.norm(draw["orf"], axis=1).std() > 0.3


def test_on_a_chip_kernels_are_estimated_worse_but_well() -> None:
    digital, analog = (
        np.mean([error("rbf", "orf", 512, seed, hardware=hardware) for seed in range(3)])
        for hardware in ("floating-point", "pcm-hermes-2")
    )
    assert digital < analog < 0.1
