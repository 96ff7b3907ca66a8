"""How keys are written to devices, and what a read of them says of their cosine with a query.

    real      K̂ = K,  x = q                a = y / (‖q‖ ‖K‖)
    bipolar   K̂ = sign K,  x = sign q      a = y / d on pairs,  (2 y - Σ x) / d on single devices
    binary    K̃ = (sign K + 1) / 2,  x = (sign q + 1) / 2:  K̂·q̂ = 4 K̃·x - 2 Σ x - 2 Σ K̃ + d

y is what the tiles return, d the width. A bit is one device, conducting or not, or a complementary pair of which one
conducts. Σ K̃, the number of ones of a key, is a digital constant of its column: without that correction keys count as
balanced, d / 2.

References:
    Karunaratne et al., Robust high-dimensional memory-augmented neural networks, Nat. Commun. 12:2468, 2021.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import torch

Keys: TypeAlias = Literal["real", "bipolar", "binary"]
Devices: TypeAlias = Literal["single", "complementary"]
Sharpening: TypeAlias = Literal["softabs", "absolute", "none"]

KEYS: Final = ("real", "bipolar", "binary")
DEVICES: Final = ("single", "complementary")
SHARPENINGS: Final = ("softabs", "absolute", "none")

SOFTABS_BETA: Final = 10.0


def bits(vectors: torch.Tensor) -> torch.Tensor:
    """Return 1 where numbers are 0 or above, else 0."""
    return (vectors >= 0).to(vectors.dtype)


def of_length_near_one(vectors: torch.Tensor) -> torch.Tensor:
    """Return vectors times powers of two that bring their largest magnitudes to 0.5 to 1: cosines stay as they are."""
    wide = vectors.double()
    exponents = torch.frexp(wide.abs().amax(1, keepdim=True)).exponent
    return torch.ldexp(wide, -exponents).to(vectors.dtype)


def written(vectors: torch.Tensor, keys: Keys, devices: Devices) -> torch.Tensor:
    """Return what columns hold, of the shape of `vectors`: weights of pairs from -1 to 1, or of devices from 0 to 1."""
    if keys == "real":
        return of_length_near_one(vectors)
    return bits(vectors) if devices == "single" else 2 * bits(vectors) - 1


def applied(vectors: torch.Tensor, keys: Keys) -> torch.Tensor:
    """Return the inputs of queries, of the shape of `vectors`."""
    if keys == "real":
        return of_length_near_one(vectors)
    return bits(vectors) if keys == "binary" else 2 * bits(vectors) - 1


def cosine(
    outputs: torch.Tensor,
    inputs: torch.Tensor,
    held: torch.Tensor,
    keys: Keys,
    devices: Devices,
    corrects_offsets: bool,
) -> torch.Tensor:
    """Return the estimated cosines of queries and keys, `(queries, keys)`.

    Args:
        outputs: what the tiles return, `(queries, keys)`.
        inputs: of the tiles, `(queries, d)`.
        held: what columns were to hold, `(keys, d)`.
        keys: kind of keys.
        devices: of a bit.
        corrects_offsets: whether the ones of each binary key are counted; of no account for other keys.
    """
    d = inputs.shape[1]
    if keys == "real":
        lengths: torch.Tensor = torch.outer(torch.linalg.norm(inputs, dim=1), torch.linalg.norm(held, dim=1))
        return outputs / lengths.clamp(min=1e-12)
    sums = inputs.sum(1, keepdim=True)
    if keys == "bipolar":
        return outputs / d if devices == "complementary" else (2 * outputs - sums) / d
    if devices == "complementary":  # y = K̂·x
        offsets = held.sum(1) if corrects_offsets else 0.0
        return (2 * outputs - offsets) / d
    ones = held.sum(1) if corrects_offsets else d / 2
    return (4 * outputs - 2 * sums - 2 * ones + d) / d


def sharpened(cosines: torch.Tensor, how: Sharpening) -> torch.Tensor:
    """Return sharpened cosines, of their shape.

    `softabs` is 1 / (1 + exp(-β (a - 1/2))) + 1 / (1 + exp(-β (-a - 1/2))) with β = 10: 0.013 at 0, 0.993 at -1 and 1.
    Training with it makes vectors of other classes orthogonal rather than opposite, which their signs keep.

    Example:
        >>> [round(value, 3) for value in sharpened(torch.tensor([-1.0, 0.0, 1.0]), "softabs").tolist()]
        [0.993, 0.013, 0.993]
    """
    if how == "softabs":
        up, down = ((sign * cosines - 0.5) * SOFTABS_BETA for sign in (1.0, -1.0))
        found: torch.Tensor = torch.sigmoid(up) + torch.sigmoid(down)
        return found
    return cosines.abs() if how == "absolute" else cosines
