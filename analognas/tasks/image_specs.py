"""The `task` sections of image tasks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from analognas.specs.base import ExistingFolder
from analognas.tasks.split_specs import Fractions, LimitedSpec

Side = Annotated[int, Field(ge=1, le=4096)]


class Cifar10Spec(LimitedSpec):
    """CIFAR-10: 60,000 colour images of 32 x 32, ten classes (Krizhevsky 2009); official test, 45,000 to train."""

    kind: Literal["cifar10"] = "cifar10"


class FashionMnistSpec(LimitedSpec):
    """Fashion-MNIST: 70,000 grey images of clothes, 28 x 28, ten classes; official test, 54,000 to train."""

    kind: Literal["fashion-mnist"] = "fashion-mnist"


class VisualWakeWordsSpec(LimitedSpec):
    """Person or not, MLPerf Tiny's preparation: 109,620 colour images of 96 x 96, split 80/10/10."""

    kind: Literal["visual-wake-words"] = "visual-wake-words"
    max_bad_files: int = Field(
        default=0, ge=0, description="unreadable images that are left out before an error"
    )


class ImageFolderSpec(LimitedSpec):
    """A user's own images: one folder a class, or `train`, `test` (and `validation`) with one folder a class."""

    kind: Literal["image-folder"] = "image-folder"
    path: ExistingFolder = Field(
        description="the folder; a relative path starts at the folder of the configuration"
    )
    size: tuple[Side, Side] | None = Field(
        default=None, description="[height, width] of every input; null: the images as they are"
    )
    resize: Literal["none", "squash", "crop"] = Field(
        default="none",
        description="other sizes become `size`: squash changes proportions, crop cuts the middle out",
    )
    colour: Literal["rgb", "grey"] = Field(default="rgb", description="3 channels, or 1")
    fractions: Fractions = Field(
        default=(0.6, 0.2, 0.2), description="training, validation and test shares, adding up to 1"
    )
    split_seed: int = Field(default=0, ge=0, description="seed of the stratified split")
    max_bad_files: int = Field(
        default=10, ge=0, description="unreadable images that are left out before an error"
    )

    @model_validator(mode="after")
    def _resize_needs_a_size(self) -> ImageFolderSpec:
        if self.resize != "none" and self.size is None:
            raise ValueError(f"`resize: {self.resize}` needs `size: [height, width]`")
        if self.resize == "none" and self.size is not None:
            raise ValueError("`size` needs `resize: squash` or `resize: crop`, got `none`")
        return self
