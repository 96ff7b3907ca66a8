"""Kernels, and the maps of random products whose inner products estimate them.

    rbf       exp(-γ ‖x - y‖²)            z = s^(-1/2) [cos W x, sin W x],  W = √(2γ) Ω
    arccos0   1 - θ / π                   z = (2 / s)^(1/2) Θ(Ω x)
    arccos1   ‖x‖ ‖y‖ (sin θ + (π - θ) cos θ) / π      z = (2 / s)^(1/2) relu(Ω x)
    softmax   exp(x·y / √d)               z = (2 s)^(-1/2) exp(-‖x‖² / (2 √d)) [exp(+W x), exp(-W x)],  W = d^(-1/4) Ω

θ is the angle between x and y, s the number of rows of Ω, d that of its columns. The factor of Ω is digital: devices
hold Ω alone.

References:
    Rahimi, Recht, NeurIPS 2007. Cho, Saul, Kernel methods for deep learning, NeurIPS 2009.
    Choromanski et al., Rethinking attention with Performers, ICLR 2021, arXiv 2009.14794 (softmax).
    Büchel et al., Kernel approximation using analog in-memory computing, arXiv 2411.03375.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from hwsim.arguments import number, one_of

Kernel: TypeAlias = Literal["rbf", "arccos0", "arccos1", "softmax"]
Matrix: TypeAlias = "npt.NDArray[np.float64]"


class FeatureMap(NamedTuple):
    """What becomes of random products.

    Attributes:
        per_product: features of each product.
        factor: γ and number of inputs → what products are multiplied by.
        map_: products, `(rows, s)`, inputs times the factor of the kernel, `(rows, d)`, features to fill,
            `(rows, per_product · s)`.
        kernel: `(n, d)`, `(m, d)` and γ → the kernel itself, `(n, m)`.
    """

    per_product: int
    factor: Callable[[float, int], float]
    map_: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]
    kernel: Callable[[Matrix, Matrix, float], Matrix]


def exact_kernel(kernel: Kernel, X: Matrix, Y: Matrix, gamma: float = 1.0) -> Matrix:
    """Return the kernel of each row of `X`, `(n, d)`, with each of `Y`, `(m, d)`, as `(n, m)` float64.

    Raises:
        ValueError: for an unknown kernel, rows of different lengths, or γ that is not above 0.

    Example:
        >>> exact_kernel("rbf", np.zeros((1, 2)), np.array([[0.0, 1.0]]), gamma=1.0).round(3).tolist()
        [[0.368]]
    """
    one_of("kernel", kernel, MAPS)
    number("gamma", gamma, above=0)
    first, second = (np.asarray(rows, np.float64) for rows in (X, Y))
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(
            f"`X` and `Y` must be matrices with rows of one length, got shapes {first.shape} and {second.shape}"
        )
    return MAPS[kernel].kernel(first, second, gamma)


def _rbf(products: torch.Tensor, _inputs: torch.Tensor, out: torch.Tensor) -> None:
    s = products.shape[1]
    torch.cos(products, out=out[:, :s])
    torch.sin(products, out=out[:, s:])
    out.mul_(s**-0.5)


def _rbf_kernel(X: Matrix, Y: Matrix, gamma: float) -> Matrix:
    squares = (X**2).sum(1)[:, None] + (Y**2).sum(1)[None] - 2 * X @ Y.T
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0)))


def _step(products: torch.Tensor, _inputs: torch.Tensor, out: torch.Tensor) -> None:
    torch.gt(products, 0, out=out).mul_((2 / products.shape[1]) ** 0.5)


def _relu(products: torch.Tensor, _inputs: torch.Tensor, out: torch.Tensor) -> None:
    torch.clamp(products, min=0, out=out).mul_((2 / products.shape[1]) ** 0.5)


def _angles(X: Matrix, Y: Matrix) -> tuple[Matrix, Matrix]:
    """Return the product of lengths and the angle of each pair; of a vector without length, a right angle."""
    lengths = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(Y, axis=1)[None]
    cosines = np.divide(X @ Y.T, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return lengths, np.arccos(np.clip(cosines, -1, 1))


def _arccos0_kernel(X: Matrix, Y: Matrix, _gamma: float) -> Matrix:
    return np.asarray(1 - _angles(X, Y)[1] / np.pi)


def _arccos1_kernel(X: Matrix, Y: Matrix, _gamma: float) -> Matrix:
    lengths, angle = _angles(X, Y)
    return np.asarray(lengths * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi)


def _exponentials(products: torch.Tensor, inputs: torch.Tensor, out: torch.Tensor) -> None:
    s = products.shape[1]
    offset = inputs.square().sum(1, keepdim=True).div_(2).add_(0.5 * math.log(2 * s))
    torch.sub(products, offset, out=out[:, :s])
    torch.neg(products + offset, out=out[:, s:])
    out.exp_()


def _softmax_kernel(X: Matrix, Y: Matrix, _gamma: float) -> Matrix:
    return np.asarray(np.exp(X @ Y.T / math.sqrt(X.shape[1])))


MAPS: Final[Mapping[Kernel, FeatureMap]] = {
    "rbf": FeatureMap(2, lambda gamma, _d: math.sqrt(2 * gamma), _rbf, _rbf_kernel),
    "arccos0": FeatureMap(1, lambda _gamma, _d: 1.0, _step, _arccos0_kernel),
    "arccos1": FeatureMap(1, lambda _gamma, _d: 1.0, _relu, _arccos1_kernel),
    "softmax": FeatureMap(2, lambda _gamma, d: d**-0.25, _exponentials, _softmax_kernel),
}
"""Kernels by name."""
