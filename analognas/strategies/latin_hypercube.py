"""Latin-hypercube design: every gene's range is cut in as many strata as rows, and each stratum is used once.

Constraints thin a design out, so a design of enough rows is drawn to leave `size` admissible candidates;
they keep the stratification of the larger design. A design depends on its seed and the problem alone. Each
call continues where the history ends, so that batches, in whatever order they finish, make up one design
and not many little ones.

References:
    M. D. McKay, R. J. Beckman, W. J. Conover, A comparison of three methods for selecting values of input
    variables in the analysis of output from a computer code, Technometrics 21(2), 1979.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, final

import numpy as np
from pydantic import Field

from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.novelty import MAX_DRAWS, new_candidates
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import Population, genotypes


def admissible_design(problem: SearchProblem, size: int, rng: np.random.Generator) -> Population:
    """Return at most `size` admissible, canonical, different candidates of one Latin hypercube.

    Fewer only when `MAX_DRAWS` rows do not contain them, or when a hypercube of at least 50 times as many
    rows as it has candidates brings no more than the smaller one before it: then there are no more.

    Returns:
        `(<= size, genes)` int64, in the order of the design.
    """
    rows, before = size, -1
    while True:
        candidates = new_candidates(problem, problem.space.latin_hypercube(rows, rng), ())
        found = len(candidates)
        exhausted = 0 < found <= before and rows >= 50 * found
        if found >= size or rows >= MAX_DRAWS or exhausted:
            return candidates[:size]
        rows, before = min(MAX_DRAWS, max(2 * rows, round(1.2 * size * rows / max(found, 1)))), found


class Design(Protocol):
    """A strategy that proposes designs of `size` candidates, one after the other."""

    @property
    def size(self) -> int:
        """Candidates in a design."""
        ...

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose the next `n` candidates."""
        ...


@final
class DesignMemo:
    """Designs by their number: of a pure function, and no state; under a tight constraint one takes seconds to draw."""

    def __init__(self) -> None:
        self._drawn: dict[int, tuple[SearchProblem, Population]] = {}

    def get(self, problem: SearchProblem, number: int, draw: Callable[[], Population]) -> Population:
        """Return the design `number` for `problem`, drawn where it is not known."""
        known = self._drawn.get(number)
        if known is None or known[0] is not problem:
            known = self._drawn[number] = problem, draw()
        return known[1]


def next_of_designs(
    design: Callable[[int], Population], size: int, history: History, n: int, origin: str
) -> list[Proposal]:
    """Return the next `n` candidates of designs, one after the other, fewer when they have nothing new.

    Args:
        design: from the number of a design, counted from 0, to its candidates.
        size: candidates in a design.
        history: what was proposed before.
        n: candidates wanted.
        origin: of the proposals.
    """
    taken = set(history.seen())
    proposals: list[Proposal] = []
    # Designs overlap in a small space: twice as many as the history fills, and eight, are worth a look.
    for number in range(2 * (len(taken) // size) + 8):
        candidates = genotypes(design(number))
        new = [genotype for genotype in candidates if genotype not in taken][: n - len(proposals)]
        proposals += [Proposal(genotype, origin) for genotype in new]
        taken.update(new)
        if len(proposals) == n or not candidates:
            break
    return proposals


class LatinHypercubeSpec(StrategySpec):
    """Latin-hypercube designs: every gene's range covered evenly. For data sets and first looks."""

    multi_objective: ClassVar[bool] = True

    kind: Literal["latin-hypercube"] = "latin-hypercube"
    size: int = Field(default=64, ge=1, le=10_000, description="candidates in a design")

    @property
    def design(self) -> int:
        """Candidates in a design."""
        return self.size

    def build(self, seed: int) -> LatinHypercube:
        """Return the strategy."""
        return LatinHypercube(size=self.size, seed=seed)


@final
@dataclass(frozen=True)
class LatinHypercube:
    """Proposes the candidates of Latin-hypercube designs, one design after the other.

    Attributes:
        size: admissible candidates in a design, 1 or more.
        seed: of the designs, 0 or more; the generator of a call is not used.
    """

    size: int
    seed: int
    _memo: DesignMemo = field(default_factory=DesignMemo, init=False, repr=False, compare=False)

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose the next `n` candidates of the designs, fewer when the designs have nothing new."""
        return next_of_designs(
            lambda number: self.design(problem, number), self.size, history, n, "latin-hypercube"
        )

    def design(self, problem: SearchProblem, number: int = 0) -> Population:
        """Return the design `number`, counted from 0, for `problem`, `(<= size, genes)`."""
        rng = np.random.default_rng([self.seed, number])
        return self._memo.get(problem, number, lambda: admissible_design(problem, self.size, rng))
