"""The `space` section of the ResNet-like space of AnalogNAS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from analognas.spaces.base_spec import SpaceSpec
from analognas.spaces.bounds import ordered
from search_spaces import MutationRates, ResNetSpace

SKIP_GENES: Final[Mapping[str, tuple[int, int]]] = {"with": (1, 1), "without": (0, 0), "either": (0, 1)}


def _types(letters: str) -> str:
    if not letters or "".join(letter for letter in "ABCD" if letter in letters) != letters:
        raise ValueError(
            f"must be one to four of the letters A, B, C, D in this order, each once, got {letters!r}"
        )
    return letters


Channels = Annotated[int, Field(ge=1, le=1024)]
Kernel = Annotated[int, Field(ge=1, le=15)]
Count = Annotated[int, Field(ge=1, le=16)]


class ResNetSpec(SpaceSpec):
    """The ResNet-like space of AnalogNAS (Benmeziane et al. 2023, Table I); every range can be narrowed."""

    every_step: ClassVar[bool] = False

    kind: Literal["resnet"] = "resnet"
    oc0: Annotated[tuple[Channels, Channels], AfterValidator(ordered)] = Field(
        default=(8, 128), description="OC0, output channels of the first convolution: [low, high]"
    )
    ks0: Annotated[tuple[Kernel, Kernel], AfterValidator(ordered)] = Field(
        default=(3, 7), description="KS0, kernel of the first convolution: [low, high]"
    )
    m: Annotated[tuple[Count, Count], AfterValidator(ordered)] = Field(
        default=(1, 5), description="M, main blocks: [low, high]"
    )
    r: Annotated[tuple[Count, Count], AfterValidator(ordered)] = Field(
        default=(1, 16), description="R, residual blocks in a main block: [low, high]"
    )
    b: Annotated[tuple[Count, Count], AfterValidator(ordered)] = Field(
        default=(1, 12), description="B, parallel branches of a residual block: [low, high]"
    )
    ct: Annotated[str, AfterValidator(_types)] = Field(
        default="ABCD",
        description="CT, block types: A bottleneck, B basic, C and D the same with ReLU before batch norm",
    )
    wf: Annotated[tuple[Count, Count], AfterValidator(ordered)] = Field(
        default=(1, 4), description="WF, widening factor of a main block: [low, high]"
    )
    skip: Literal["with", "without", "either"] = Field(
        default="either", description="skip connections of the residual blocks"
    )
    max_width: int = Field(default=1024, ge=1, le=65536, description="most channels of a convolution")
    bottleneck: Literal["full", "input", "quarter"] = Field(
        default="full",
        description="inner width of types A and C: the block's, its input's, or a quarter of the block's",
    )
    to_maximum: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="probability that a mutation to the maximum of WF, R or M is kept; 0.2 in the paper's T100, T200",
    )

    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> ResNetSpace:
        """Return the space.

        Raises:
            ValueError: when no network of the space fits the inputs.
        """
        return ResNetSpace(
            input_shape=input_shape,
            n_classes=n_classes,
            oc0=self.oc0,
            ks0=self.ks0,
            m=self.m,
            r=self.r,
            b=self.b,
            ct=self.ct,
            wf=self.wf,
            skip=SKIP_GENES[self.skip],
            max_width=self.max_width,
            bottleneck=self.bottleneck,
            rates=MutationRates(to_maximum=self.to_maximum),
        )
