"""The search loop: ask, evaluate, record, until the budget is spent.

An agenda says what is submitted next and when an outcome counts: as it ends, so that no worker waits, or in the order
of proposal, so that any number of workers gives the same trials. The loop keeps no state that the journal does not
hold: every trial records what the strategy was asked since the trial before, and what it answered, so that a resumed
run knows which candidates were under way and evaluates them first.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import Final

import numpy as np

from analognas.driver.agenda import Agenda, AsTheyEnd, InOrder
from analognas.driver.ledger import Ledger, OpenCandidate
from analognas.driver.rung_weights import NoWeights, RungWeights, started
from analognas.driver.successive_halving import Halving, Promotion
from analognas.executors.executor import Executor, ExecutorState, Job, Measurement, TrialOutcome
from analognas.interruption import StopRequest
from analognas.progress.observer import Observer
from analognas.progress.pace import Pace, Progress
from analognas.record.earlier_trial import EarlierTrial
from analognas.record.journal import Journal
from analognas.record.trial import Ask, Failure, Trial, candidate_key
from analognas.seeds import derive_seed, numpy_generator
from analognas.strategies.problem import SearchProblem
from analognas.strategies.recovery import FALLEN_BEHIND, RECOVERY
from analognas.strategies.strategy import Proposal, Strategy
from search_spaces import Genotype, genotypes

_WITHOUT_LIMIT: Final = 1_000_000


def no_reserve(trials: Sequence[Trial]) -> float:
    """Return that nothing follows the trials."""
    return 0.0


@dataclass(frozen=True)
class SearchLoop:
    """A search from its first trial to its last.

    Attributes:
        problem: what is searched.
        strategy: proposes candidates.
        n_trials: how many candidates to evaluate, on the first rung where there are several.
        batch: how many candidates to ask for at a time; with `in_order` false as many as there are free workers when
            that is more.
        seed: of the run.
        halving: evaluates the best again at larger budgets; None evaluates every candidate once, in full.
        in_order: whether trials are entered in the order of proposal, so that they are the same for any number of
            workers; false: in the order in which they end, and no worker waits.
        patience: the strategy is asked no more after so many trials in a row of which none was better; None: always.
        minutes: nor when no further trial fits into so many minutes of work, with what follows the trials; the time in
            which a search was stopped does not count.
        reserve: what follows the trials, seconds, if the search ended with those it is given.
        workers: trials at a time, which tells how much time one takes of the search.
        earlier: trials of other runs that the strategy knows.
    """

    problem: SearchProblem
    strategy: Strategy
    n_trials: int
    batch: int
    seed: int
    halving: Halving | None = None
    in_order: bool = False
    patience: int | None = None
    minutes: float | None = None
    reserve: Callable[[Sequence[Trial]], float] = no_reserve
    workers: int = 1
    earlier: Sequence[EarlierTrial] = ()

    def ledger(self, trials: Sequence[Trial] = ()) -> Ledger:
        """Return the books after `trials`."""
        return Ledger(self.problem, self.n_genes, trials, self.halving, self.earlier)

    def run(
        self,
        trials: Sequence[Trial],
        executor: Executor[Job, Measurement],
        journal: Journal,
        observer: Observer,
        stop: StopRequest | None = None,
        weights: RungWeights | None = None,
    ) -> list[Trial]:
        """Continue after `trials` until the budget is spent or the strategy finds nothing new.

        Args:
            trials: finished trials, in the order of the journal.
            executor: evaluates candidates.
            journal: takes each trial as it counts.
            observer: hears of each trial.
            stop: once it is requested, nothing more is started.
            weights: keeps what trainings on higher rungs go on from; None keeps nothing.

        Returns:
            All trials, in the order of the journal.

        Raises:
            KeyboardInterrupt: when a stop was requested; what ran has been finished and recorded.
        """
        stop, weights = stop or StopRequest(), weights or NoWeights()
        ledger = self.ledger(trials)
        gc.freeze()  # what is recorded stays: the collector need not walk over it again and again
        agenda: Agenda = (InOrder if self.in_order else AsTheyEnd)(self, ledger)
        pace = Pace()
        elapsed_s = _stopwatch(trials)
        under_way = 0
        recovering = False
        while True:
            while (free := executor.state.capacity - under_way) > 0 and not stop.requested:
                job = agenda.next_job(free)
                if job is None:
                    break
                if job.proposal.origin == RECOVERY and not recovering:
                    observer.stage(FALLEN_BEHIND)
                recovering = job.proposal.origin == RECOVERY
                executor.submit(started(job, weights))
                under_way += 1
            if not under_way:
                break
            busy = executor.state
            outcome = executor.next_outcome()
            under_way -= 1
            if isinstance(outcome.result, Measurement) and outcome.result.weights is not None:
                weights.keep(outcome.job.key, outcome.result.weights)
            for ended in agenda.to_enter(outcome):
                trial = self.entered(len(ledger.trials) + 1, ended, agenda.take_ask(), elapsed_s())
                journal.append(trial)
                ledger.close(trial)
                left = self.n_evaluations - len(ledger.trials) - agenda.n_early
                to_do = under_way if stop.requested else max(0, left)
                observer.progress(self._progress(ledger, busy, to_do, pace.tick()))
                observer.trial(trial, self.n_evaluations, ledger.best)
        if stop.requested:
            raise KeyboardInterrupt
        return ledger.trials

    def ask(self, ledger: Ledger, n: int) -> Ask | None:
        """Ask the strategy for `n` candidates at this point of the search; None where none are needed."""
        if n <= 0 or self._ended(ledger):
            return None
        n = min(n, self._fitting(ledger))
        history = ledger.history()
        proposals = self.strategy.ask(
            self.problem, history, n, numpy_generator(self.seed, "ask", len(ledger.trials))
        )
        return Ask(n, tuple(self._new_and_admissible(proposals, ledger)))

    def why_ended(self, trials: Sequence[Trial]) -> str:
        """Return what ended the search after `trials`, before its budget was spent; empty for the strategy."""
        return self._ended(self.ledger(trials))

    def _ended(self, ledger: Ledger) -> str:
        best = 0 if ledger.best is None else ledger.best.number
        if self.patience is not None and len(ledger.trials) - best >= self.patience:
            return f"`search.patience: {self.patience}`"
        if self.minutes is not None and self._fitting(ledger) < 1:
            return f"`search.minutes: {self.minutes:g}`"
        return ""

    def _fitting(self, ledger: Ledger) -> int:
        """Return how many further trials fit into the time, with those under way; very many where there is no limit."""
        trials = ledger.trials
        left_s = self._left_s(trials)
        if left_s is None:
            return _WITHOUT_LIMIT
        one_s = fmean(trial.wall_time_s for trial in trials) / self.workers
        left_s -= one_s * len(ledger.open())
        return max(0, math.ceil(min(left_s / max(one_s, 1e-3), _WITHOUT_LIMIT) - 0.5))

    def _left_s(self, trials: Sequence[Trial]) -> float | None:
        """Return what `search.minutes` leave for trials, seconds; None without, and before the first trial."""
        elapsed_s = trials[-1].elapsed_s if trials else None
        if self.minutes is None or elapsed_s is None:
            return None
        return 60 * self.minutes - elapsed_s - self.reserve(trials)

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
            return None if candidate is None else self.jobs([candidate])[0]
        promotion = None if ledger.ladder is None else ledger.ladder.climbs(trial.genotype, trial.rung)
        return None if promotion is None else self.promoted(promotion)

    def promoted(self, promotion: Promotion) -> Job:
        """Return the job of a promotion."""
        assert self.halving is not None
        trial = promotion.trial
        return Job(
            proposal=promotion.proposal,
            asked_after=trial.asked_after,
            position=trial.position,
            seed=trial.seed,
            rung=promotion.rung,
            budget=self.halving.budget(promotion.rung),
            stages=self.halving.stages(promotion.rung),
        )

    def jobs(self, opened: Sequence[OpenCandidate]) -> list[Job]:
        """Return the jobs of candidates on the first rung."""
        return [
            Job(
                proposal=candidate.proposal,
                asked_after=candidate.asked_after,
                position=candidate.position,
                seed=self.seed_of(candidate.proposal.genotype),
                budget=1.0 if self.halving is None else self.halving.budget(0),
                stages=() if self.halving is None else self.halving.stages(0),
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
        time_left_s = None if trials_a_second is None else to_do / trials_a_second
        left_s = self._left_s(ledger.trials)
        if time_left_s is not None and left_s is not None:
            time_left_s = max(0.0, min(time_left_s, left_s))
        return Progress(
            finished=len(ledger.trials),
            failed=ledger.n_failed,
            n_trials=self.n_evaluations,
            running=running,
            queued=under_way - running,
            nodes=busy.nodes,
            trials_a_second=trials_a_second,
            time_left_s=time_left_s,
        )

    def entered(self, number: int, outcome: TrialOutcome, ask: Ask | None, elapsed_s: float) -> Trial:
        """Return the trial that an outcome becomes.

        Args:
            number: of the trial, from 1.
            outcome: of its job.
            ask: what the strategy was asked since the trial before.
            elapsed_s: seconds that the search has taken.
        """
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
            elapsed_s=elapsed_s,
        )


def _stopwatch(trials: Sequence[Trial]) -> Callable[[], float]:
    """Return what tells the seconds that a search has taken, those of `trials` included; its clock never jumps."""
    before_s = (trials[-1].elapsed_s or 0.0) if trials else 0.0
    start_s = time.monotonic()
    return lambda: before_s + time.monotonic() - start_s
