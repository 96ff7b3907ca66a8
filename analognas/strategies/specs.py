"""How strategies are written in a configuration, and the mapping from there to the mechanisms.

Importing this module loads neither torch nor XGBoost nor scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from analognas.config.spec import Spec
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
            raise ValueError(
                f"`refit_every >= 2` must hold with `refit_below`, got {self.refit_every}: τ orders two or more"
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
    initial: int = Field(default=12, ge=4, le=10_000, description="Latin-hypercube trials before a fit")
    population: int = Field(default=200, ge=2, le=100_000, description="candidates in a population")
    iterations: int = Field(default=30, ge=0, le=100_000, description="generations of the evolution")
    scale: Literal["raw", "ranks"] = Field(
        default="ranks", description="the objective is modelled raw or as normal scores of its ranks"
    )
    acquisition: Literal["mean", "ucb", "ei", "thompson"] = Field(
        default="ei",
        description="what is evolved: expectation, mean + beta std, expected improvement, random draw",
    )
    beta: float = Field(default=0.5, ge=0, description="weight of the uncertainty in `ucb`")
    caution: float = Field(default=0.5, ge=0, description="soft bounds are held at mean + caution std")
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


class LocalSearchSpec(Spec):
    """Local search: mutants of the best trial, then of the next best. Strong in small, smooth spaces."""

    kind: Literal["local-search"] = "local-search"
    initial: int = Field(default=10, ge=1, le=10_000, description="random trials that start the search")
    patience: int = Field(default=32, ge=1, le=10_000, description="mutants drawn of one trial")


class NSGA2Spec(Spec):
    """NSGA-II: evolution towards the Pareto front of several objectives, with constraint domination."""

    kind: Literal["nsga2"] = "nsga2"
    population: int = Field(default=30, ge=2, le=100_000, description="survivors, and random trials before")
    crossover: float = Field(default=0.9, ge=0, le=1, description="probability that a child has two parents")


class OptunaTPESpec(Spec):
    """Optuna's multivariate tree-structured Parzen estimator over the genes."""

    kind: Literal["optuna-tpe"] = "optuna-tpe"
    initial: int = Field(default=10, ge=1, le=10_000, description="random trials before the estimator")


AnyStrategySpec: TypeAlias = (
    AnalogNASSpec
    | LatinHypercubeSpec
    | LocalSearchSpec
    | NSGA2Spec
    | OptunaTPESpec
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
}
"""The built-in strategies by the name they have in a configuration."""


def make_strategy(spec: AnyStrategySpec, seed: int) -> Strategy:
    """Return the strategy that `spec` describes.

    Args:
        spec: a validated specification.
        seed: 0 or more, of the Latin-hypercube designs; everything else draws from the generator of each
            call.
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
    if isinstance(spec, OptunaTPESpec):
        from analognas.strategies.optuna_tpe import OptunaTPE

        return OptunaTPE(initial=spec.initial)
    from analognas.strategies.refit import RefitPolicy

    design = LatinHypercube(size=spec.initial, seed=seed)
    refit = RefitPolicy(every=spec.refit_every, below=spec.refit_below)
    if isinstance(spec, AnalogNASSpec):
        from analognas.strategies.analog_nas import AnalogNAS
        from surrogates import AnalogNASSurrogate

        return AnalogNAS(
            design=design,
            surrogate=AnalogNASSurrogate(**spec.surrogate.model_dump(exclude={"kind"})),
            population=spec.population,
            iterations=spec.iterations,
            refit=refit,
        )
    from analognas.strategies.surrogate_guided import SurrogateGuided

    return SurrogateGuided(
        design=design,
        surrogate=make_surrogate(spec.surrogate),
        population=spec.population,
        iterations=spec.iterations,
        scale=spec.scale,
        acquisition=spec.acquisition,
        beta=spec.beta,
        caution=spec.caution,
        exploration=spec.exploration,
        refit=refit,
    )


def surrogate_spec(
    spec: AnyStrategySpec,
) -> AnySurrogateSpec | None:
    """Return the surrogate that a strategy searches on, None for one that searches without."""
    return spec.surrogate if isinstance(spec, AnalogNASSpec | SurrogateGuidedSpec) else None
