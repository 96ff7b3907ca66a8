"""How strategies are written in a configuration, and the mapping from there to the mechanisms.

Importing this module loads neither torch nor XGBoost nor scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from analognas.strategies.strategy import Strategy
from surrogates.specs import AnalogNASSurrogateSpec, SurrogateSpec, XGBoostEnsembleSpec, make_surrogate


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RandomSpec(_Spec):
    """Random search: independent draws from the space. The yardstick of every other strategy."""

    kind: Literal["random"] = "random"


class LatinHypercubeSpec(_Spec):
    """Latin-hypercube designs: every gene's range covered evenly. For data sets and first looks."""

    kind: Literal["latin-hypercube"] = "latin-hypercube"
    size: int = Field(default=64, ge=1, le=10_000, description="candidates in a design")


class AnalogNASSpec(_Spec):
    """AnalogNAS as published: three XGBoost models and Algorithm 1, the best candidates evaluated again."""

    kind: Literal["analognas"] = "analognas"
    initial: int = Field(default=24, ge=4, le=10_000, description="Latin-hypercube trials before a fit")
    population: int = Field(default=200, ge=2, le=100_000, description="candidates in a population")
    iterations: int = Field(default=200, ge=0, le=100_000, description="generations of the evolution")
    surrogate: AnalogNASSurrogateSpec = Field(
        default=AnalogNASSurrogateSpec(), description="the ranker and the regressors; the objective is ranked"
    )


class SurrogateGuidedSpec(_Spec):
    """Evolution on predictions, diverse batches of the best evaluated. Best for small budgets."""

    kind: Literal["surrogate-guided"] = "surrogate-guided"
    initial: int = Field(default=24, ge=4, le=10_000, description="Latin-hypercube trials before a fit")
    population: int = Field(default=200, ge=2, le=100_000, description="candidates in a population")
    iterations: int = Field(default=50, ge=0, le=100_000, description="generations of the evolution")
    acquisition: Literal["mean", "ucb", "ei", "thompson"] = Field(
        default="ucb",
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
    surrogate: SurrogateSpec = Field(
        default=XGBoostEnsembleSpec(), description="fitted on the completed trials"
    )


StrategySpec: TypeAlias = Annotated[
    RandomSpec | LatinHypercubeSpec | AnalogNASSpec | SurrogateGuidedSpec, Field(discriminator="kind")
]

STRATEGIES: Final[Mapping[str, type[_Spec]]] = {
    "random": RandomSpec,
    "latin-hypercube": LatinHypercubeSpec,
    "analognas": AnalogNASSpec,
    "surrogate-guided": SurrogateGuidedSpec,
}
"""The built-in strategies by the name they have in a configuration."""


def make_strategy(
    spec: RandomSpec | LatinHypercubeSpec | AnalogNASSpec | SurrogateGuidedSpec, seed: int
) -> Strategy:
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
    design = LatinHypercube(size=spec.initial, seed=seed)
    if isinstance(spec, AnalogNASSpec):
        from analognas.strategies.analog_nas import AnalogNAS
        from surrogates import AnalogNASSurrogate

        return AnalogNAS(
            design=design,
            surrogate=AnalogNASSurrogate(**spec.surrogate.model_dump(exclude={"kind"})),
            population=spec.population,
            iterations=spec.iterations,
        )
    from analognas.strategies.surrogate_guided import SurrogateGuided

    return SurrogateGuided(
        design=design,
        surrogate=make_surrogate(spec.surrogate),
        population=spec.population,
        iterations=spec.iterations,
        acquisition=spec.acquisition,
        beta=spec.beta,
        caution=spec.caution,
        exploration=spec.exploration,
    )


def surrogate_spec(
    spec: RandomSpec | LatinHypercubeSpec | AnalogNASSpec | SurrogateGuidedSpec,
) -> XGBoostEnsembleSpec | AnalogNASSurrogateSpec | None:
    """Return the surrogate that a strategy searches on, None for one that searches without."""
    return spec.surrogate if isinstance(spec, AnalogNASSpec | SurrogateGuidedSpec) else None


def describe_strategies() -> dict[str, dict[str, Any]]:
    """Return, by name, what each strategy is and what its settings mean, JSON-able.

    >>> describe_strategies()["latin-hypercube"]["settings"]["size"]["default"]
    64
    """
    return {
        name: {
            "summary": (spec.__doc__ or "").strip(),
            "settings": {
                key: {
                    "default": _plain(field.default),
                    "description": field.description or "",
                }
                for key, field in spec.model_fields.items()
                if key != "kind"
            },
        }
        for name, spec in STRATEGIES.items()
    }


def _plain(default: object) -> object:
    return default.model_dump() if isinstance(default, BaseModel) else default
