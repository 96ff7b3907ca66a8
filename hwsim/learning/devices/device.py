"""What all devices that learn by pulses share: step sizes, bounds, and how both vary from cell to cell.

With independent standard normal numbers ξ for each cell:

    b_max = w_max (1 + w_max_spread ξ),    b_min = w_min (1 + w_min_spread ξ)
    gain  = 1 + step_spread ξ,             or exp(step_spread ξ)
    s_up  = step (gain + min(up_down, 0) + up_down_spread ξ')
    s_dn  = step (gain - max(up_down, 0) - up_down_spread ξ')        the same ξ'

A pulse moves a cell by a step that depends on where it is (the law of the device, one file each), with an error from
cycle to cycle; then the cell is clipped to its bounds. Weights are in units of the normalised range, roughly -1 to 1.

Departures from the literature: a cell with both bounds on one side of zero takes no pulses toward the other side.

References:
    Gokmen, Vlasov, Acceleration of deep neural network training with resistive cross-point devices, Front.
    Neurosci. 10:333, 2016.
    Rasch et al., A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar
    arrays, AICAS 2021, arXiv 2104.02184.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import Field, model_validator

from hwsim.learning.plain_spec import PlainSpec

if TYPE_CHECKING:
    import torch

Cells: TypeAlias = "dict[str, torch.Tensor]"
"""The cells of an array: named float32 tensors of its shape. `low` and `high` are the bounds; the others belong to the
law of the device. Present where the device has it: `decay` (part lost each mini-batch), `diffusion` and `reset`."""

Step: TypeAlias = Annotated[float, Field(gt=0, le=10)]
"""Change of the weight by one pulse."""
Spread: TypeAlias = Annotated[float, Field(ge=0, le=10)]
"""Standard deviation over cells."""
Bound: TypeAlias = Annotated[float, Field(ge=-100, le=100)]
"""End of the range of weights."""
Factor: TypeAlias = Annotated[float, Field(ge=0, le=1e4)]

BISECTIONS: Final = 40
"""Halvings of the range until its symmetry point is known as closely as float32 can hold it."""


class PulsedDevice(PlainSpec):
    """A device whose weight moves by pulses; its docstring says in one line what it is."""

    kind: str
    step: Step
    """Mean change by one pulse at the centre, in units of the normalised weight."""
    up_down: float = Field(default=0.0, gt=-1, lt=1)
    """Asymmetry: positive makes steps down smaller, negative steps up."""
    w_max: Bound = 1.0
    """Mean upper bound."""
    w_min: Bound = -1.0
    """Mean lower bound."""
    step_spread: Spread = 0.0
    """Variation of the step over cells, relative."""
    step_spread_kind: Literal["normal", "log-normal"] = "normal"
    """Distribution of the step over cells."""
    up_down_spread: Spread = 0.0
    """Variation of the asymmetry over cells."""
    w_max_spread: Spread = 0.0
    """Variation of the upper bound over cells, relative."""
    w_min_spread: Spread = 0.0
    """Variation of the lower bound over cells, relative."""
    crossed_bounds: Literal["zero", "collapse", "mirror"] = "zero"
    """What becomes of cells with bounds on the wrong side of zero: `zero`: the bound is zero; `collapse`: where bounds
    cross, a dead cell at their mean; `mirror`: bounds and steps get the signs that they should have."""
    cycle_noise: Factor = 0.0
    """Variation of one step from pulse to pulse, in units of the step."""
    write_noise: Factor = 0.0
    """Difference of the weight that is read from the one that pulses move, in units of `step`, drawn at every pulse."""
    corrupt_probability: float = Field(default=0.0, ge=0, le=1)
    """Part of the cells that never move."""
    corrupt_range: float = Field(default=0.01, ge=0, le=100)
    """Corrupt cells are spread evenly from minus this to this."""
    lifetime: float = Field(default=0.0, ge=0, le=1e12)
    """Mini-batches in which a weight decays to 1/e; 0 for no decay."""
    lifetime_spread: Spread = 0.0
    """Variation of the lifetime over cells, relative."""
    diffusion: float = Field(default=0.0, ge=0, le=10)
    """Random step of every cell each mini-batch."""
    diffusion_spread: Spread = 0.0
    """Variation of the diffusion over cells, relative."""
    reset: Bound = 0.0
    """Weight after a reset, and the one that a finite lifetime decays to."""
    reset_spread: float = Field(default=0.0, ge=0, le=10)
    """Variation of the weight after a reset over cells, in units of the weight."""

    @model_validator(mode="after")
    def _range_holds_steps(self) -> PulsedDevice:
        if not self.w_min < self.w_max:
            raise ValueError(
                f"`w_min < w_max` must hold, got {self.w_min:g} and {self.w_max:g}: exchange the two bounds"
            )
        if not self.granularity > 0:
            raise ValueError(
                "the granularity, the mean step at weight 0, must be above 0, got 0: check the law's factors"
            )
        if self.granularity > self.w_max - self.w_min:
            raise ValueError(
                f"the granularity must not exceed the range `w_max - w_min` of {self.w_max - self.w_min:g}, got "
                f"{self.granularity:g}: lower `step` or widen the bounds"
            )
        return self

    @property
    def granularity(self) -> float:
        """Mean step of a mean cell at weight 0."""
        return self.step

    @property
    def n_states(self) -> float:
        """Steps of the granularity that fit the range."""
        return (self.w_max - self.w_min) / self.granularity

    @abstractmethod
    def cells(self, base: Cells, generator: torch.Generator) -> Cells:
        """Return what the law needs of each cell.

        Args:
            base: `low`, `high`, `s_up` and `s_dn`, after corruption.
            generator: where further variation is drawn from.
        """

    @abstractmethod
    def up(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean increase of `w` by one pulse up."""

    @abstractmethod
    def down(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean decrease of `w` by one pulse down."""

    def noise(self, w: torch.Tensor, change: torch.Tensor, up: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the standard deviation of steps of mean `change`; `up` is true where the pulse goes up."""
        return change.abs() * self.cycle_noise

    def fabricate(self, shape: tuple[int, int], generator: torch.Generator) -> Cells:
        """Return the cells of one array; all variation from cell to cell is drawn here.

        Args:
            shape: rows (outputs) and columns (inputs).
            generator: where the variation is drawn from.
        """
        base = self._bounds_and_steps(shape, generator)
        corrupt = self._corrupt(base, generator)
        cells = self.cells(base, generator)
        still = 1.0 if corrupt is None else (~corrupt).float()
        if self.lifetime > 0:
            lifetime = self.lifetime * (1 + self.lifetime_spread * normal(shape, generator))
            cells["decay"] = still / lifetime.clamp(min=1)
        if self.diffusion > 0:
            rate = self.diffusion * (1 + self.diffusion_spread * normal(shape, generator))
            cells["diffusion"] = still * rate.abs()
        if self.reset != 0 or self.reset_spread > 0:
            reset = self.reset + self.reset_spread * normal(shape, generator)
            cells["reset"] = reset.clamp(cells["low"], cells["high"])
        return cells

    def symmetry_point(self, cells: Cells) -> torch.Tensor:
        """Return the weight of each cell at which steps up and down are equal; found by bisection.

        Where one direction is stronger everywhere, that is a bound.
        """
        low, high = cells["low"].clone(), cells["high"].clone()
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            rises = self.up(middle, cells) > self.down(middle, cells)
            low, high = low.where(~rises, middle), high.where(rises, middle)
        return (low + high) / 2

    def _bounds_and_steps(self, shape: tuple[int, int], generator: torch.Generator) -> Cells:
        high = self.w_max * (1 + self.w_max_spread * normal(shape, generator))
        low = self.w_min * (1 + self.w_min_spread * normal(shape, generator))
        gain = self.step_spread * normal(shape, generator)
        gain = gain.exp() if self.step_spread_kind == "log-normal" else 1 + gain
        bias = self.up_down_spread * normal(shape, generator)
        s_up = self.step * (gain + min(self.up_down, 0.0) + bias)
        s_dn = self.step * (gain - max(self.up_down, 0.0) - bias)
        match self.crossed_bounds:
            case "mirror":
                low, high = low.minimum(high), low.maximum(high)
                low, high, s_up, s_dn = -low.abs(), high.abs(), s_up.abs(), s_dn.abs()
            case "zero":
                low, high = low.clamp(max=0.0), high.clamp(min=0.0)
            case "collapse":
                crossed = low > high
                middle = (low + high) / 2
                low, high = low.where(~crossed, middle), high.where(~crossed, middle)
                s_up, s_dn = s_up.masked_fill(crossed, 0.0), s_dn.masked_fill(crossed, 0.0)
        return {"low": low, "high": high, "s_up": s_up, "s_dn": s_dn}

    def _corrupt(self, base: Cells, generator: torch.Generator) -> torch.Tensor | None:
        """Make some cells immovable; return which, or None where no cell can be."""
        if self.corrupt_probability == 0:
            return None
        import torch

        shape = base["low"].shape
        corrupt = torch.rand(shape, generator=generator) < self.corrupt_probability
        least, most = base["low"].clamp(min=-self.corrupt_range), base["high"].clamp(max=self.corrupt_range)
        value = least + (most - least) * torch.rand(shape, generator=generator)
        for name in ("low", "high"):
            base[name] = value.where(corrupt, base[name])
        for name in ("s_up", "s_dn"):
            base[name] = base[name].masked_fill(corrupt, 0.0)
        return corrupt


def normal(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Return standard normal numbers, float32."""
    import torch

    return torch.randn(shape, generator=generator, dtype=torch.float32)
