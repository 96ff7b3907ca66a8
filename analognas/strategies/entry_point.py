"""Strategies of other packages.

In the other package's pyproject.toml:

    [project.entry-points."analognas.strategies"]
    my-strategy = "my_package.strategies:MyStrategy"

`MyStrategy(seed, **options)` has the method of `analognas.strategies.Strategy`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from analognas.specs.entry_points import Guard, make_from_entry_point
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.gene_values import outside
from analognas.strategies.problem import SearchProblem
from analognas.strategies.recommendation import Believing
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import genotypes

GROUP: Final = "analognas.strategies"


class EntryPointStrategySpec(StrategySpec):
    """A strategy that another installed package offers as an entry point of the group `analognas.strategies`."""

    multi_objective: ClassVar[bool] = True

    kind: Literal["entry-point"] = "entry-point"
    name: str = Field(min_length=1, description="of the entry point")
    options: dict[str, Any] = Field(default={}, description="arguments of its class, besides `seed`")

    def build(self, seed: int) -> Strategy:
        """Return the strategy, its proposals looked at.

        Raises:
            UserError: when there is no such entry point, it fails, or what it made has no `ask`.
        """
        arguments = {**self.options, "seed": seed}
        strategy, _ = make_from_entry_point(GROUP, "strategy", self.name, arguments, method="ask")
        return ForeignStrategy(Guard("strategy", self.name), strategy)


@final
@dataclass(frozen=True)
class ForeignStrategy:
    """A strategy of another package, whose mistakes are reported as such.

    Attributes:
        guard: of its methods.
        strategy: what the entry point made.
    """

    guard: Guard
    strategy: Strategy

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose what the strategy proposes.

        Raises:
            UserError: when its `ask` fails, returns anything but at most `n` proposals, or a candidate that is not of
                the space.
        """
        proposals = self.guard.call("ask", self.strategy.ask, problem, history, n, rng)
        if not isinstance(proposals, list) or not all(isinstance(entry, Proposal) for entry in proposals):
            raise self.guard.breach("ask", f"must return a list of Proposal, got {proposals!r:.200}")
        genes = history.population.shape[1]
        if len(proposals) > n:
            raise self.guard.breach("ask", f"must return at most {n} proposals, got {len(proposals)}")
        for proposal in proposals:
            problem_of = _wrong(proposal, problem, genes) or _not_of_the_space(proposal, problem, history)
            if problem_of:
                raise self.guard.breach("ask", f"returned {proposal!r:.200}: {problem_of}")
        return proposals

    def posterior_worth(
        self, problem: SearchProblem, history: History, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Return what the strategy believes each trial to be worth, `(n,)`; as measured if it believes nothing.

        Raises:
            UserError: when its `posterior_worth` fails, or does not return a number for each completed trial.
        """
        if not isinstance(self.strategy, Believing):
            return problem.worth(history.metrics)
        believed: object = self.guard.call(
            "posterior_worth", self.strategy.posterior_worth, problem, history, rng
        )
        try:
            worth = np.asarray(believed, dtype=np.float64)
        except (TypeError, ValueError):
            worth = np.empty(0)
        if worth.shape != (len(history),) or not np.isfinite(worth[history.completed]).all():
            raise self.guard.breach(
                "posterior_worth",
                f"must return a finite number for each of the {len(history)} trials, got {believed!r:.200}",
            )
        return worth


def _wrong(proposal: Proposal, problem: SearchProblem, genes: int) -> str:
    """Return what is wrong with a proposal, or an empty text."""
    genotype = proposal.genotype
    if (
        not isinstance(genotype, tuple)
        or len(genotype) != genes
        or any(type(gene) is not int for gene in genotype)
    ):
        return f"`genotype` must be a tuple of {genes} integers"
    if not isinstance(proposal.origin, str) or not proposal.origin:
        return "`origin` must be a text"
    predicted = proposal.predicted
    if not isinstance(predicted, Mapping) or not all(
        isinstance(name, str) and isinstance(value, int | float) and math.isfinite(value)
        for name, value in predicted.items()
    ):
        return "`predicted` must map metrics to finite numbers"
    return ""


def _not_of_the_space(proposal: Proposal, problem: SearchProblem, history: History) -> str:
    """Return which gene of a proposal has a value that the space never gives it, or an empty text.

    A network that cannot be built or breaks a bound is no mistake: the search passes it over.
    """
    space, genotype = problem.space, proposal.genotype
    try:
        row = np.array([genotype], dtype=np.int64)
        reason = space.problems(row)[0]
        told = outside(space, genotype, history.population)
        # genes that are not in use may be anything where the space writes them in another way
        if told and not reason:
            told = outside(space, genotypes(space.canonical(row))[0], history.population)
    except (ValueError, OverflowError) as error:
        return f"not a genotype of the space: {error}"
    return f"{told}; the space draws no other values{f': {reason}' if reason else ''}" if told else ""
