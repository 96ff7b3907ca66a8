"""How strategies are written in a configuration, and the mapping from there to the mechanisms.

Importing this module loads neither torch nor XGBoost nor scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from analognas.specs.base import MismatchError, Spec
from analognas.strategies.acquisition import AcquisitionName
from analognas.strategies.strategy import Strategy
from surrogates.specs import (
    AnalogNASSurrogateSpec,
    AnySurrogateSpec,
    CommitteeSpec,
    SurrogateSpec,
    make_surrogate,
)


class RandomSpec(Spec):
    """Random search: independent draws from the space. The yardstick of every other strategy."""

    kind: Literal["random"] = "random"


class LatinHypercubeSpec(Spec):
    """Latin-hypercube designs: every gene's range covered evenly. For data sets and first looks."""

    kind: Literal["latin-hypercube"] = "latin-hypercube"
    size: int = Field(default=64, ge=1, le=10_000, description="candidates in a design")


class _RefitSpec(Spec):
    refit_every: int = Field(
        default=1, ge=1, le=10_000, description="completed trials between two fits or checks"
    )
    refit_below: float | None = Field(
        default=None, ge=-1, le=1, description="fit again only when Kendall τ on these trials is below this"
    )

    @model_validator(mode="after")
    def _tau_needs_two_trials(self) -> Self:
        if self.refit_below is not None and self.refit_every < 2:
            raise MismatchError(
                f"`refit_every >= 2` must hold with `refit_below`, got {self.refit_every}: τ orders two or more",
                ("refit_every",),
                ("refit_below",),
            )
        return self


class AnalogNASSpec(_RefitSpec):
    """AnalogNAS as published: three XGBoost models and Algorithm 1, the best candidates evaluated again."""

    kind: Literal["analognas"] = "analognas"
    initial: int = Field(default=24, ge=4, le=10_000, description="Latin-hypercube trials before a fit")
    population: int = Field(default=200, ge=2, le=100_000, description="candidates in a population")
    iterations: int = Field(default=200, ge=0, le=100_000, description="generations of the evolution")
    surrogate: AnalogNASSurrogateSpec = Field(
        default=AnalogNASSurrogateSpec(), description="the ranker and the regressors; the objective is ranked"
    )


class SurrogateGuidedSpec(_RefitSpec):
    """Evolution on predictions, diverse batches of the best evaluated. Best for small budgets."""

    kind: Literal["surrogate-guided"] = "surrogate-guided"
    initial: int = Field(default=8, ge=4, le=10_000, description="trials of the first design")
    population: int = Field(default=200, ge=2, le=100_000, description="candidates in a population")
    iterations: int = Field(default=30, ge=0, le=100_000, description="generations of the evolution")
    scale: Literal["raw", "ranks"] = Field(
        default="ranks", description="the objective is modelled raw or as normal scores of its ranks"
    )
    acquisition: AcquisitionName = Field(
        default="portfolio",
        description="what is evolved: expectation, mean + beta std, expected improvement (ei), random draw, or "
        "ei and mean in turns",
    )
    beta: float = Field(default=0.5, ge=0, description="weight of the uncertainty in `ucb`")
    caution: float = Field(
        default=0.5, ge=0, description="soft bounds are expected to be met at mean + caution std"
    )
    exploration: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="probability that a place in the batch goes to a random candidate",
    )
    surrogate: SurrogateSpec = Field(default=CommitteeSpec(), description="fitted on the completed trials")


class RegularizedEvolutionSpec(Spec):
    """Regularized evolution: tournaments among the youngest trials. Robust, and needs hundreds of trials."""

    kind: Literal["regularized-evolution"] = "regularized-evolution"
    population: int = Field(default=30, ge=2, le=100_000, description="youngest trials that are alive")
    tournament: int = Field(default=8, ge=1, le=100_000, description="trials drawn for a tournament")

    @model_validator(mode="after")
    def _population_fills_a_tournament(self) -> Self:
        if self.tournament > self.population:
            raise MismatchError(
                f"`tournament <= population` must hold, got {self.tournament} > {self.population}",
                ("tournament",),
                ("population",),
            )
        return self


class LocalSearchSpec(Spec):
    """Local search: mutants of the best trial, then of the next best. Strong in small, smooth spaces."""

    kind: Literal["local-search"] = "local-search"
    initial: int = Field(default=10, ge=1, le=10_000, description="random trials that start the search")
    patience: int = Field(default=32, ge=1, le=10_000, description="mutants drawn of one trial")


class NSGA2Spec(Spec):
    """NSGA-II: evolution towards the Pareto front of several objectives."""

    kind: Literal["nsga2"] = "nsga2"
    population: int = Field(default=30, ge=2, le=100_000, description="survivors, and random trials before")
    crossover: float = Field(default=0.9, ge=0, le=1, description="probability that a child has two parents")


class _OptunaSpec(Spec):
    initial: int = Field(default=10, ge=2, le=10_000, description="random trials before the sampler")


class OptunaTPESpec(_OptunaSpec):
    """Optuna's multivariate tree-structured Parzen estimator over the genes."""

    kind: Literal["optuna-tpe"] = "optuna-tpe"


class OptunaGPSpec(_OptunaSpec):
    """Optuna's Gaussian process with expected (hypervolume) improvement. Half a second for each proposal."""

    kind: Literal["optuna-gp"] = "optuna-gp"


class OptunaCMAESSpec(_OptunaSpec):
    """Optuna's CMA-ES over the genes as integers, started warm from all completed trials at each call."""

    kind: Literal["optuna-cma-es"] = "optuna-cma-es"


class OptunaNSGA2Spec(_OptunaSpec):
    """Optuna's NSGA-II: generations in order of completion, for one objective or several."""

    kind: Literal["optuna-nsga2"] = "optuna-nsga2"
    initial: int = Field(default=30, ge=2, le=10_000, description="trials of a generation, the first random")


class OptunaNSGA3Spec(_OptunaSpec):
    """Optuna's NSGA-III: reference directions instead of crowding, for three objectives and more."""

    kind: Literal["optuna-nsga3"] = "optuna-nsga3"
    initial: int = Field(default=30, ge=2, le=10_000, description="trials of a generation, the first random")


class OptunaQMCSpec(_OptunaSpec):
    """Optuna's quasi-Monte Carlo: a scrambled Sobol sequence over the genes. For even coverage."""

    kind: Literal["optuna-qmc"] = "optuna-qmc"
    initial: int = Field(default=0, ge=0, le=10_000, description="random trials before the sequence")


class EntryPointStrategySpec(Spec):
    """A strategy that another installed package offers as an entry point of the group `analognas.strategies`."""

    kind: Literal["entry-point"] = "entry-point"
    name: str = Field(min_length=1, description="of the entry point")
    options: dict[str, Any] = Field(default={}, description="arguments of its class, besides `seed`")


AnyOptunaSpec: TypeAlias = (
    OptunaTPESpec | OptunaGPSpec | OptunaCMAESSpec | OptunaNSGA2Spec | OptunaNSGA3Spec | OptunaQMCSpec
)
AnyStrategySpec: TypeAlias = (
    AnalogNASSpec
    | LatinHypercubeSpec
    | LocalSearchSpec
    | NSGA2Spec
    | AnyOptunaSpec
    | EntryPointStrategySpec
    | RandomSpec
    | RegularizedEvolutionSpec
    | SurrogateGuidedSpec
)
StrategySpec: TypeAlias = Annotated[AnyStrategySpec, Field(discriminator="kind")]

STRATEGIES: Final[Mapping[str, type[AnyStrategySpec]]] = {
    "random": RandomSpec,
    "latin-hypercube": LatinHypercubeSpec,
    "analognas": AnalogNASSpec,
    "surrogate-guided": SurrogateGuidedSpec,
    "regularized-evolution": RegularizedEvolutionSpec,
    "local-search": LocalSearchSpec,
    "nsga2": NSGA2Spec,
    "optuna-tpe": OptunaTPESpec,
    "optuna-gp": OptunaGPSpec,
    "optuna-cma-es": OptunaCMAESSpec,
    "optuna-nsga2": OptunaNSGA2Spec,
    "optuna-nsga3": OptunaNSGA3Spec,
    "optuna-qmc": OptunaQMCSpec,
}
"""The built-in strategies by the name they have in a configuration."""

SELECTABLE: Final[Mapping[str, type[AnyStrategySpec]]] = {**STRATEGIES, "entry-point": EntryPointStrategySpec}
"""Everything that `search.strategy.kind` may say."""

MULTI_OBJECTIVE: Final = (
    "surrogate-guided",
    "nsga2",
    "optuna-nsga2",
    "optuna-nsga3",
    "optuna-tpe",
    "optuna-gp",
    "optuna-qmc",
    "latin-hypercube",
    "random",
    "entry-point",
)
"""Strategies that improve several objectives, or cover a space whatever they are."""


def make_strategy(spec: AnyStrategySpec, seed: int) -> Strategy:
    """Return the strategy that `spec` describes.

    Args:
        spec: a validated specification.
        seed: 0 or more, of the Latin-hypercube designs; everything else draws from the generator of each
            call.

    Raises:
        UserError: when there is no such entry point, or it fails.
    """
    from analognas.strategies.latin_hypercube import LatinHypercube

    if isinstance(spec, RandomSpec):
        from analognas.strategies.random import RandomSearch

        return RandomSearch()
    if isinstance(spec, LatinHypercubeSpec):
        return LatinHypercube(size=spec.size, seed=seed)
    if isinstance(spec, RegularizedEvolutionSpec):
        from analognas.strategies.regularized_evolution import RegularizedEvolution

        return RegularizedEvolution(population=spec.population, tournament=spec.tournament)
    if isinstance(spec, LocalSearchSpec):
        from analognas.strategies.local_search import LocalSearch

        return LocalSearch(initial=spec.initial, patience=spec.patience)
    if isinstance(spec, NSGA2Spec):
        from analognas.strategies.nsga2 import NSGA2

        return NSGA2(population=spec.population, crossover=spec.crossover)
    if isinstance(spec, EntryPointStrategySpec):
        from analognas.strategies.entry_point import strategy_from_entry_point

        return strategy_from_entry_point(spec.name, spec.options, seed)
    if isinstance(spec, AnyOptunaSpec):
        from analognas.strategies.optuna_search import OptunaSearch, sampler_name

        return OptunaSearch(sampler=sampler_name(spec.kind), initial=spec.initial, seed=seed)
    from analognas.strategies.recovery import SelfWatching
    from analognas.strategies.refit import RefitPolicy

    refit = RefitPolicy(every=spec.refit_every, below=spec.refit_below)
    if isinstance(spec, AnalogNASSpec):
        from analognas.strategies.analog_nas import AnalogNAS
        from surrogates import AnalogNASSurrogate

        return SelfWatching(
            AnalogNAS(
                design=LatinHypercube(size=spec.initial, seed=seed),
                surrogate=AnalogNASSurrogate(**spec.surrogate.model_dump(exclude={"kind"})),
                population=spec.population,
                iterations=spec.iterations,
                refit=refit,
            ),
            design=spec.initial,
        )
    from analognas.strategies.filling_design import FillingDesign
    from analognas.strategies.surrogate_guided import SurrogateGuided

    return SelfWatching(
        SurrogateGuided(
            design=FillingDesign(size=spec.initial, seed=seed),
            surrogate=make_surrogate(spec.surrogate),
            population=spec.population,
            iterations=spec.iterations,
            scale=spec.scale,
            acquisition=spec.acquisition,
            beta=spec.beta,
            caution=spec.caution,
            exploration=spec.exploration,
            refit=refit,
        ),
        design=spec.initial,
    )


def surrogate_spec(
    spec: AnyStrategySpec,
) -> AnySurrogateSpec | None:
    """Return the surrogate that a strategy searches on, None for one that searches without."""
    return spec.surrogate if isinstance(spec, AnalogNASSpec | SurrogateGuidedSpec) else None
