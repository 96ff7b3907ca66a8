"""How fast a run goes, estimated from its record.

The ends of the last trials give it. They are times of the wall clock, good to be shown and for nothing else; the time
in which nothing ran, between a stop and its resumption, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from analognas.record.trial import Trial

RECENT: Final = 64
"""Trials that the speed is taken over."""

IDLE_S: Final = 60.0
"""Seconds that asking may take on top of an evaluation; a longer gap between two ends was a stop."""


@dataclass(frozen=True)
class Speed:
    """How fast a run goes.

    Attributes:
        trials_a_second: over the last trials; None when they are too few.
        nodes: machines that evaluated the last trials.
    """

    trials_a_second: float | None
    nodes: int

    def time_left_s(self, n_trials: int) -> float | None:
        """Return the seconds that so many more trials take at this speed."""
        return None if self.trials_a_second is None else max(n_trials, 0) / self.trials_a_second


def recent_speed(trials: Sequence[Trial]) -> Speed:
    """Return how fast the last of the trials came."""
    last = trials[-RECENT - 1 :]
    # A search in order records trials in another order than that in which they ended.
    ends = sorted((datetime.fromisoformat(trial.finished_at), trial.wall_time_s) for trial in last)
    gaps_s = [
        gap_s
        for (before, _), (after, wall_time_s) in pairwise(ends)
        if 0 <= (gap_s := (after - before).total_seconds()) <= wall_time_s + IDLE_S
    ]
    nodes = len({trial.node for trial in last if trial.node})
    return Speed(len(gaps_s) / sum(gaps_s) if sum(gaps_s) > 0 else None, nodes)
