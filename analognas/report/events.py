"""What happened in a search, trial by trial: who began to propose, what became the best, what failed again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analognas.record.trial import candidate_key
from analognas.report.data import ReportData
from analognas.report.progress import best_so_far
from analognas.report.wording import amount
from analognas.strategies.recovery import BEHIND, PATIENCE, RECOVERY


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        trial: the number of the trial with which it happened.
        text: what.
        turns: whether the strategy changed its way of proposing.
    """

    trial: int
    text: str
    turns: bool = False


def events(data: ReportData) -> list[Event]:
    """Return the events of a run in the order of the record."""
    trials = list(data.trials)
    best = best_so_far(
        data.values(data.objective, trials),
        np.array([data.worth(trial) for trial in trials], dtype=np.float64),
    )
    found: list[Event] = []
    origins: set[str] = set()
    rung, before = 0, math.nan
    for trial, value in zip(trials, best.tolist(), strict=True):
        if trial.origin not in origins:
            origins.add(trial.origin)
            found.append(Event(trial.number, _began(trial.origin), turns=len(origins) > 1))
        if trial.rung > rung:
            rung = trial.rung
            found.append(Event(trial.number, f"first candidate on rung {rung} of successive halving"))
        if trial.attempts > 1:
            found.append(
                Event(trial.number, f"evaluated at attempt {trial.attempts}; a worker was lost before")
            )
        if not math.isnan(value) and value != before:
            of = "" if math.isnan(before) else f", before {amount(data.objective, before)}"
            found.append(Event(trial.number, f"best so far: {amount(data.objective, value)}{of}"))
            before = value
    if data.ended and trials:
        found.append(Event(trials[-1].number, data.ended.split(";")[0].rstrip(".")))
    return found


def duplicates(data: ReportData) -> str:
    """Return what became of the candidates that the strategy was asked for, and how many were evaluated twice."""
    asks = [trial.ask for trial in data.trials if trial.ask is not None]
    seen: dict[tuple[str, int], int] = {}
    for trial in data.trials:
        key = candidate_key(trial.genotype), trial.rung
        seen[key] = seen.get(key, 0) + 1
    twice = sum(count - 1 for count in seen.values())
    again = (
        "No candidate was evaluated twice"
        if not twice
        else f"{twice:,} evaluations repeat an earlier candidate"
    )
    if not asks:
        return f"{again}."
    asked, proposed = sum(ask.n for ask in asks), sum(len(ask.proposals) for ask in asks)
    short = (
        "every one was new and admissible"
        if proposed == asked
        else f"{asked - proposed:,} were missing: nothing new and admissible was found for them"
    )
    return f"{again}. The strategy was asked {len(asks):,} times for {asked:,} candidates; {short}."


def _began(origin: str) -> str:
    why = f", as {PATIENCE} trials in a row were {BEHIND}" if origin == RECOVERY else ""
    return f"{origin} begins to propose{why}"
