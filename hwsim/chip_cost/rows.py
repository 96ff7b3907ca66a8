"""The rows of a cost: layers, digital steps between them, and what belongs to none."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A layer, a digital step between layers, or what belongs to none; energies of one inference in fJ."""

    name: str
    matrix: str
    copies: int
    replicas: int
    positions: int
    tiles: int
    utilisation: float | None
    dac_conversions: int
    adc_conversions: int
    busy_ps: int
    energy_fj: dict[str, int]
    digital_weights: int = 0
    digital_macs: int = 0

    @property
    def total_fj(self) -> int:
        """Energy of all parts."""
        return sum(self.energy_fj.values())
