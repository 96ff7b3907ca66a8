"""Steps that are linear in the weight: what constant, linear and soft-bounds devices have in common.

    up:   w += up_0 + up_1 w      down: w -= dn_0 + dn_1 w

plus noise from cycle to cycle: additive, of a standard deviation that each cell has for each direction, or in
proportion to the step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hwsim.learning.devices.device import Cells, PulsedDevice

if TYPE_CHECKING:
    import torch


class AffineDevice(PulsedDevice):
    """A device whose steps are linear in its weight."""

    noise_kind: Literal["additive", "multiplicative"] = "additive"
    """Whether the error of a step is in units of the cell's step at the centre, or of the step that is made."""

    def up(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean increase of `w` by one pulse up."""
        return cells["up_0"] + cells["up_1"] * w

    def down(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean decrease of `w` by one pulse down."""
        return cells["dn_0"] + cells["dn_1"] * w

    def noise(self, w: torch.Tensor, change: torch.Tensor, up: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the standard deviation of one step."""
        if self.noise_kind == "multiplicative":
            return change.abs() * self.cycle_noise
        return cells["up_noise"].where(up, cells["dn_noise"])

    def symmetry_point(self, cells: Cells) -> torch.Tensor:
        """Return where steps up and down are equal; 0 where they are equal nowhere or everywhere."""
        slope = cells["dn_1"] - cells["up_1"]
        point = (cells["up_0"] - cells["dn_0"]) / slope.where(slope != 0, 1.0)
        return point.masked_fill(slope == 0, 0.0).clamp(cells["low"], cells["high"])

    def lines(
        self,
        base: Cells,
        up_slope: torch.Tensor | float,
        dn_slope: torch.Tensor | float,
        reference: torch.Tensor | float = 0.0,
    ) -> Cells:
        """Return the cells from their slopes.

        Args:
            base: `low`, `high`, `s_up` and `s_dn`.
            up_slope: part of `s_up` that a step up loses for a weight of 1.
            dn_slope: the same for steps down; negative where they shrink toward a negative bound.
            reference: what is subtracted from every weight.
        """
        low, high = base["low"], base["high"]
        # a cell whose bounds are on one side of zero would step backwards
        s_up, s_dn = base["s_up"].masked_fill(high <= 0, 0.0), base["s_dn"].masked_fill(low >= 0, 0.0)
        return {
            "low": low - reference,
            "high": high - reference,
            "up_0": s_up * (1 - up_slope * reference),
            "up_1": -s_up * up_slope,
            "dn_0": s_dn * (1 - dn_slope * reference),
            "dn_1": -s_dn * dn_slope,
            **({} if self.noise_kind == "multiplicative" else self._noises(s_up, s_dn)),
        }

    def _noises(self, s_up: torch.Tensor, s_dn: torch.Tensor) -> Cells:
        return {"up_noise": self.cycle_noise * s_up.abs(), "dn_noise": self.cycle_noise * s_dn.abs()}
