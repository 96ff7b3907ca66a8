"""Tells observers that a run begins, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from analognas.config.sections import SearchConfig
from analognas.progress.observer import Observer, RunEnd, RunStart, Status
from analognas.record.directory import RunDirectory
from analognas.record.trial import Trial
from analognas.strategies.worth import worth_of


@contextmanager
def watched(
    run: RunDirectory, config: SearchConfig, trials: Sequence[Trial], observer: Observer
) -> Iterator[None]:
    """Tell `observer` that a run begins, with the trials that it has, and, when this is left, how it ended."""
    observer.begin(
        RunStart(
            path=run.path,
            config=config.model_dump(mode="json"),
            n_trials=config.search.n_evaluations,
            earlier=tuple(_each_with_the_best(config, trials)),
        )
    )
    try:
        yield
    except KeyboardInterrupt:
        observer.end(_end(run, "interrupted"))
        raise
    except Exception as error:
        observer.end(_end(run, "failed", str(error)))
        raise
    observer.end(_end(run, "completed"))


def _end(run: RunDirectory, status: Status, reason: str = "") -> RunEnd:
    files = (run.config, run.summary, run.report, run.best)
    return RunEnd(status, reason, tuple(path for path in files if path.exists()))


def _each_with_the_best(
    config: SearchConfig, trials: Sequence[Trial]
) -> Iterator[tuple[Trial, Trial | None]]:
    """Yield each trial with the best up to it, as the search told them (`driver.selection.better_of`)."""
    objective, soft = config.objectives[0], config.soft_bounds
    best: Trial | None = None
    most = (-math.inf, -math.inf)
    for trial in trials:
        if trial.at_full_budget and trial.status == "completed":
            metrics = trial.metrics
            score = objective.sign * metrics[objective.metric]
            rank = worth_of(score, metrics, soft), -metrics["parameters"]
            if best is None or rank > most:
                best, most = trial, rank
        yield trial, best
