"""What a search evaluates next, and when the outcome of an evaluation counts.

`AsTheyEnd` keeps every worker busy: an outcome counts when it comes, so that the order in which evaluations end is part
of the result. `InOrder` goes round by round: the promotions that are due, then one answer of the strategy, none asked
before all of the round before has ended; an outcome that comes early waits for those before it. The trials then depend
on the seed alone, and on one worker as on many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from analognas.driver.ledger import Ledger, OpenCandidate
from analognas.driver.successive_halving import Promotion
from analognas.executors.executor import Job, TrialOutcome
from analognas.record.trial import Ask


class Proposer(Protocol):
    """What an agenda wants of a search: its jobs, and answers of the strategy."""

    @property
    def n_trials(self) -> int:
        """Candidates of the whole search."""
        ...

    @property
    def batch(self) -> int:
        """Candidates to ask for at a time."""
        ...

    def ask(self, ledger: Ledger, n: int) -> Ask | None:
        """Ask the strategy for `n` candidates; None where none are needed."""
        ...

    def jobs(self, opened: Sequence[OpenCandidate]) -> list[Job]:
        """Return the jobs of open candidates."""
        ...

    def promoted(self, promotion: Promotion) -> Job:
        """Return the job of a promotion."""
        ...


class Agenda(Protocol):
    """The order of a search."""

    def next_job(self, free: int) -> Job | None:
        """Return what one of `free` workers evaluates, None where nothing is to be started now."""
        ...

    def to_enter(self, outcome: TrialOutcome) -> Iterator[TrialOutcome]:
        """Yield the outcomes that count now that one more has come; each is entered before the next is taken."""
        ...

    def take_ask(self) -> Ask | None:
        """Return what the strategy was asked since this was called last; None for nothing."""
        ...

    @property
    def n_early(self) -> int:
        """Outcomes that came and do not count yet."""
        ...


class AsTheyEnd:
    """Starts something whenever a worker is free; every outcome counts at once."""

    def __init__(self, loop: Proposer, ledger: Ledger) -> None:
        """Take up the candidates that are open.

        Args:
            loop: asks the strategy, and makes jobs.
            ledger: of the search; whoever enters outcomes keeps it.
        """
        self._loop = loop
        self._ledger = ledger
        self._waiting = deque(loop.jobs(ledger.still_open(loop.n_trials)))
        self._asked_after = -1
        self._ask: Ask | None = None

    def next_job(self, free: int) -> Job | None:
        """Return a promotion, or else a candidate; the strategy is asked when none waits and it can know more."""
        loop, ledger = self._loop, self._ledger
        promotion = None if ledger.ladder is None else ledger.ladder.promote()
        if promotion is not None:
            return loop.promoted(promotion)
        if not self._waiting and self._asked_after < len(ledger.trials):
            self._asked_after = len(ledger.trials)
            self._ask = loop.ask(ledger, min(max(loop.batch, free), loop.n_trials - ledger.n_begun))
            self._waiting.extend(loop.jobs(ledger.open_up(self._ask)))
        return self._waiting.popleft() if self._waiting else None

    def to_enter(self, outcome: TrialOutcome) -> Iterator[TrialOutcome]:
        """Yield the outcome."""
        yield outcome

    def take_ask(self) -> Ask | None:
        """Return the last ask, once."""
        ask, self._ask = self._ask, None
        return ask

    @property
    def n_early(self) -> int:
        """None ever waits."""
        return 0


class InOrder:
    """Starts a round when the one before has ended; outcomes count in the order of the round."""

    def __init__(self, loop: Proposer, ledger: Ledger) -> None:
        """Take up the rest of the round that the record ends in.

        Args:
            loop: asks the strategy, and makes jobs.
            ledger: of the search; whoever enters outcomes keeps it.
        """
        self._loop = loop
        self._ledger = ledger
        self._waiting = deque[Job]()
        self._under_way = deque[str]()
        self._early = dict[str, TrialOutcome]()
        self._ask: Ask | None = None
        self._extend([*map(loop.promoted, ledger.promotions), *loop.jobs(ledger.still_open(loop.n_trials))])

    def next_job(self, free: int) -> Job | None:
        """Return the next of the round; a new one begins when every trial of the last is entered."""
        if not self._under_way:
            loop, ledger = self._loop, self._ledger
            promoted = [loop.promoted(promotion) for promotion in ledger.begin_round()]
            self._ask = loop.ask(ledger, min(loop.batch, loop.n_trials - ledger.n_begun))
            self._extend([*promoted, *loop.jobs(ledger.open_up(self._ask))])
        return self._waiting.popleft() if self._waiting else None

    def to_enter(self, outcome: TrialOutcome) -> Iterator[TrialOutcome]:
        """Yield the outcomes before which none is missing."""
        self._early[outcome.job.key] = outcome
        while self._under_way and self._under_way[0] in self._early:
            yield self._early.pop(self._under_way.popleft())

    def take_ask(self) -> Ask | None:
        """Return the ask of the round, once."""
        ask, self._ask = self._ask, None
        return ask

    @property
    def n_early(self) -> int:
        """Outcomes that wait for those before them."""
        return len(self._early)

    def _extend(self, jobs: list[Job]) -> None:
        self._waiting.extend(jobs)
        self._under_way.extend(job.key for job in jobs)
