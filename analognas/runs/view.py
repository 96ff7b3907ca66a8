"""A run as a terminal shows it, read again only when its record has grown."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analognas.progress.dashboard import RunView
from analognas.record.directory import RunDirectory
from analognas.record.speed import recent_speed
from analognas.report.data import trial_worth
from analognas.report.progress import best_so_far
from analognas.runs.run import Run


def views(run: RunDirectory) -> Iterator[RunView]:
    """Yield what is to be shown of a run, again and again, and end once it has finished.

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
        bounds = config.constraints.upper_bounds()
        values = np.array([trial.metrics.get(objective.metric, np.nan) for trial in trials], dtype=np.float64)
        worth = np.array([trial_worth(trial, objective, bounds) for trial in trials], dtype=np.float64)
        best = best_so_far(values, worth).tolist() if trials else []
        yield RunView(config.name, status, trials, best, objective.metric)
        if status["state"] == "finished":
            return
