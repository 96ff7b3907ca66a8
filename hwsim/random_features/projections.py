"""Random projections Ω, `(n, d)`: independent, orthogonal, and structured orthogonal rows.

    rff    normal numbers, truncated at three standard deviations
    orf    blocks of d rows Qᵀ, Q of the QR decomposition of d × d such numbers; each row times a χ_d variate
    sorf   blocks of p rows √p (D₁ H) (D₂ H) (D₃ H), H = Hadamard / √p, D = diag(±1), p the next power of 2 from d on

Orthogonal rows estimate kernels with less variance than independent ones. Structured blocks cut to few columns, such as
3 of 4, depend on their signs: their error may not fall with n.

References:
    Rahimi, Recht, Random features for large-scale kernel machines, NeurIPS 2007.
    Yu et al., Orthogonal random features, NeurIPS 2016, arXiv 1610.09072.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from hwsim.optional_library import needs

Sampler: TypeAlias = Literal["rff", "orf", "sorf"]
Matrix: TypeAlias = "npt.NDArray[np.float64]"

TRUNCATION: Final = 3.0
"""Normal numbers of larger magnitude are drawn again."""


def random_fourier(n: int, d: int, rng: np.random.RandomState) -> Matrix:
    """Return `n` independent rows of `d` truncated normal numbers."""
    found = rng.standard_normal((n, d))
    while (outside := np.abs(found) > TRUNCATION).any():
        found[outside] = rng.standard_normal(int(outside.sum()))
    return found


def orthogonal(n: int, d: int, rng: np.random.RandomState) -> Matrix:
    """Return `n` rows, orthogonal within blocks of `d`, as long as rows of normal numbers are."""
    blocks = [np.linalg.qr(random_fourier(d, d, rng))[0].T for _ in range(-(-n // d))]
    lengths = np.sqrt(rng.chisquare(d, size=(n, 1)))
    return np.asarray(np.concatenate(blocks)[:n] * lengths)


def structured_orthogonal(n: int, d: int, rng: np.random.RandomState) -> Matrix:
    """Return `n` rows of products of Hadamard matrices and random signs, cut to `d` columns."""
    needs("scipy", "`sorf`")
    from scipy.linalg import hadamard

    p = 1 << (d - 1).bit_length()
    basis = hadamard(p) / np.sqrt(p)
    blocks = []
    for _ in range(-(-n // p)):
        block = np.sqrt(p) * np.eye(p)
        for _ in range(3):
            block = block @ (rng.choice([-1.0, 1.0], size=(p, 1)) * basis)
        blocks.append(block)
    return np.asarray(np.concatenate(blocks)[:n, :d])


SAMPLERS: Final[Mapping[Sampler, Callable[[int, int, np.random.RandomState], Matrix]]] = {
    "rff": random_fourier,
    "orf": orthogonal,
    "sorf": structured_orthogonal,
}
"""By name: number of rows, number of columns, and where they are drawn from → `(n, d)`."""
