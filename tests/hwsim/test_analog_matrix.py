"""A matrix on tiles: exact on ideal tiles from both sides, and good enough for iterative solvers on noisy ones."""

import numpy as np
import pytest
import torch

import hwsim

RNG = np.random.default_rng(0)
W = RNG.normal(size=(70, 90))


@pytest.mark.parametrize(
    "tile", [{"tile.rows": 512}, {"tile.rows": 32, "tile.columns": 20}], ids=["one", "many"]
)
def test_products_are_exact_on_ideal_tiles(tile) -> None:
    A = hwsim.AnalogMatrix(W, hwsim.preset("floating-point").replace(tile))
    x, y = RNG.normal(size=(90, 5)), RNG.normal(size=(70, 4))
    assert A.shape == (70, 90) and A.T.shape == (90, 70) and A.T.T is A
    for found, wanted in (
        (A @ x, W @ x),
        (A @ x[:, 0], W @ x[:, 0]),
        (A.T @ y, W.T @ y),
        (y.T @ A, y.T @ W),
        (y[:, 1] @ A, y[:, 1] @ W),
        (x.T @ A.T, x.T @ W.T),
    ):
        assert isinstance(found, np.ndarray) and found.shape == wanted.shape and found.dtype == np.float64
        assert np.allclose(found, wanted, atol=1e-4)
    tensor = torch.from_numpy(x)
    assert torch.allclose(A @ tensor, torch.from_numpy(W) @ tensor, atol=1e-4)
    assert torch.allclose(torch.from_numpy(y).T @ A, torch.from_numpy(y).T @ torch.from_numpy(W), atol=1e-4)


@pytest.mark.parametrize("kind", ["global", "column"])
def test_both_sides_read_the_same_devices(kind) -> None:
    hardware = hwsim.preset("pcm-analognas").replace(
        {"tile": {"rows": 32, "columns": 20, "reads": "both"}, "compensation.kind": kind}
        | {
            "converters.adc_bits": None,
            "converters.dac_bits": None,
            "converters.out_bound": None,
            "mvm.output_noise": 0,
        }
    )
    A = hwsim.AnalogMatrix(W, hardware, t_s="1 day")
    held = A.weights().double().numpy()
    assert 0.02 < np.linalg.norm(held - W) / np.linalg.norm(W) < 0.2
    assert np.allclose(A @ np.eye(90), held, atol=1e-4)
    assert np.allclose(A.T @ np.eye(70), held.T, atol=1e-4)


def test_noise_is_new_at_each_product_and_the_same_in_each_order_of_a_seed() -> None:
    x = RNG.normal(size=90)
    first, second = (hwsim.AnalogMatrix(W, "pcm-analognas", seed=3) for _ in range(2))
    one, two = first @ x, first @ x
    assert not np.allclose(one, two) and np.linalg.norm(one - two) < 0.5 * np.linalg.norm(one)
    assert np.array_equal(one, second @ x) and np.array_equal(two, second @ x)
    assert not np.array_equal(hwsim.AnalogMatrix(W, "pcm-analognas", seed=3, chip=1) @ x, one)
    year = first.at("1 year")
    assert year.t_s > first.t_s == 1.0 and "1 year" in repr(year)
    assert not torch.equal(year.weights(), first.weights())
    assert torch.equal(first.at("1 year").weights(), year.weights())


def test_vectors_of_any_size_use_the_whole_converter_unless_a_range_is_given() -> None:
    hardware = hwsim.preset("ideal-8bit")
    x = RNG.normal(size=90)
    A, fixed = hwsim.AnalogMatrix(W, hardware), hwsim.AnalogMatrix(W, hardware, input_range=3.0)
    for size in (1e-6, 1.0, 1e6):
        assert np.linalg.norm(A @ (size * x) - size * W @ x) < 0.03 * np.linalg.norm(size * W @ x)
    assert np.allclose(fixed @ (1e-6 * x), 0)


def test_a_system_is_solved_by_refinement_on_noisy_tiles() -> None:
    n = 60
    M = np.eye(n) + 0.3 * RNG.normal(size=(n, n)) / np.sqrt(n)
    b = RNG.normal(size=n)
    A = hwsim.AnalogMatrix(M, "pcm-analognas")
    x, r = np.zeros(n), b
    for _ in range(60):
        z = np.zeros(n)
        for _ in range(4):
            z += r - A @ z
        x += z
        r = b - M @ x
        if np.linalg.norm(r) < 1e-6 * np.linalg.norm(b):
            break
    assert np.linalg.norm(b - M @ x) < 1e-6 * np.linalg.norm(b)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hwsim.AnalogMatrix(np.ones(3), "ideal-8bit"), r"`matrix` must be `\(rows, columns\)`"),
        (lambda: hwsim.AnalogMatrix(np.full((2, 2), np.nan), "ideal-8bit"), "must be finite"),
        (
            lambda: hwsim.AnalogMatrix(W, "ideal-8bit") @ np.ones(70),
            r"`x` must be `\(90,\)` or `\(90, vectors\)`",
        ),
        (lambda: hwsim.AnalogMatrix(W, "ideal-8bit") @ np.full(90, np.inf), "must be finite"),
        (lambda: hwsim.AnalogMatrix(W, "pcm-analognas").T, "`tile.reads` must be both.*pcm-analognas"),
        (lambda: np.ones(70) @ hwsim.AnalogMatrix(W, "pcm-analognas"), "`tile.reads` must be both"),
        (lambda: hwsim.AnalogMatrix(W, "reram-wan2022", t_s="1 month"), "2 days"),
        (lambda: hwsim.AnalogMatrix(W * 1e-50, "ideal-8bit"), "must be at least 1e-20"),
        (
            lambda: hwsim.AnalogMatrix(W, "ideal-8bit") @ np.full(90, 2e38),
            "products must be finite in float32",
        ),
        (lambda: hwsim.AnalogMatrix(W, "ideal-8bit", input_range=1e60), "`input_range` must be from"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(call, message) -> None:
    with pytest.raises(ValueError, match=message) as told:
        call()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_an_input_range_is_not_that_of_the_transpose(size: float) -> None:
    A = hwsim.AnalogMatrix(size * W, "ideal-8bit", input_range=3.0)
    y = np.ones(70)
    assert np.linalg.norm(A.T @ y - size * W.T @ y) < 0.1 * np.linalg.norm(size * W.T @ y)


def test_arrays_of_any_order_in_memory_are_taken_and_sparse_tensors_refused() -> None:
    A, x = hwsim.AnalogMatrix(W[::-1], "floating-point"), np.arange(90.0)
    for other in (x[::-1], x[::-1].astype(">f8")):
        assert np.allclose(A @ other, W[::-1] @ x[::-1], rtol=1e-4, atol=1e-2)
    with pytest.raises(TypeError, match=r"`x` must be dense, got torch.sparse_coo: pass x.to_dense\(\)"):
        A @ torch.eye(90).to_sparse()


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="must be real"):
        hwsim.AnalogMatrix(W, "ideal-8bit") @ np.ones(90, dtype=complex)
    with pytest.raises(TypeError, match="`matrix` must be real"):
        hwsim.AnalogMatrix(np.eye(3) * 1j, "ideal-8bit")


@pytest.mark.parametrize(
    "x", [np.full(4, 1e-60), np.array([[1.0, 0.0], [0.0, 1e-50], [0.0, 0.0], [0.0, 0.0]])]
)
def test_a_vector_that_vanishes_in_float32_is_refused(x: np.ndarray) -> None:
    matrix = hwsim.AnalogMatrix(torch.eye(4), "floating-point")
    with pytest.raises(ValueError, match="`x` must not vanish in float32"):
        matrix @ x
    assert (matrix @ np.zeros(4) == 0).all()
