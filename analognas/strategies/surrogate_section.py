"""The `surrogate` section of a strategy: those of `surrogates`, and those of other packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from analognas.specs.family import section
from analognas.strategies.foreign_surrogate import EntryPointSurrogateSpec
from surrogates.base_spec import SurrogateSpec
from surrogates.specs import SURROGATES

SELECTABLE: Final[Mapping[str, type[SurrogateSpec]]] = {**SURROGATES, "entry-point": EntryPointSurrogateSpec}
"""Everything that `search.strategy.surrogate.kind` may say."""

if TYPE_CHECKING:
    SurrogateSection: TypeAlias = SurrogateSpec
else:
    SurrogateSection = section(SELECTABLE)
