"""What a memory device model offers: programming, and its conductance at any later time."""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias

import torch

LATEST_S: Final = 1e15
"""End of the validity range of a model that was published without one, s (32 million years)."""

DeviceState: TypeAlias = dict[str, torch.Tensor]
"""What programming leaves behind in each device: named float32 tensors, all of the target's shape."""


class Device(Protocol):
    """A publication's device model. Conductances in µS, times in seconds since programming ended."""

    @property
    def g_max_us(self) -> float:
        """Conductance of a weight of 1, µS."""
        ...

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        ...

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return what programming to `g_target_us` leaves; the key `g_us` holds the conductances then."""
        ...

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the conductances at `t_s`, one draw of whatever fluctuates between inferences.

        Raises:
            ValueError: for a time outside the model's validity range.
        """
        ...


def check_time(t_s: float, latest_s: float = LATEST_S, source: str = "") -> None:
    """Raise ValueError unless ``0 <= t_s <= latest_s``."""
    if not 0 <= t_s <= latest_s:
        reason = f" ({source})" if source else ""
        raise ValueError(f"`0 <= t_s <= {latest_s:g}` must hold{reason}, got {t_s:g}")
