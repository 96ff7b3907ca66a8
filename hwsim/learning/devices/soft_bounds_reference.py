"""Soft bounds with a reference cell, whose weight is subtracted from that of the cell that learns.

    w' = w + r,    up: w' += s_up (1 - w' / b_max + σ ξ),    down: w' -= s_dn (1 - w' / b_min + σ ξ)
    r = reference + reference_spread ξ (+ the symmetry point)

With the symmetry point in the reference, steps up and down are equal near w = 0.

References:
    Gong, Rasch et al., Deep learning acceleration in 14nm CMOS compatible ReRAM array: device, material and algorithm
    co-optimization, IEDM 2022.
    Rasch et al., Fast and robust analog in-memory deep neural network training, Nat. Commun. 15:7133, 2024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from pydantic import Field

from hwsim.learning.devices.affine import AffineDevice
from hwsim.learning.devices.device import Bound, Cells, normal
from hwsim.learning.devices.soft_bounds import soft_slopes

if TYPE_CHECKING:
    import torch


@final
class SoftBoundsReference(AffineDevice):
    """A soft-bounds device with a reference cell."""

    kind: Literal["soft-bounds-reference"] = "soft-bounds-reference"
    reference: Bound = 0.0
    """Mean of the reference."""
    reference_spread: float = Field(default=0.0, ge=0, le=100)
    """Variation of the reference over cells."""
    subtracts: Literal["symmetry-point", "nothing"] = "nothing"
    """What the reference holds besides its mean and variation."""

    def cells(self, base: Cells, generator: torch.Generator) -> Cells:
        """Return the cells, in weights after subtraction."""
        reference = self.reference + self.reference_spread * normal(tuple(base["low"].shape), generator)
        slopes = soft_slopes(base)
        if self.subtracts == "symmetry-point":
            reference = reference + self.symmetry_point(self.lines(base, *slopes))
        return self.lines(base, *slopes, reference)
