"""Linear step: steps shrink linearly toward the bound that they lead to.

    up: Δ = s_up (1 - γ_up w / w_ref_up)      down: Δ = s_dn (1 - γ_dn w / w_ref_dn)
    multiplicative noise: Δ (1 + σ ξ)         additive noise: Δ + s σ ξ

The reference weight is the bound of each cell, or the mean bound of all cells. γ = 1 with the cell's own bounds is the
soft-bounds device.

References:
    Rasch et al., A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar arrays,
    AICAS 2021, arXiv 2104.02184.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from pydantic import Field, model_validator

from hwsim.learning.devices.affine import AffineDevice
from hwsim.learning.devices.device import Cells, Spread, normal

if TYPE_CHECKING:
    import torch


@final
class LinearStep(AffineDevice):
    """A device whose steps shrink linearly toward the bounds."""

    kind: Literal["linear"] = "linear"
    slope_up: float = Field(default=0.0, ge=0, le=10)
    """γ_up, part of the step that is lost between weight 0 and the upper bound."""
    slope_down: float = Field(default=0.0, ge=0, le=10)
    """γ_dn, the same for steps down."""
    slope_up_spread: Spread = 0.0
    """Variation of γ_up over cells, absolute."""
    slope_down_spread: Spread = 0.0
    """Variation of γ_dn over cells, absolute."""
    slope_reference: Literal["own", "mean"] = "own"
    """Whether slopes refer to the bounds of each cell or to the mean bounds."""

    @model_validator(mode="after")
    def _mean_bounds_are_on_both_sides(self) -> LinearStep:
        if self.slope_reference == "mean" and not self.w_min < 0 < self.w_max:
            raise ValueError(
                f"`w_min < 0 < w_max` must hold with `slope_reference='mean'`, got {self.w_min:g} and {self.w_max:g}: "
                "slopes are from weight 0 to these bounds"
            )
        return self

    def cells(self, base: Cells, generator: torch.Generator) -> Cells:
        """Return the cells; slopes vary, their sign does not."""
        shape = tuple(base["low"].shape)
        up = (self.slope_up + self.slope_up_spread * normal(shape, generator)).abs()
        down = (self.slope_down + self.slope_down_spread * normal(shape, generator)).abs()
        if self.slope_reference == "mean":
            return self.lines(base, up / self.w_max, down / self.w_min)
        low, high = base["low"], base["high"]
        return self.lines(base, up / high.where(high > 0, 1.0), down / low.where(low < 0, -1.0))
