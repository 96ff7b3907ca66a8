"""A search problem on its own: draw candidates, ask what they cost, train and measure one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import hwsim
from analognas.compose import Composition, compose
from analognas.config.from_python import document_from
from analognas.config.loader import located_in, validate_document
from analognas.config.overrides import assign_seed
from analognas.errors import EvaluationError, UserError
from analognas.evaluation.measure import cross_entropy_in
from analognas.executors.executor import Job
from analognas.record.trial import Failure
from analognas.seeds import numpy_generator
from analognas.strategies.novelty import draw_new
from analognas.strategies.start_from import given_candidate
from analognas.strategies.strategy import Proposal
from search_spaces import ArchitectureSpace, Genotype, genotypes

if TYPE_CHECKING:
    from torch import nn

    from analognas.config.sections import SearchConfig
    from analognas.tasks import Task


@dataclass(frozen=True)
class Candidate:
    """A candidate of a space.

    Attributes:
        genotype: as the space writes it, canonical.
        architecture: in the literature's symbols, JSON-able.
        costs: parameters, MACs, tiles and what else follows from the genotype, by metric.
        origin: which part of a strategy proposed it; empty for one that nobody proposed.
        predicted: what a surrogate expects of it, by metric.
    """

    genotype: Genotype
    architecture: Mapping[str, Any]
    costs: Mapping[str, float]
    origin: str = ""
    predicted: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """What the training and measurement of a candidate gave.

    Attributes:
        candidate: that was trained.
        metrics: by name, on the validation split.
        curve: accuracy of every chip at every time.
        seconds: that it took.
        cross_entropy: of every chip at every time, in nats, where every step has a label; None otherwise.
    """

    candidate: Candidate
    metrics: Mapping[str, float]
    curve: hwsim.DriftCurve
    seconds: float
    cross_entropy: hwsim.DriftCurve | None = None


class Problem:
    """What a search solves: data, space, hardware, bounds and the budget of a trial, without a search.

    Args:
        config: a YAML file, a mapping, or None, as for `analognas.search`.
        seed: replaces the seed of the configuration.
        overrides: texts like `training.digital.epochs=2`.
        sections: sections and objects by name, as for `analognas.search`.

    Raises:
        UserError: when the configuration or the data do not fit, or no candidate meets the hard constraints.

    Example:
        >>> problem = Problem(task="digits", constraints={"parameters": 20_000})
        >>> [candidate.costs["parameters"] <= 20_000 for candidate in problem.sample(2)]
        [True, True]
    """

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
        overrides: Sequence[str] = (),
        **sections: Any,
    ) -> None:
        document, folder = document_from(config, sections, overrides)
        if seed is not None:
            assign_seed(document, seed)
        parsed = validate_document(document, folder)
        with located_in(document):
            self._composition = compose(parsed)
        self._composition.site.close()  # evaluations run in this process

    def __repr__(self) -> str:
        """Return data, space and hardware for `print`."""
        config = self.config
        return f"Problem({self.task!r}, space {config.space.kind}, {hwsim.label(self.hardware)})"

    @property
    def config(self) -> SearchConfig:
        """The configuration, with the bounds on size that it takes."""
        return self._composition.config

    @property
    def composition(self) -> Composition:
        """The parts of the search."""
        return self._composition

    @property
    def task(self) -> Task:
        """The data."""
        return self._composition.task

    @property
    def space(self) -> ArchitectureSpace:
        """The search space, with every ability."""
        return self._composition.problem.space

    @property
    def hardware(self) -> hwsim.Hardware:
        """The chip."""
        return self.config.hardware

    @property
    def bounds(self) -> dict[str, float]:
        """Upper bounds by metric, hard and soft ones."""
        return dict(self._composition.problem.upper_bounds)

    def sample(self, n: int, seed: int = 0) -> list[Candidate]:
        """Draw different random candidates that meet the hard constraints, fewer where there are no more.

        Args:
            n: how many.
            seed: the same seed gives the same candidates.

        Raises:
            UserError: unless `n` is at least 0.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 0:
            raise UserError(f"`n >= 0` candidates must be sampled, got {n!r}")
        problem = self._composition.problem
        rng = numpy_generator(self.config.seed, "sample", seed)
        return [
            self._described(found) for found in genotypes(draw_new(problem, self.space.sample, n, (), rng))
        ]

    def candidate(self, written: str | Mapping[str, Any] | Sequence[int] | Candidate) -> Candidate:
        """Return a candidate of the space.

        Args:
            written: an architecture as the space describes it, the name of a published network, or a genotype.

        Raises:
            UserError: when it is no candidate of the space, or breaks a hard constraint.
        """
        if isinstance(written, Candidate):
            return written
        problem = self._composition.problem
        if not isinstance(written, str | Mapping):
            written = self._architecture_of(written)
        try:
            return self._described(given_candidate(problem, written))
        except ValueError as error:
            raise UserError(f"`candidate`: {error}") from None

    def network(self, candidate: str | Mapping[str, Any] | Sequence[int] | Candidate) -> nn.Module:
        """Return the untrained network of a candidate: standardised inputs to logits."""
        return self.space.build(self.candidate(candidate).genotype)

    def evaluate(
        self, candidate: str | Mapping[str, Any] | Sequence[int] | Candidate, *, seed: int | None = None
    ) -> Evaluation:
        """Train a candidate with the budget of a trial and measure it on chips, in this process.

        Args:
            candidate: as for `candidate`.
            seed: of initialisation, training and noise; None: the one that a search with this configuration takes.

        Raises:
            UserError: when it is no candidate of the space.
            EvaluationError: when it cannot fit into memory, the training diverges or outputs are not finite.
        """
        found = self.candidate(candidate)
        chosen = self._composition.loop.seed_of(found.genotype) if seed is None else seed
        outcome = self._composition.evaluator.evaluate(Job(Proposal(found.genotype, "own"), 0, 0, chosen))
        if isinstance(outcome.result, Failure):
            raise EvaluationError(outcome.result.reason)
        record = outcome.result.curve
        return Evaluation(
            found,
            dict(outcome.result.metrics),
            hwsim.DriftCurve(record.times_s, np.array(record.accuracy)),
            outcome.wall_time_s,
            None if record.bits is None else cross_entropy_in(record.times_s, record.bits),
        )

    def of_proposal(self, proposal: Proposal) -> Candidate:
        """Return the candidate that a strategy proposes."""
        found = self._described(proposal.genotype)
        return replace(found, origin=proposal.origin, predicted=dict(proposal.predicted))

    def _described(self, genotype: Genotype) -> Candidate:
        problem, row = self._composition.problem, np.array([genotype], dtype=np.int64)
        costs = {name: float(cost(row)[0]) for name, cost in problem.costs.items()}
        return Candidate(genotype, problem.space.describe(genotype), costs)

    def _architecture_of(self, genes: Sequence[int]) -> Mapping[str, Any]:
        try:
            row = np.array([[int(gene) for gene in genes]], dtype=np.int64)
            return self.space.describe(genotypes(self.space.canonical(row))[0])
        except (TypeError, ValueError, IndexError, OverflowError, UserError) as error:
            raise UserError(
                f"`candidate` must be a genotype of the space, got {genes!r:.80}: {error}"
            ) from None
