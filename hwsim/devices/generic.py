"""A device with errors of a simple form, for studies of what a network bears.

    g_prog = max(0, g_target + e_p(g_target)),   g_read = max(0, g_prog + e_r(g_prog))

Errors e are normal with standard deviation s, or uniform between -s and s, where s is by `dependence`

    independent    a g_max
    proportional   a g
    inverse        a g_max g_min / g: a g_max at the lowest conductance, less above; needs `g_min_us` above 0

with a = `programming` drawn once a device, and a = `read` at each reading. Nothing drifts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, final

from pydantic import Field, model_validator

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.spec import Conductance, Scale
from hwsim.streams import standard_normal, uniform

if TYPE_CHECKING:
    import torch

Distribution: TypeAlias = Literal["normal", "uniform"]
Dependence: TypeAlias = Literal["independent", "proportional", "inverse"]


class GenericSpec(DeviceSpec):
    """A device with normal or uniform errors, independent of, proportional or inverse to its conductance."""

    kind: Literal["generic"] = "generic"
    g_max_us: Conductance = 25.0
    """Conductance of a weight of 1, in uS."""
    g_min_us: float = Field(default=0.0, ge=0, le=1e6)
    """Conductance of a weight of 0, in uS."""
    distribution: Distribution = "normal"
    """`normal`: with the standard deviation s; `uniform`: from -s to s."""
    dependence: Dependence = "independent"
    """What s depends on: `independent`, a g_max; `proportional`, a g; `inverse`, a g_max g_min / g."""
    programming: Scale
    """a of the error of programming."""
    read: Scale = 0.0
    """a of the error of each reading."""

    @model_validator(mode="after")
    def _range_is_one(self) -> Self:
        if self.g_min_us >= self.g_max_us:
            raise ValueError(f"`g_min_us < g_max_us` must hold, got {self.g_min_us:g} and {self.g_max_us:g}")
        if self.dependence == "inverse" and self.g_min_us == 0:
            raise ValueError("`g_min_us > 0` must hold with `dependence` inverse, got 0")
        return self

    def build(self) -> Generic:
        """Return the model."""
        return Generic(**self.model_dump(exclude={"kind", "read"}), read_error=self.read)

    @classmethod
    def published(cls) -> dict[str, Self]:
        """Return none."""
        return {}


@final
@dataclass(frozen=True)
class Generic:
    """A device with errors of a simple form.

    Attributes:
        g_max_us: conductance of a weight of 1, µS.
        g_min_us: of a weight of 0, µS.
        distribution: of the errors.
        dependence: of their size on the conductance.
        programming: a of the error of programming.
        read_error: a of the error of each reading.
    """

    g_max_us: float
    g_min_us: float
    distribution: Distribution
    dependence: Dependence
    programming: float
    read_error: float

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us`."""
        return {"g_us": self._with_error(g_target_us, self.programming, generator)}

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the conductances with one draw of the read error, µS."""
        check_time(t_s)
        return self._with_error(state["g_us"], self.read_error, generator)

    def _with_error(self, g_us: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
        is_normal = self.distribution == "normal"
        errors = standard_normal(g_us, generator) if is_normal else uniform(g_us, generator).mul_(2).sub_(1)
        for conductance, error in pieces(g_us, errors):
            if self.dependence == "independent":
                error.mul_(share * self.g_max_us)
            elif self.dependence == "proportional":
                error.mul_(conductance).mul_(share)
            else:
                # a device that an error brought below the lowest conductance has no larger one than there
                error.div_(conductance.clamp(min=self.g_min_us)).mul_(share * self.g_max_us * self.g_min_us)
            error.add_(conductance).clamp_(min=0)
        return errors
