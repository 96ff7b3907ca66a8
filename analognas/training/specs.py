"""Parts of the `training` section that digital and hardware-aware training share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from analognas.specs.base import Spec
from analognas.specs.quantity import Share

if TYPE_CHECKING:
    from analognas.training.augmentation import Augmentation


class AugmentationSpec(Spec):
    """What is changed at random in each training input, in both trainings."""

    crop: int = Field(
        default=0, ge=0, description="images: pixels of padding, then a window cut out anywhere"
    )
    flip: bool = Field(default=False, description="images: mirror every second one left to right")
    cutout: int = Field(default=0, ge=0, description="images: side of a blank square, pixels")
    time_shift: int = Field(
        default=0,
        ge=0,
        description="spectrograms: most frames to move in time; 5 are 100 ms at 20 ms a frame",
    )

    def augmentation(self) -> Augmentation:
        """Return the mechanism."""
        from analognas.training.augmentation import Augmentation

        return Augmentation(**self.model_dump())


class EarlyStopSpec(Spec):
    """A trial that is hopeless after its first epochs ends there, and is recorded as failed with this reason."""

    epoch: int = Field(ge=1, description="digital epochs after which a candidate is looked at")
    accuracy: Share = Field(
        lt=1, description="digital validation accuracy that it must have by then, 0.2 or 20 %"
    )
