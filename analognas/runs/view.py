"""A run as a terminal shows it, read again only when its record has grown."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from analognas.executors.executor import node_name
from analognas.progress.dashboard import RunView
from analognas.record.directory import RunDirectory
from analognas.record.speed import recent_speed
from analognas.record.trial import Trial
from analognas.report.data import trial_worth
from analognas.report.progress import best_so_far
from analognas.runs.run import Run

LEFT_AFTER_S: Final = 60.0
"""Time without a trial after which nobody works on a run that no process has locked; ask and tell lock it briefly."""

ELSEWHERE: Final = 30.0
"""The same for trials of other machines, whose locks do not show here, in times of the longest trial."""


def views(run: RunDirectory) -> Iterator[RunView]:
    """Yield what is to be shown of a run, again and again, and end once it has finished or nobody works on it.

    Raises:
        UserError: when a file of the run is damaged.
    """
    opened = Run(run)
    config = opened.config
    size, trials = -1, []
    while True:
        grown = run.journal.stat().st_size if run.journal.exists() else 0
        if grown != size:
            size, trials = grown, run.trials()
        status = opened.status(trials)
        speed = recent_speed(trials)
        left = speed.time_left_s(status["trials"] - status["finished"])
        status |= {"trials_a_second": speed.trials_a_second, "time_left_s": left}
        objective = config.objectives[0]
        bounds = config.soft_bounds
        values = np.array([trial.metrics.get(objective.metric, np.nan) for trial in trials], dtype=np.float64)
        worth = np.array([trial_worth(trial, objective, bounds) for trial in trials], dtype=np.float64)
        best = best_so_far(values, worth).tolist() if trials else []
        state = status["state"]
        over = state == "finished" or (state == "not finished" and _still_s(run) > _patience_s(trials))
        yield RunView(config.name, status, trials, best, objective.metric)
        if over:
            return


def _still_s(run: RunDirectory) -> float:
    """Return the seconds since the record of a run grew."""
    return time.time() - (run.journal if run.journal.exists() else run.config).stat().st_mtime


def _patience_s(trials: Sequence[Trial]) -> float:
    """Return how long a record without a lock may be still before nobody is taken to work on it."""
    elsewhere = [trial.wall_time_s for trial in trials if trial.node != node_name()]
    return max(LEFT_AFTER_S, ELSEWHERE * max(elsewhere, default=0.0))
