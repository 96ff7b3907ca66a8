"""A pair of one-sided devices: w = g+ - g-, pulses up go to g+, pulses down to g-, both as pulses up.

For devices that move well in one direction only, such as phase-change memory. As both only grow, pairs near the end of
their range are refreshed between mini-batches: the difference is read, both devices are reset, and it is programmed
again.

References:
    Nandakumar et al., Mixed-precision deep learning based on computational memory, Front. Neurosci. 14:406, 2020.
"""

from __future__ import annotations

from typing import Literal, final

from pydantic import Field

from hwsim.learning.devices.kinds import AnyPulsedDevice
from hwsim.learning.plain_spec import PlainSpec


@final
class PairedDevice(PlainSpec):
    """Two one-sided devices, one for each sign of the weight."""

    kind: Literal["pair"] = "pair"
    of: AnyPulsedDevice
    """Each of the two."""
    refresh_above: float = Field(default=0.75, gt=0, le=1)
    """A pair is refreshed when its larger device is above this part of the range..."""
    refresh_both_above: float = Field(default=0.25, gt=0, le=1)
    """...and its smaller one above this."""
    refresh_pulses: int = Field(default=31, ge=1, le=10_000)
    """Most pulses that program the difference again."""

    @property
    def granularity(self) -> float:
        """Mean step of a mean device at weight 0."""
        return self.of.granularity

    @property
    def w_max(self) -> float:
        """Mean upper bound."""
        return self.of.w_max - self.of.w_min

    @property
    def w_min(self) -> float:
        """Mean lower bound."""
        return self.of.w_min - self.of.w_max

    @property
    def n_states(self) -> float:
        """Steps of the granularity that fit the range."""
        return (self.w_max - self.w_min) / self.granularity
