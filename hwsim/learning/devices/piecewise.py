"""Piecewise step: factors of the step at nodes that are spread evenly over the range, linear between them.

    up: Δ = s_up f_up(u),    down: Δ = s_dn f_dn(u),    u = (w - b_min) / (b_max - b_min)

For response curves that were measured. The granularity is the mean of both factors at the centre.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, final

from pydantic import Field

from hwsim.learning.devices.device import Cells, PulsedDevice

if TYPE_CHECKING:
    import torch

Nodes: TypeAlias = Annotated[
    tuple[Annotated[float, Field(ge=0, le=1e4)], ...], Field(min_length=2, max_length=1024)
]
"""Factors of the step, from the lower bound to the upper."""


@final
class PiecewiseStep(PulsedDevice):
    """A device whose steps are interpolated between measured factors."""

    kind: Literal["piecewise"] = "piecewise"
    nodes_up: Nodes
    """Factors of steps up, from the lower bound to the upper."""
    nodes_down: Nodes
    """Factors of steps down, from the lower bound to the upper."""

    @property
    def granularity(self) -> float:
        """Mean of the steps up and down of a mean cell at the centre of its range."""
        return self.step * (_centre(self.nodes_up) + _centre(self.nodes_down)) / 2

    def cells(self, base: Cells, generator: torch.Generator) -> Cells:
        """Return the cells."""
        return base

    def up(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean increase of `w` by one pulse up."""
        return cells["s_up"] * _interpolated(self.nodes_up, w, cells)

    def down(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean decrease of `w` by one pulse down."""
        return cells["s_dn"] * _interpolated(self.nodes_down, w, cells)


def _centre(nodes: tuple[float, ...]) -> float:
    return (nodes[(len(nodes) - 1) // 2] + nodes[len(nodes) // 2]) / 2


def _interpolated(nodes: tuple[float, ...], w: torch.Tensor, cells: Cells) -> torch.Tensor:
    width = cells["high"] - cells["low"]
    place = ((w - cells["low"]) / width.where(width > 0, 1.0)).clamp(0, 1) * (len(nodes) - 1)
    values = w.new_tensor(nodes)
    left = place.floor().clamp(max=len(nodes) - 2).long()
    return values[left].lerp(values[left + 1], place - left)
