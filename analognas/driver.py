"""The search loop: ask, evaluate, record, until the budget is spent.

The loop keeps no state that the journal does not hold. A strategy is asked for a batch when none of the last one is
left; every trial records after how many finished trials it was asked for, and its position in the batch. A resumed
run asks the strategy again with the history of that moment, gets the same batch, and evaluates what is missing of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analognas.executors.executor import Executor, Job, Outcome
from analognas.history import history_of
from analognas.observer import Observer
from analognas.record.journal import Journal
from analognas.record.trial import Failure, Trial, candidate_key
from analognas.seeds import derive_seed, numpy_generator
from analognas.selection import best_trial
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import genotypes


@dataclass(frozen=True)
class SearchLoop:
    """A search from its first trial to its last.

    Attributes:
        problem: what is searched.
        strategy: proposes candidates.
        n_trials: how many trials to make.
        batch: how many candidates to ask for at a time.
        seed: of the run.
    """

    problem: SearchProblem
    strategy: Strategy
    n_trials: int
    batch: int
    seed: int

    def run(
        self, trials: Sequence[Trial], executor: Executor, journal: Journal, observer: Observer
    ) -> list[Trial]:
        """Continue after `trials` until the budget is spent or the strategy finds nothing new.

        Args:
            trials: finished trials, in order of completion.
            executor: evaluates candidates.
            journal: takes each trial as it ends.
            observer: is told of each trial.

        Returns:
            All trials, in order of completion.
        """
        finished = list(trials)
        queue = deque(self._unfinished(finished))
        under_way: list[Job] = []
        while len(finished) < self.n_trials:
            if not queue and not under_way:
                queue.extend(self._ask(finished))
                if not queue:
                    break
            while queue and len(under_way) < executor.capacity:
                under_way.append(queue.popleft())
                executor.submit(under_way[-1])
            outcome = executor.next_outcome()
            under_way.remove(outcome.job)
            trial = self._trial(len(finished) + 1, outcome)
            journal.append(trial)
            finished.append(trial)
            observer.trial(trial, self.n_trials, best_trial(self.problem, finished))
        return finished

    def _ask(self, finished: Sequence[Trial]) -> list[Job]:
        asked_after = len(finished)
        history = history_of(finished, (), self.n_genes)
        proposals = self.strategy.ask(
            self.problem,
            history,
            min(self.batch, self.n_trials - asked_after),
            numpy_generator(self.seed, "ask", asked_after),
        )
        return [
            Job(
                proposal=proposal,
                asked_after=asked_after,
                position=position,
                seed=derive_seed(self.seed, "trial", candidate_key(proposal.genotype)),
            )
            for position, proposal in enumerate(self._new_and_admissible(proposals, history))
        ]

    def _new_and_admissible(self, proposals: Sequence[Proposal], history: History) -> list[Proposal]:
        """Return the proposals that are neither known nor against a hard constraint: nothing else is ever trained."""
        if not proposals:
            return []
        population = np.array([proposal.genotype for proposal in proposals], dtype=np.int64)
        admissible = self.problem.admissible(population)
        seen = set(history.seen())
        kept: list[Proposal] = []
        for proposal, genotype, allowed in zip(
            proposals, genotypes(self.problem.space.canonical(population)), admissible, strict=True
        ):
            if allowed and genotype not in seen:
                seen.add(genotype)
                kept.append(replace(proposal, genotype=genotype))
        return kept

    def _unfinished(self, finished: Sequence[Trial]) -> list[Job]:
        """Return what is left of the batch that the last finished trial belonged to."""
        if not finished:
            return []
        asked_after = finished[-1].asked_after
        done = {trial.position for trial in finished[asked_after:]}
        return [job for job in self._ask(finished[:asked_after]) if job.position not in done]

    @cached_property
    def n_genes(self) -> int:
        """Length of a genotype."""
        return int(self.problem.space.sample(1, numpy_generator(self.seed, "genes")).shape[1])

    def _trial(self, number: int, outcome: Outcome) -> Trial:
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
        )
