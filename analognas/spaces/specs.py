"""The `space` section of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from analognas.spaces.adapter import complete
from analognas.spaces.guarded import guarded
from analognas.specs.base import Spec
from search_spaces import ArchitectureSpace, SearchSpace


def _ordered(bounds: tuple[int, int]) -> tuple[int, int]:
    low, high = bounds
    if low > high:
        raise ValueError(f"`low <= high` must hold in a range [low, high], got [{low}, {high}]")
    return bounds


def _types(letters: str) -> str:
    if not letters or "".join(letter for letter in "ABCD" if letter in letters) != letters:
        raise ValueError(
            f"must be one to four of the letters A, B, C, D in this order, each once, got {letters!r}"
        )
    return letters


Channels = Annotated[int, Field(ge=1, le=1024)]
Kernel = Annotated[int, Field(ge=1, le=15)]
Count = Annotated[int, Field(ge=1, le=16)]


class ResNetSpec(Spec):
    """The ResNet-like space of AnalogNAS (Benmeziane et al. 2023, Table I); every range can be narrowed."""

    kind: Literal["resnet"] = "resnet"
    oc0: Annotated[tuple[Channels, Channels], AfterValidator(_ordered)] = Field(
        default=(8, 128), description="OC0, output channels of the first convolution: [low, high]"
    )
    ks0: Annotated[tuple[Kernel, Kernel], AfterValidator(_ordered)] = Field(
        default=(3, 7), description="KS0, kernel of the first convolution: [low, high]"
    )
    m: Annotated[tuple[Count, Count], AfterValidator(_ordered)] = Field(
        default=(1, 5), description="M, main blocks: [low, high]"
    )
    r: Annotated[tuple[Count, Count], AfterValidator(_ordered)] = Field(
        default=(1, 16), description="R, residual blocks in a main block: [low, high]"
    )
    b: Annotated[tuple[Count, Count], AfterValidator(_ordered)] = Field(
        default=(1, 12), description="B, parallel branches of a residual block: [low, high]"
    )
    ct: Annotated[str, AfterValidator(_types)] = Field(
        default="ABCD",
        description="CT, block types: A bottleneck, B basic, C and D the same with ReLU before batch norm",
    )
    wf: Annotated[tuple[Count, Count], AfterValidator(_ordered)] = Field(
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


class NasBench201Spec(Spec):
    """The cells of NAS-Bench-201 in a small network: four nodes, five operations an edge (Dong and Yang 2020)."""

    kind: Literal["nasbench201"] = "nasbench201"
    channels: int = Field(default=16, ge=1, le=1024, description="channels of the first of the three stages")
    cells_per_stage: int = Field(default=5, ge=1, le=20, description="equal cells in a stage")


class EntryPointSpaceSpec(Spec):
    """A space that another installed package offers as an entry point of the group `analognas.spaces`."""

    kind: Literal["entry-point"] = "entry-point"
    name: str = Field(min_length=1, description="of the entry point")
    options: dict[str, Any] = Field(
        default={}, description="arguments of its class, besides `input_shape` and `n_classes`"
    )


AnySpaceSpec = ResNetSpec | NasBench201Spec | EntryPointSpaceSpec
SpaceSpec = Annotated[AnySpaceSpec, Field(discriminator="kind")]

SKIP_GENES: Final[Mapping[str, tuple[int, int]]] = {"with": (1, 1), "without": (0, 0), "either": (0, 1)}


BUILT_IN: Final[Mapping[str, type[Spec]]] = {
    "resnet": ResNetSpec,
    "nasbench201": NasBench201Spec,
    "entry-point": EntryPointSpaceSpec,
}
"""The spaces by the name they have in a configuration."""


def make_space(spec: AnySpaceSpec, input_shape: tuple[int, int, int], n_classes: int) -> ArchitectureSpace:
    """Return the space of `spec` for inputs of `input_shape` (channels, height, width) and `n_classes` classes.

    Raises:
        ValueError: when no network of the space fits the inputs, or a space of another package breaks its
            contract; the message names the method and what was wrong.
        UserError: when there is no such entry point, or it fails.
    """
    space = complete(_space(spec, input_shape, n_classes), input_shape)
    return guarded(spec.name, space) if isinstance(spec, EntryPointSpaceSpec) else space


def _space(spec: AnySpaceSpec, input_shape: tuple[int, int, int], n_classes: int) -> SearchSpace:
    match spec:
        case ResNetSpec():
            from search_spaces import MutationRates, ResNetSpace

            return ResNetSpace(
                input_shape=input_shape,
                n_classes=n_classes,
                oc0=spec.oc0,
                ks0=spec.ks0,
                m=spec.m,
                r=spec.r,
                b=spec.b,
                ct=spec.ct,
                wf=spec.wf,
                skip=SKIP_GENES[spec.skip],
                max_width=spec.max_width,
                bottleneck=spec.bottleneck,
                rates=MutationRates(to_maximum=spec.to_maximum),
            )
        case NasBench201Spec():
            from search_spaces import NasBench201Space

            return NasBench201Space(
                input_shape=input_shape,
                n_classes=n_classes,
                channels=spec.channels,
                cells_per_stage=spec.cells_per_stage,
            )
        case EntryPointSpaceSpec():
            from analognas.spaces.entry_point import space_from_entry_point

            return space_from_entry_point(spec.name, spec.options, input_shape, n_classes)
