"""A search in a loop of one's own: ask for candidates, measure them in any way, tell what came out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hwsim
from analognas.api.problem import Candidate, Evaluation, Problem
from analognas.compose import Composition
from analognas.errors import UserError
from analognas.evaluation.measure import drift_metrics, drift_record
from analognas.executors.executor import Job, Measurement, Outcome, node_name, now_utc
from analognas.metrics import SOFT_METRICS, TABLE
from analognas.record.directory import RunDirectory, holds_run, open_run
from analognas.record.environment import package_versions
from analognas.record.journal import Journal
from analognas.record.trial import Ask, DriftRecord, Failure, Trial
from analognas.report.tables import trials_table
from analognas.runs.begun import earlier_trials
from analognas.runs.lifecycle import new_run
from analognas.runs.resume_checks import check_same_data, check_same_search, check_same_trials
from analognas.runs.run import Run
from analognas.specs.durations import DAY_S
from analognas.specs.given import objects_in
from analognas.specs.problems import nearest
from search_spaces import Genotype

if TYPE_CHECKING:
    import pandas as pd

_UNTOLD: Final[Mapping[str, str | float]] = {
    "std_1d": 0.0,
    "avm": 0.0,
    "accuracy_1s": "accuracy_1d",
    "digital_accuracy": "accuracy_1d",
}
"""What a measured figure counts as that nobody told: a number, or the value of another one."""


class Search:
    """A search whose candidates are measured by the caller.

    It goes on where it was: with `out`, every tell is in a run directory before the call returns, and candidates that
    were proposed and never told are proposed first. `analognas.finish(out)` trains the best one at full budget.

    Args:
        problem: what is searched, a `Problem`; or what makes one, as for `analognas.search`.
        out: the run directory to create or to continue in; None keeps everything in memory.
        sections: as for `Problem`, where that is not given.

    Raises:
        UserError: when the configuration, the data or the directory do not fit, or the run there is another search.

    Example:
        >>> search = Search(task="digits", strategy="random", constraints={"parameters": 5_000})
        >>> for candidate in search.ask(2):
        ...     _ = search.tell(candidate, {"accuracy_1d": 1 / candidate.costs["parameters"]})
        >>> len(search)
        2
    """

    def __init__(
        self,
        problem: Problem | str | Path | Mapping[str, Any] | None = None,
        *,
        out: str | Path | None = None,
        **sections: Any,
    ) -> None:
        if isinstance(problem, Problem):
            if sections:
                raise UserError(
                    f"`{next(iter(sections))}` belongs to the problem, which is given: leave it out"
                )
        else:
            problem = Problem(problem, **sections)
        self.problem = problem
        composition = problem.composition
        if composition.config.search.halving is not None:
            raise UserError(
                "`search.halving` trains candidates in parts, which nobody can tell here: leave it out"
            )
        self._loop = replace(composition.loop, in_order=False)
        self._run = None if out is None else _directory(composition, Path(out))
        trials = [] if self._run is None else self._run.trials()
        if self._run is not None:
            self._loop = replace(self._loop, earlier=earlier_trials(self._run, composition.config))
            check_same_data(self._run, composition.task)
            check_same_trials(self._run, self._loop, trials)
        self._ledger = self._loop.ledger(trials)
        self._handed_out: set[Genotype] = set()
        self._asked: Ask | None = None
        self._start_s = time.monotonic() - ((trials[-1].elapsed_s or 0.0) if trials else 0.0)

    def __len__(self) -> int:
        """Return how many trials were told."""
        return len(self._ledger.trials)

    def __repr__(self) -> str:
        """Return how far the search is for `print`."""
        best = self.best
        found = "none completed" if best is None else f"best: trial {best.number}"
        where = "in memory" if self._run is None else repr(str(self._run.path))
        return f"Search({where}, {len(self)} trials, {found})"

    @property
    def run(self) -> Run:
        """The run directory as a `Run`.

        Raises:
            UserError: for a search in memory.
        """
        if self._run is None:
            raise UserError("a search in memory has no run: give it a directory, Search(…, out=…)")
        return Run(self._run)

    @property
    def best(self) -> Trial | None:
        """The trial that is worth most, by objective and bounds; None before one has completed."""
        return self._ledger.best

    def trials(self) -> pd.DataFrame:
        """Return one row a trial in order of their tells."""
        return trials_table(self._ledger.trials, self.problem.bounds)

    def ask(self, n: int = 1) -> list[Candidate]:
        """Return candidates to be measured; fewer than `n`, down to none, where the strategy finds no more.

        Args:
            n: how many.

        Raises:
            UserError: unless `n` is at least 1, or when a strategy of the caller's breaks its contract.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise UserError(f"`n >= 1` candidates must be asked for, got {n!r}")
        waiting = [
            one.proposal for one in self._ledger.open() if one.proposal.genotype not in self._handed_out
        ]
        chosen = waiting[:n]
        asked = self._loop.ask(self._ledger, n - len(chosen))
        if asked is not None:
            self._ledger.open_up(asked)
            self._asked = asked if self._asked is None else _together(self._asked, asked)
            chosen += asked.proposals
        self._handed_out.update(proposal.genotype for proposal in chosen)
        return [self.problem.of_proposal(proposal) for proposal in chosen]

    def tell(
        self,
        candidate: Candidate | Mapping[str, Any] | Sequence[int] | str,
        metrics: Evaluation | hwsim.DriftCurve | Mapping[str, float] | float | None = None,
        *,
        failed: str | None = None,
    ) -> Trial:
        """Enter what was measured of a candidate that was asked for.

        Args:
            candidate: as `ask` returned it, or in any way that `Problem.candidate` knows.
            metrics: figures by name, the objective and every bounded one at least; what is not told counts as without
                spread, drift and loss. A number is the objective. An `Evaluation` or a curve of accuracies has them.
            failed: why nothing was measured, in place of `metrics`.

        Returns:
            The trial.

        Raises:
            UserError: for a candidate that was told already or never asked for, or figures that cannot be.
        """
        found = self.problem.candidate(candidate)
        known = self._ledger.open_candidate(found.genotype)
        if known is None:
            number = next(
                (trial.number for trial in self._ledger.trials if trial.genotype == found.genotype), None
            )
            if number is not None:
                raise UserError(f"`candidate` was told already: it is trial {number}")
            raise UserError(
                "`candidate` was never asked for: `search.start_from` of the configuration takes candidates of your own"
            )
        if (metrics is None) == (failed is None):
            raise UserError("`metrics` must be given, or `failed` with the reason, and not both")
        result = (
            Failure(failed or "no reason was given", "")
            if metrics is None
            else self._measured(found, metrics)
        )
        (job,) = self._loop.jobs([known])
        trial = self._trial(job, result, metrics)
        if self._run is not None:
            self._write(self._run, trial)
        self._asked = None
        self._ledger.close(trial)
        return trial

    def _trial(self, job: Job, result: Measurement | Failure, metrics: object) -> Trial:
        seconds = metrics.seconds if isinstance(metrics, Evaluation) else 0.0
        outcome = Outcome(
            job=job,
            result=result,
            threads=self.problem.config.executor.threads,
            wall_time_s=seconds,
            finished_at=now_utc(),
            versions=package_versions(),
            node=node_name(),
        )
        return self._loop.entered(len(self) + 1, outcome, self._asked, time.monotonic() - self._start_s)

    def _write(self, run: RunDirectory, trial: Trial) -> None:
        with Journal(run.journal) as journal:
            there = len(run.trials())
            if there != trial.number - 1:
                raise UserError(
                    f"{run.path}: has {there} trials, this search knows {trial.number - 1}: another process told it; "
                    "open the search again"
                )
            journal.append(trial)

    def _measured(
        self, candidate: Candidate, metrics: Evaluation | hwsim.DriftCurve | Mapping[str, float] | float
    ) -> Measurement:
        if isinstance(metrics, Evaluation):
            return Measurement(dict(metrics.metrics), drift_record(metrics.curve, metrics.cross_entropy))
        if isinstance(metrics, hwsim.DriftCurve):
            return self._of_curve(candidate, metrics)
        objective = self.problem.composition.problem.objective.metric
        told = dict(metrics) if isinstance(metrics, Mapping) else {objective: metrics}
        values = {name: self._value(name, value) for name, value in told.items()}
        needed = [objective, *(name for name in self.problem.bounds if name in SOFT_METRICS)]
        missing = [name for name in dict.fromkeys(needed) if name not in values]
        if missing:
            why = "improves" if missing[0] == objective else "bounds"
            given = ", ".join(values) or "nothing"
            raise UserError(f"`metrics` must have `{missing[0]}`, which the search {why}, got {given}")
        values.setdefault("accuracy_1d", values.get("accuracy_1s", values.get("digital_accuracy", 0.0)))
        for name, stand_in in _UNTOLD.items():
            values.setdefault(name, values[stand_in] if isinstance(stand_in, str) else stand_in)
        accuracy = values["accuracy_1d"]
        return Measurement({**candidate.costs, **values}, DriftRecord((DAY_S,), ((accuracy,),)))

    def _of_curve(self, candidate: Candidate, curve: hwsim.DriftCurve) -> Measurement:
        record = drift_record(curve)
        try:
            found = drift_metrics(record)
        except KeyError as error:
            raise UserError(
                f"`metrics`: a curve must have 1 s, 1 day and 1 month among its times, it lacks {error} s"
            ) from None
        objective = self.problem.composition.problem.objective.metric
        if objective not in found and objective != "digital_accuracy":
            raise UserError(
                f"`metrics`: a curve of accuracies has no `{objective}`, which the search improves: give a mapping, or "
                "what `problem.evaluate` returns"
            )
        return Measurement({**candidate.costs, "digital_accuracy": found["accuracy_1s"], **found}, record)

    def _value(self, name: str, value: Any) -> float:
        if name not in TABLE:
            raise UserError(f"`metrics` has `{name}`, which is no metric{nearest(str(name), TABLE)}")
        task = self.problem.composition.task
        if TABLE[name].of_steps and not task.every_step:
            raise UserError(
                f"`metrics` has `{name}`, and {task.name} has one label for an input: leave it out"
            )
        try:
            found = float(value)
        except (TypeError, ValueError, RuntimeError):  # RuntimeError: a tensor of several values
            raise UserError(f"`metrics`: `{name}` must be a number, got {value!r:.60}") from None
        metric = TABLE[name]
        if math.isnan(found) or not metric.least <= found <= metric.largest:
            raise UserError(
                f"`metrics`: `{metric.least:g} <= {name} <= {metric.largest:g}` must hold, got {found:g}"
            )
        return found


def _together(first: Ask, then: Ask) -> Ask:
    return Ask(first.n + then.n, (*first.proposals, *then.proposals))


def _directory(composition: Composition, path: Path) -> RunDirectory:
    """Return the run to continue in, checked to be the same search, or a new one."""
    if not holds_run(path):
        return new_run(composition, path)
    run = open_run(path, objects_in(composition.config))
    check_same_search(run, composition.config)
    return run
