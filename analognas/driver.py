"""The search loop: ask, evaluate, record, until the budget is spent.

The loop is asynchronous: whenever a worker is free, the next candidate is submitted, and whenever none is left, the
strategy is asked with the trials that have finished and the candidates that are pending. One worker makes it serial:
ask for a batch, evaluate it, ask again. The loop keeps no state that the journal does not hold: every trial records
what the strategy was asked since the trial before, and what it answered, so that a resumed run knows which candidates
were under way and evaluates them first.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analognas.executors.executor import Executor, ExecutorState, Job, Outcome
from analognas.halving import Halving
from analognas.interruption import StopRequest
from analognas.ladder import Promotion
from analognas.ledger import Ledger, OpenCandidate
from analognas.observer import Observer
from analognas.progress import Pace, Progress
from analognas.record.journal import Journal
from analognas.record.trial import Ask, Failure, Trial, candidate_key
from analognas.seeds import derive_seed, numpy_generator
from analognas.strategies.problem import SearchProblem
from analognas.strategies.recovery import FALLEN_BEHIND, RECOVERY
from analognas.strategies.strategy import Proposal, Strategy
from search_spaces import Genotype, genotypes


def _tell_of_recovery(ask: Ask | None, ledger: Ledger, observer: Observer) -> None:
    """Say that the strategy has fallen behind, once for each time."""
    if ask is None or not any(proposal.origin == RECOVERY for proposal in ask.proposals):
        return
    asked = [trial.ask for trial in reversed(ledger.trials) if trial.ask is not None and trial.ask.proposals]
    if not asked or all(proposal.origin != RECOVERY for proposal in asked[0].proposals):
        observer.stage(FALLEN_BEHIND)


@dataclass(frozen=True)
class SearchLoop:
    """A search from its first trial to its last.

    Attributes:
        problem: what is searched.
        strategy: proposes candidates.
        n_trials: how many candidates to evaluate, on the first rung where there are several.
        batch: how many candidates to ask for at a time, or as many as there are free workers when that is more.
        seed: of the run.
        halving: evaluates the best again at larger budgets; None evaluates every candidate once, in full.
    """

    problem: SearchProblem
    strategy: Strategy
    n_trials: int
    batch: int
    seed: int
    halving: Halving | None = None

    def run(
        self,
        trials: Sequence[Trial],
        executor: Executor,
        journal: Journal,
        observer: Observer,
        stop: StopRequest | None = None,
    ) -> list[Trial]:
        """Continue after `trials` until the budget is spent or the strategy finds nothing new.

        Args:
            trials: finished trials, in order of completion.
            executor: evaluates candidates.
            journal: takes each trial as it ends.
            observer: is told of each trial.
            stop: once it is requested, nothing more is started.

        Returns:
            All trials, in order of completion.

        Raises:
            KeyboardInterrupt: when a stop was requested; what ran has been finished and recorded.
        """
        stop = stop or StopRequest()
        ledger = Ledger(self.problem, self.n_genes, trials, self.halving)
        gc.freeze()  # what is recorded stays: the collector need not walk over it again and again
        waiting = deque(self._jobs(ledger.open()))
        pace = Pace()
        under_way = 0
        asked_after = -1
        ask: Ask | None = None
        while True:
            free = executor.state.capacity - under_way
            while free > 0 and not stop.requested:
                promotion = None if ledger.ladder is None else ledger.ladder.promote()
                if promotion is not None:
                    executor.submit(self._promoted(promotion))
                    under_way += 1
                    free -= 1
                    continue
                if not waiting and asked_after < len(ledger.trials):
                    asked_after = len(ledger.trials)
                    ask = self.ask(ledger, min(max(self.batch, free), self.n_trials - ledger.n_begun))
                    _tell_of_recovery(ask, ledger, observer)
                    waiting.extend(self._jobs(ledger.open_up(ask)))
                if not waiting:
                    break
                executor.submit(waiting.popleft())
                under_way += 1
                free -= 1
            if not under_way:
                break
            busy = executor.state
            outcome = executor.next_outcome()
            under_way -= 1
            trial = self._trial(len(ledger.trials) + 1, outcome, ask)
            ask = None
            journal.append(trial)
            ledger.close(trial)
            to_do = under_way if stop.requested else self.n_evaluations - len(ledger.trials)
            observer.progress(self._progress(ledger, busy, max(0, to_do), pace.tick()))
            observer.trial(trial, self.n_evaluations, ledger.best)
        if stop.requested:
            raise KeyboardInterrupt
        return ledger.trials

    def ask(self, ledger: Ledger, n: int) -> Ask | None:
        """Ask the strategy for `n` candidates at this point of the search; None where none are needed."""
        if n <= 0:
            return None
        history = ledger.history()
        proposals = self.strategy.ask(
            self.problem, history, n, numpy_generator(self.seed, "ask", len(ledger.trials))
        )
        return Ask(n, tuple(self._new_and_admissible(proposals, ledger)))

    def _new_and_admissible(self, proposals: Sequence[Proposal], ledger: Ledger) -> list[Proposal]:
        """Return the proposals that are neither known nor against a hard constraint: nothing else is ever trained."""
        if not proposals:
            return []
        population = np.array([proposal.genotype for proposal in proposals], dtype=np.int64)
        admissible = self.problem.admissible(population)
        chosen: set[tuple[int, ...]] = set()
        kept: list[Proposal] = []
        for proposal, genotype, allowed in zip(
            proposals, genotypes(self.problem.space.canonical(population)), admissible, strict=True
        ):
            if allowed and genotype not in chosen and not ledger.knows(genotype):
                chosen.add(genotype)
                kept.append(replace(proposal, genotype=genotype))
        return kept

    @property
    def n_evaluations(self) -> int:
        """How many evaluations the search takes; with halving fewer where some fail."""
        return self.n_trials if self.halving is None else self.halving.evaluations(self.n_trials)

    def job_of(self, trial: Trial, ledger: Ledger) -> Job | None:
        """Return the job that a recorded trial is the end of, None where `ledger`, all before it, has none."""
        if trial.rung == 0:
            candidate = ledger.open_candidate(trial.genotype)
            return None if candidate is None else self._jobs([candidate])[0]
        promotion = None if ledger.ladder is None else ledger.ladder.climbs(trial.genotype, trial.rung)
        return None if promotion is None else self._promoted(promotion)

    def _promoted(self, promotion: Promotion) -> Job:
        assert self.halving is not None
        trial = promotion.trial
        return Job(
            proposal=promotion.proposal,
            asked_after=trial.asked_after,
            position=trial.position,
            seed=trial.seed,
            rung=promotion.rung,
            budget=self.halving.budget(promotion.rung),
        )

    def _jobs(self, opened: Sequence[OpenCandidate]) -> list[Job]:
        return [
            Job(
                proposal=candidate.proposal,
                asked_after=candidate.asked_after,
                position=candidate.position,
                seed=self.seed_of(candidate.proposal.genotype),
                budget=1.0 if self.halving is None else self.halving.budget(0),
            )
            for candidate in opened
        ]

    def seed_of(self, genotype: Genotype) -> int:
        """Return the seed of every evaluation of a candidate."""
        return derive_seed(self.seed, "trial", candidate_key(genotype))

    @cached_property
    def n_genes(self) -> int:
        """Length of a genotype."""
        return int(self.problem.space.sample(1, numpy_generator(self.seed, "genes")).shape[1])

    def _progress(
        self, ledger: Ledger, busy: ExecutorState, to_do: int, trials_a_second: float | None
    ) -> Progress:
        """Return how far the search is once the place of the trial that has ended is taken, if `to_do` more follow."""
        under_way = min(busy.running + busy.queued, to_do)
        running = min(busy.running, under_way)
        return Progress(
            finished=len(ledger.trials),
            failed=ledger.n_failed,
            n_trials=self.n_evaluations,
            running=running,
            queued=under_way - running,
            nodes=busy.nodes,
            trials_a_second=trials_a_second,
            time_left_s=None if trials_a_second is None else to_do / trials_a_second,
        )

    def _trial(self, number: int, outcome: Outcome, ask: Ask | None) -> Trial:
        job, result = outcome.job, outcome.result
        failed = isinstance(result, Failure)
        return Trial(
            number=number,
            genotype=job.proposal.genotype,
            architecture=self.problem.space.describe(job.proposal.genotype),
            origin=job.proposal.origin,
            predicted=dict(job.proposal.predicted),
            asked_after=job.asked_after,
            position=job.position,
            seed=job.seed,
            status="failed" if failed else "completed",
            metrics={} if isinstance(result, Failure) else dict(result.metrics),
            curve=None if isinstance(result, Failure) else result.curve,
            failure=result if isinstance(result, Failure) else None,
            threads=outcome.threads,
            wall_time_s=outcome.wall_time_s,
            finished_at=outcome.finished_at,
            versions=outcome.versions,
            attempts=outcome.attempts,
            node=outcome.node,
            device=outcome.device,
            ask=ask,
            rung=job.rung,
            budget=job.budget,
        )
