"""Converters around an array that learns: inputs, outputs and noise of a matrix-vector product, with their management.

    y = s · ADC(W DAC(x / s) + out_noise ξ)

Noise management sets s to the largest input of each vector. Bound management doubles s for vectors whose outputs
saturate, up to ten times. Steps of the DAC are 2 / dac_steps, those of the ADC 2 out_bound / adc_steps: both
converters count the steps of their whole range, from the negative to the positive end.

References:
    Gokmen, Onen, Haensch, Training deep convolutional neural networks with resistive cross-point devices, Front.
    Neurosci. 11:538, 2017 (noise and bound management).
    Rasch et al., A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar arrays,
    AICAS 2021, arXiv 2104.02184 (the presets).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, final

from pydantic import Field

from hwsim.arguments import nearest
from hwsim.learning.plain_spec import PlainSpec

if TYPE_CHECKING:
    import torch

MOST_DOUBLINGS: Final = 10


@final
class Periphery(PlainSpec):
    """Converters and noise of the products of an array that learns."""

    dac_steps: int | None = Field(default=126, ge=1, le=1 << 24)
    """Steps of the DAC from -1 to 1; null for a continuous one."""
    adc_steps: int | None = Field(default=510, ge=2, le=1 << 24)
    """Steps of the ADC over its range; null for a continuous one."""
    out_bound: float | None = Field(default=20.0, gt=0, le=1e6)
    """Output at which the ADC saturates, in fully-on inputs at weight 1; null for none."""
    out_noise: float = Field(default=0.1, ge=0, le=100)
    """Standard deviation of the noise before the ADC, in the same unit."""
    noise_management: Literal["abs-max", "none"] = "abs-max"
    """Whether inputs are scaled to their largest."""
    bound_management: Literal["iterative", "none"] = "iterative"
    """Whether a product whose outputs saturate is repeated with smaller inputs; never backward or in reads."""

    @property
    def is_exact(self) -> bool:
        """Whether a read is the weight itself."""
        return self.out_noise == 0 and self.out_bound is None

    def product(
        self,
        x: torch.Tensor,
        weights: torch.Tensor,
        generator: torch.Generator,
        *,
        manages_bounds: bool = True,
    ) -> torch.Tensor:
        """Return the products of vectors with an array.

        Args:
            x: `(vectors, inputs)` float32.
            weights: `(outputs, inputs)` float32, normalised.
            generator: where the noise is drawn from.
            manages_bounds: whether bound management applies, as in the forward pass.
        """
        import torch

        managed = self.noise_management == "abs-max"
        scale = x.abs().amax(1, keepdim=True) if managed else torch.ones_like(x[:, :1])
        scale = scale.where(scale > 0, 1.0)
        y, saturated = self._once(x, weights, scale, generator)
        if not manages_bounds or self.bound_management == "none":
            return y
        for _ in range(MOST_DOUBLINGS):
            again = saturated.nonzero()[:, 0]
            if not len(again):
                break
            scale[again] *= 2
            y[again], saturated[again] = self._once(x[again], weights, scale[again], generator)
        return y

    def read_columns(self, columns: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return weights `(outputs, columns)` as a read of one column after the other sees them."""
        return self._converted(columns, generator)[0]

    def _once(
        self, x: torch.Tensor, weights: torch.Tensor, scale: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        inputs = x / scale
        if self.dac_steps is not None:
            step = 2 / self.dac_steps
            inputs = (inputs.clamp(-1, 1) / step).round() * step
        y, saturated = self._converted(inputs @ weights.T, generator)
        return y * scale, saturated.any(1)

    def _converted(
        self, current: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the ADC makes of `current`, and where it saturates."""
        import torch

        if self.out_noise > 0:
            noise = torch.randn(current.shape, generator=generator).to(current.device)
            current = current + noise * self.out_noise
        if self.out_bound is None:
            return current, torch.zeros_like(current, dtype=torch.bool)
        saturated = current.abs() >= self.out_bound
        current = current.clamp(-self.out_bound, self.out_bound)
        if self.adc_steps is not None:
            step = 2 * self.out_bound / self.adc_steps
            current = (current / step).round() * step
        return current, saturated


PERIPHERIES: Final = {
    "preset": Periphery(),
    "standard": Periphery(dac_steps=254, adc_steps=254, out_bound=10.0, out_noise=0.04),
    "ideal": Periphery(
        dac_steps=None,
        adc_steps=None,
        out_bound=None,
        out_noise=0.0,
        noise_management="none",
        bound_management="none",
    ),
}
"""Peripheries by name: `preset` has the 7-bit DAC and 9-bit ADC of the published presets of training, `standard` 8 bits
each, `ideal` computes exactly."""


def periphery(value: str | Periphery) -> Periphery:
    """Return a periphery by its name, or as it is.

    Raises:
        ValueError: for an unknown name.
    """
    if isinstance(value, Periphery):
        return value
    if value not in PERIPHERIES:
        names = ", ".join(PERIPHERIES)
        raise ValueError(
            f"`periphery` must be a Periphery or one of {names}, got {value!r}{nearest(value, PERIPHERIES)}"
        )
    return PERIPHERIES[value]
