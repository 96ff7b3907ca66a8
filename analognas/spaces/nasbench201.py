"""The `space` section of the cells of NAS-Bench-201."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from analognas.spaces.base_spec import SpaceSpec
from search_spaces import NasBench201Space


class NasBench201Spec(SpaceSpec):
    """The cells of NAS-Bench-201 in a small network: four nodes, five operations an edge (Dong and Yang 2020)."""

    every_step: ClassVar[bool] = False

    kind: Literal["nasbench201"] = "nasbench201"
    channels: int = Field(default=16, ge=1, le=1024, description="channels of the first of the three stages")
    cells_per_stage: int = Field(default=5, ge=1, le=20, description="equal cells in a stage")

    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> NasBench201Space:
        """Return the space.

        Raises:
            ValueError: when no network of the space fits the inputs.
        """
        return NasBench201Space(
            input_shape=input_shape,
            n_classes=n_classes,
            channels=self.channels,
            cells_per_stage=self.cells_per_stage,
        )
