"""What disturbs summed products before the ADC: IR drop and short-term read noise.

    y_i - drop_i + σ_r,i ξ,   drop_i = c_i Σ_j w_ij u_j (1 - (1 - j/n)²),   σ_r,i = σ_read sqrt(Σ_j |w_ij| u_j²)
    c = a (a (0.05 a - 0.2) + 0.5),   a_i = n ρ Σ_j |w_ij| |u_j|,   ρ = 0.35 Ω · 5 µS

Neither has a gradient: they are small corrections, and each would cost two more products backward.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023, Eq. 1 to 22.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import torch

from hwsim.noise import NoiseSource

WIRE_OHM: Final = 0.35
"""Resistance of the wire between two neighbouring cells, Ω."""
CELL_US: Final = 5.0
"""Conductance of a typical device, µS."""

Product: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""`product(inputs, weights)`: the layer's linear operation (matrix product or convolution), without bias."""


@final
@dataclass(frozen=True)
class Disturbance:
    """What disturbs ``product(u, weights)``: the weights of the further products, which are made when asked for.

    Attributes:
        voltages: u.
        product: the layer's linear operation.
        dropped: w_ij (1 - (1 - j/n)²), shape of the weights; None without IR drop.
        magnitudes: |w_ij|, shape of the weights.
        load_gain: `(columns, 1, ...)`, what makes a_i of the load Σ_j |w_ij| |u_j|.
        noise: where the read noise is drawn from; None for none.
        read_std: σ_read.
    """

    voltages: torch.Tensor
    product: Product
    dropped: torch.Tensor | None
    magnitudes: torch.Tensor
    load_gain: torch.Tensor
    noise: NoiseSource | None
    read_std: float

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        u: torch.Tensor,
        weights: torch.Tensor,
        product: Product,
        *,
        ir_drop: float,
        load_gain: torch.Tensor,
        row_position: torch.Tensor,
        noise: NoiseSource | None,
        read_std: float,
    ) -> Disturbance:
        """Return what disturbs ``product(u, weights)``.

        Args:
            u: voltages.
            weights: of the tiles that share these rows.
            product: the layer's linear operation.
            ir_drop: multiple of ρ; 0 for none.
            load_gain: `(columns, 1, ...)`, rows in use times what makes a fully-on product one.
            row_position: broadcasts against `weights`, j/n.
            noise: where the read noise is drawn from; None for none.
            read_std: σ_read.
        """
        dropped = weights * (1 - (1 - row_position).square()) if ir_drop > 0 else None
        scale = load_gain * (ir_drop * WIRE_OHM * CELL_US * 1e-6)
        return cls(u.detach(), product, dropped, weights.abs(), scale, noise, read_std)

    @torch.no_grad()
    def disturb_(self, current: torch.Tensor, gain: torch.Tensor, channel_dim: int) -> None:
        """Disturb `current`, in units of a fully-on product, in place.

        Args:
            current: what the tiles sum up, times `gain`.
            gain: `(columns, 1, ...)`, what makes a fully-on product one.
            channel_dim: dimension of the outputs that counts columns.
        """
        u, product = self.voltages, self.product
        if self.dropped is not None:
            load = product(u.abs(), self.magnitudes) * self.load_gain
            fraction = load * 0.05
            fraction.sub_(0.2).mul_(load).add_(0.5).mul_(load)
            current -= fraction.mul_(product(u, self.dropped) * gain)
        if self.noise is not None:
            variance = product(u.square(), self.magnitudes)
            std = (variance * gain).clamp(min=0).sqrt_().mul_(self.read_std)
            current += std.mul_(self.noise.like(current, channel_dim))
