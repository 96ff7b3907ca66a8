"""The `search.strategy` section of a configuration: the strategies by name.

Importing this module loads neither torch nor XGBoost nor scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from analognas.specs.family import by_kind, section
from analognas.strategies.analog_nas import AnalogNASSpec
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.collection import CollectionSpec
from analognas.strategies.entry_point import EntryPointStrategySpec
from analognas.strategies.given import ObjectStrategySpec
from analognas.strategies.latin_hypercube import LatinHypercubeSpec
from analognas.strategies.local_search import LocalSearchSpec
from analognas.strategies.nsga2 import NSGA2Spec
from analognas.strategies.optuna_search import (
    OptunaCMAESSpec,
    OptunaGPSpec,
    OptunaNSGA2Spec,
    OptunaNSGA3Spec,
    OptunaQMCSpec,
    OptunaTPESpec,
)
from analognas.strategies.random import RandomSpec
from analognas.strategies.regularized_evolution import RegularizedEvolutionSpec
from analognas.strategies.surrogate_guided import SurrogateGuidedSpec

STRATEGIES: Final[Mapping[str, type[StrategySpec]]] = by_kind(
    RandomSpec,
    LatinHypercubeSpec,
    AnalogNASSpec,
    SurrogateGuidedSpec,
    RegularizedEvolutionSpec,
    LocalSearchSpec,
    NSGA2Spec,
    OptunaTPESpec,
    OptunaGPSpec,
    OptunaCMAESSpec,
    OptunaNSGA2Spec,
    OptunaNSGA3Spec,
    OptunaQMCSpec,
)
"""The built-in strategies by the name they have in a configuration."""

SELECTABLE: Final[Mapping[str, type[StrategySpec]]] = {
    **STRATEGIES,
    **by_kind(CollectionSpec, EntryPointStrategySpec, ObjectStrategySpec),
}
"""Everything that `search.strategy.kind` may say: a collection is no search, and what is compared are searches."""

if TYPE_CHECKING:
    StrategySection: TypeAlias = StrategySpec
else:
    StrategySection = section(SELECTABLE)
