"""The `space` section of a configuration: the spaces by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from analognas.spaces.base_spec import SpaceSpec
from analognas.spaces.entry_point import EntryPointSpaceSpec
from analognas.spaces.given import ObjectSpaceSpec
from analognas.spaces.nasbench201 import NasBench201Spec
from analognas.spaces.resnet import ResNetSpec
from analognas.spaces.sequence import SequenceSpec
from analognas.spaces.staged import StagedSpec
from analognas.specs.family import by_kind, section

SPACES: Final[Mapping[str, type[SpaceSpec]]] = by_kind(
    ResNetSpec, StagedSpec, NasBench201Spec, SequenceSpec, EntryPointSpaceSpec, ObjectSpaceSpec
)
"""The spaces by the name they have in a configuration."""

if TYPE_CHECKING:
    SpaceSection: TypeAlias = SpaceSpec
else:
    SpaceSection = section(SPACES)
