"""One crossbar matrix-vector multiplication: the one place with the arithmetic of a tile.

    y = s · adc( S( W u + Σ_k C_k u^k + drop(u) + σ_r ξ ) + σ_out ξ ),   u = dac(x / α) + σ_in ξ
    drop_i = -c_i Σ_j w_ij u_j (1 - (1 - j/n)²),  c = a (a (0.05 a - 0.2) + 0.5),  a_i = n ρ Σ_j |w_ij| |u_j|
    σ_r,i  = σ_read sqrt(Σ_j |w_ij| u_j²),  S(y) = y / (1 + n_s |y|),  ρ = 0.35 Ω · 5 µS

Weights count in units of g_max, so that 1 is a fully-on device. C_k is there for devices whose current is not
proportional to the voltage. IR drop and read noise enter the forward
pass only: their gradient is taken as zero, because they are small corrections and each would cost two more
products backward. Not modelled: capacitive delays, crosstalk, the correlation of ADC offsets.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023, Eq. 1 to 22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from hwsim.converters import adc, dac, levels, takes_disturbance
from hwsim.disturbance import Disturbance, Product
from hwsim.hardware import Hardware
from hwsim.noise import NoiseSource

INPUT_NOISE, OUTPUT_NOISE, READ_NOISE = range(3)


@final
@dataclass(frozen=True)
class Crossbar:
    """The converters and non-idealities of a tile; all lengths in units of a fully-on product.

    Attributes:
        dac_levels: grid points of the DAC on each side of zero, None for continuous.
        adc_levels: the same of the ADC.
        out_bound: largest output, at the ADC's last grid point; None for none.
        input_noise: σ_in.
        output_noise: σ_out.
        read_noise: σ_read.
        ir_drop: multiple of ρ; 0 switches it off.
        s_shape: n_s; 0 switches it off.
    """

    dac_levels: int | None
    adc_levels: int | None
    out_bound: float | None
    input_noise: float
    output_noise: float
    read_noise: float
    ir_drop: float
    s_shape: float

    @property
    def count_step(self) -> float:
        """Output that one count of the ADC stands for."""
        assert self.adc_levels is not None and self.out_bound is not None
        return self.out_bound / self.adc_levels

    @classmethod
    def from_hardware(cls, hardware: Hardware) -> Crossbar:
        """Return the crossbar that `hardware` describes."""
        return cls(
            dac_levels=levels(hardware.converters.dac_bits),
            adc_levels=levels(hardware.converters.adc_bits),
            out_bound=hardware.converters.out_bound,
            input_noise=hardware.mvm.input_noise,
            output_noise=hardware.mvm.output_noise,
            read_noise=hardware.mvm.read_noise,
            ir_drop=hardware.mvm.ir_drop,
            s_shape=hardware.mvm.s_shape,
        )

    def multiply(
        self,
        x: torch.Tensor,
        weights: torch.Tensor,
        *,
        product: Product,
        channel_dim: int,
        input_range: torch.Tensor,
        gain: torch.Tensor,
        scale: torch.Tensor | None,
        rows_in_use: torch.Tensor,
        row_position: torch.Tensor,
        noise: NoiseSource | None,
        learned_bound: torch.Tensor | None = None,
        curvature: Sequence[torch.Tensor] = (),
    ) -> torch.Tensor:
        """Return the digital outputs of the tiles that share these rows.

        Args:
            x: digital inputs, `(batch, ...)`.
            weights: `(columns, ...)`; `weights * gain` are in units of g_max.
            product: the layer's linear operation.
            channel_dim: dimension of the outputs that counts columns.
            input_range: 0-dim, the input that becomes 1.
            gain: `(columns, 1, ...)`, one over what a weight of g_max is in `weights`.
            scale: `(columns, 1, ...)`, digital scale after the ADC; None returns its counts.
            rows_in_use: `(columns, 1, ...)`, n of the IR drop.
            row_position: broadcasts against `weights`, j/n of the IR drop.
            noise: where noise is drawn from; None for none.
            learned_bound: 0-dim, `out_bound` with a gradient; None where it has none.
            curvature: weights of the second, third, … power of the voltages, each of the shape of `weights` and in
                their units; empty for devices whose current is proportional to the voltage.
        """
        counts = scale is None
        scale = torch.ones_like(gain) if scale is None else scale
        u = dac(x, input_range, self.dac_levels)
        if noise is not None and self.input_noise > 0:
            input_dim = channel_dim if channel_dim < 0 else 1
            u = u.add(noise.child(INPUT_NOISE).like(u, input_dim), alpha=self.input_noise)
        current = product(u, weights)
        powers = u
        for of_power in curvature:
            powers = powers * u
            current = current + product(powers, of_power)
        output_noise = noise.child(OUTPUT_NOISE) if noise is not None and self.output_noise > 0 else None
        read_noise = noise.child(READ_NOISE) if noise is not None and self.read_noise > 0 else None
        disturbance: Disturbance | None = None
        if read_noise is not None or self.ir_drop > 0:
            disturbance = Disturbance.of(
                u,
                weights,
                product,
                ir_drop=self.ir_drop,
                load_gain=gain * rows_in_use,
                row_position=row_position,
                noise=read_noise,
                read_std=self.read_noise,
            )
            learned = [scale] if learned_bound is None else [scale, learned_bound]
            fused = takes_disturbance(current, gain, learned, (output_noise, read_noise), channel_dim)
            if not fused or self.adc_levels is None or self.s_shape > 0:
                current = current * gain
                disturbance.disturb_(current, gain, channel_dim)
                disturbance, gain = None, torch.ones_like(gain)
        if self.s_shape > 0:
            current = current * gain
            current = current / (1 + self.s_shape * current.abs())
            gain = torch.ones_like(gain)
        return adc(
            current,
            gain,
            scale,
            output_noise,
            self.output_noise,
            self.adc_levels,
            self.out_bound,
            channel_dim,
            disturbance,
            counts,
            learned_bound,
        )
