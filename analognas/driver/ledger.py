"""What a search knows at a moment: finished trials, open candidates, the best so far.

Everything in it follows from the trial records, in time that does not grow with their number: a trial more is one row
more, never a walk over all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from analognas.driver.history import GrowingHistory
from analognas.driver.selection import better_of
from analognas.driver.successive_halving import Halving, Ladder, Promotion
from analognas.record.earlier_trial import EarlierTrial
from analognas.record.trial import Ask, Trial
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import Genotype


@dataclass(frozen=True)
class OpenCandidate:
    """A candidate that was proposed and has not finished.

    Attributes:
        proposal: the candidate.
        asked_after: trials that had finished when it was proposed.
        position: its place in that answer.
    """

    proposal: Proposal
    asked_after: int
    position: int


class Ledger:
    """The books of a search.

    Attributes:
        trials: finished, in order of completion.
        best: the one of them that is worth most.
        n_failed: how many of them failed.
        ladder: the rungs of successive halving; None without.
        promotions: of the round that the record ends in, those that have not finished, in order; none where the
            trials are not in the order of their rounds.
    """

    def __init__(
        self,
        problem: SearchProblem,
        n_genes: int,
        trials: Sequence[Trial] = (),
        halving: Halving | None = None,
        earlier: Sequence[EarlierTrial] = (),
    ) -> None:
        """Enter what is known.

        Args:
            problem: what is searched.
            n_genes: length of a genotype.
            trials: finished, in the order of the journal.
            halving: of the search; None without.
            earlier: trials of other runs: strategies know them, and they count for nothing else.
        """
        self.trials: list[Trial] = []
        self.best: Trial | None = None
        self.n_failed = 0
        self.ladder = None if halving is None else Ladder(halving, problem)
        self._n_candidates = 0
        self._problem = problem
        self._history = GrowingHistory(n_genes, earlier)
        self._open: dict[Genotype, OpenCandidate] = {}
        self.promotions: deque[Promotion] = deque()
        for trial in trials:
            if not self.promotions and not self._open:
                self.begin_round()
            self.open_up(trial.ask)
            self.close(trial)

    def open(self) -> list[OpenCandidate]:
        """Return the open candidates in the order of the proposals."""
        return list(self._open.values())

    def still_open(self, n_trials: int) -> list[OpenCandidate]:
        """Return the open candidates for which a search of `n_trials` candidates has room."""
        return self.open()[: max(0, n_trials - self._n_candidates)]

    @property
    def n_begun(self) -> int:
        """Candidates that have finished, on the first rung at least, and open ones together."""
        return self._n_candidates + len(self._open)

    def open_candidate(self, genotype: Genotype) -> OpenCandidate | None:
        """Return what is known of an open candidate, None where it was not proposed or has finished."""
        return self._open.get(genotype)

    def knows(self, genotype: Genotype) -> bool:
        """Return whether a candidate is finished or open, or known from another run."""
        return genotype in self._history.known

    def history(self) -> History:
        """Return what a strategy may know now."""
        return self._history.snapshot(list(self._open))

    def open_up(self, ask: Ask | None) -> list[OpenCandidate]:
        """Open the candidates of an answer that was given now, and return them."""
        proposals = () if ask is None else ask.proposals
        opened = [OpenCandidate(proposal, len(self.trials), n) for n, proposal in enumerate(proposals)]
        self._open |= {candidate.proposal.genotype: candidate for candidate in opened}
        self._history.known.update(proposal.genotype for proposal in proposals)
        return opened

    def begin_round(self) -> Sequence[Promotion]:
        """Return the promotions that are due, for a round that begins now, with nothing open."""
        self.promotions = deque(() if self.ladder is None else self.ladder.due())
        return tuple(self.promotions)

    def close(self, trial: Trial) -> None:
        """Enter a finished trial."""
        self.trials.append(trial)
        if self.promotions:
            first = self.promotions.popleft()
            if (first.rung, first.trial.genotype) != (trial.rung, trial.genotype):
                self.promotions.clear()  # what workers did not wait for has no rounds
        if trial.rung == 0:  # strategies compare candidates by what all of them have: the first rung
            self._open.pop(trial.genotype, None)
            self._n_candidates += 1
            self._history.add(trial)
        if self.ladder is not None:
            self.ladder.close(trial)
        self.n_failed += trial.status == "failed"
        self.best = better_of(self._problem, self.best, trial)
