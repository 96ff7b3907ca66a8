"""The `surrogate` section of a strategy: those of `surrogates`, and those of other packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from analognas.specs.family import by_kind, section
from analognas.strategies.foreign_surrogate import EntryPointSurrogateSpec
from analognas.strategies.given import ObjectSurrogateSpec
from surrogates.base_spec import SurrogateSpec
from surrogates.specs import SURROGATES

SELECTABLE: Final[Mapping[str, type[SurrogateSpec]]] = {
    **SURROGATES,
    **by_kind(EntryPointSurrogateSpec, ObjectSurrogateSpec),
}
"""Everything that `search.strategy.surrogate.kind` may say."""

if TYPE_CHECKING:
    SurrogateSection: TypeAlias = SurrogateSpec
else:
    SurrogateSection = section(SELECTABLE)
