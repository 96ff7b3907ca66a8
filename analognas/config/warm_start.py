"""The trials of other runs that a search begins with: those that `search.warm_start` names, where they fit.

A trial counts as measured here when it could be one of this search: the same data, hardware, training and evaluation,
and a candidate of this space that meets its hard constraints. Figures of another task, chip or budget are on another
scale; a strategy compares trials by their figures, and would be misled. Such a run is refused, with what differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from analognas.config.differences import MEASUREMENT, differences, known_to
from analognas.config.document import read_document
from analognas.config.sections import SearchConfig
from analognas.errors import MisfitError, UserError
from analognas.executors.attempts import ended_from_outside
from analognas.record.directory import RunDirectory, open_run
from analognas.record.earlier_trial import EarlierTrial
from analognas.record.trial import Trial
from analognas.strategies.problem import SearchProblem
from analognas.tasks import Task
from search_spaces import Genotype, genotypes

REMEDY: Final = "remove this entry; `search.start_from` measures architectures of that run here"
"""What helps where the figures of a run mean nothing here."""

_TOLD: Final = 3
"""Differences that a message names."""


@dataclass(frozen=True)
class EarlierRun:
    """What a search took from one run.

    Attributes:
        path: its directory.
        completed: trials that are known with their figures.
        failed: trials that are known not to work.
        left_out: how many trials were not taken, by reason; empty where that is not known any more.
        other_space: whether its space has other settings than this one; False where that is not known any more.
    """

    path: str
    completed: int
    failed: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    other_space: bool = False

    def told(self) -> str:
        """Return it in a line."""
        failed = f" and {self.failed} that failed" if self.failed else ""
        left_out = "; ".join(f"{number} {reason}" for reason, number in self.left_out.items())
        completed = f"{self.completed} trial{'' if self.completed == 1 else 's'}"
        other = "; its space has different settings, only candidates that also exist in this space are used"
        space = other if self.other_space else ""
        return (
            f"warm start: {completed}{failed} of {self.path}{space}{left_out and f' (left out: {left_out})'}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it JSON-able."""
        return {**vars(self), "left_out": dict(self.left_out)}


@dataclass(frozen=True)
class WarmStart:
    """What a search knows before its first trial.

    Attributes:
        trials: of other runs, in the order of the configuration and of their completion.
        runs: that they are from.
    """

    trials: tuple[EarlierTrial, ...] = ()
    runs: tuple[EarlierRun, ...] = ()

    @classmethod
    def recorded(cls, trials: Sequence[EarlierTrial]) -> WarmStart:
        """Return what a run that goes on began with, by its own record alone."""
        completed = Counter(trial.run for trial in trials if trial.metrics)
        failed = Counter(trial.run for trial in trials if not trial.metrics)
        paths = dict.fromkeys(trial.run for trial in trials)
        return cls(tuple(trials), tuple(EarlierRun(path, completed[path], failed[path]) for path in paths))


def read_warm_start(config: SearchConfig, task: Task, problem: SearchProblem) -> WarmStart:
    """Return the trials of the runs that `search.warm_start` names, each candidate once.

    Raises:
        MisfitError: at the entry that is no run, comes twice, is of another space, or was measured in another way.
    """
    trials: dict[Genotype, EarlierTrial] = {}
    runs: list[EarlierRun] = []
    places: list[Path] = []
    for entry, path in enumerate(config.search.warm_start):
        try:
            place = path.resolve()
            if place in places:
                raise UserError(
                    f"{path}: is `search.warm_start[{places.index(place)}]`, too; name a run once"
                )
            places.append(place)
            new, run = _taken(path, config, task, problem, trials)
        except UserError as error:
            raise MisfitError(str(error), ("search", "warm_start", entry)) from None
        except OSError as error:
            message = f"{path}: cannot be read: {error.strerror or error}; allow it, or remove this entry"
            raise MisfitError(message, ("search", "warm_start", entry)) from None
        trials |= new
        runs.append(run)
    return WarmStart(tuple(trials.values()), tuple(runs))


def _taken(
    path: Path,
    config: SearchConfig,
    task: Task,
    problem: SearchProblem,
    known: Mapping[Genotype, EarlierTrial],
) -> tuple[dict[Genotype, EarlierTrial], EarlierRun]:
    """Return the trials of a run that fit, by candidate, and how many they are.

    Raises:
        UserError: when there is no run, it cannot be read, it is of another space, was measured in another way, or has
            no completed trial that fits.
    """
    if not path.exists():
        raise UserError(
            f"{path}: no such directory; a relative path starts at the folder of the configuration"
        )
    run = open_run(path)
    # plain values: their folders and files may have gone, and are not needed
    values = read_document(run.config, "restore the file from a copy").values
    own = config.model_dump(mode="json")
    _check_space(path, values.get("space"), own["space"])
    _check_measurement(run, values, own, task)
    trials = run.trials()
    share = config.rungs[0].share
    left_out: Counter[str] = Counter()
    new: dict[Genotype, EarlierTrial] = {}
    reasons = [_reason(trial, share) for trial in trials]
    left_out.update(filter(None, reasons))
    fitting = [trial for trial, reason in zip(trials, reasons, strict=True) if not reason]
    same_space = values["space"] == own["space"]
    rows = _candidates(fitting, problem, same_space=same_space)
    for trial, candidate in zip(fitting, rows, strict=True):
        if isinstance(candidate, str):
            left_out[candidate] += 1
        elif candidate in known or candidate in new:
            left_out["known from an earlier trial"] += 1
        else:
            new[candidate] = EarlierTrial(str(path), trial.number, candidate, dict(trial.metrics))
    completed = sum(bool(trial.metrics) for trial in new.values())
    if not completed and "known from an earlier trial" not in left_out:
        why = "; ".join(f"{number} {reason}" for reason, number in left_out.items())
        have = f"none of its {len(trials)} trials can be used" if trials else "it has no trial yet"
        failed = f"{'; ' if why else ': '}{len(new)} failed" if new else ""
        raise UserError(
            f"{path}: {have}{': ' if why else ''}{why}{failed}; {REMEDY if trials else 'remove this entry'}"
        )
    return new, EarlierRun(str(path), completed, len(new) - completed, dict(left_out), not same_space)


def _reason(trial: Trial, share: float) -> str:
    """Return why a trial says nothing of its candidate here, empty where it does."""
    if trial.budget != share:
        return f"had {trial.budget:.3g} of the full budget, a first trial here has {share:.3g}"
    if trial.failure is not None and ended_from_outside(trial.failure):
        return "crashed, hung or ran out of memory"
    return ""


def _candidates(
    trials: Sequence[Trial], problem: SearchProblem, *, same_space: bool
) -> Iterator[Genotype | str]:
    """Yield the candidate of each trial as this space writes it, or why there is none."""
    for trial in trials:
        try:
            genotype = trial.genotype if same_space else problem.space.parse(trial.architecture)
            row = problem.space.canonical(np.array([genotype], dtype=np.int64))
            broken = problem.space.problems(row)[0]
        except Exception:  # a space of a user's own may stumble in any way over what it did not write
            yield "no candidates of this space"
            continue
        if broken:
            yield "no candidates of this space"
        elif not problem.admissible(row)[0]:
            yield "against a hard constraint"
        else:
            yield genotypes(row)[0]


def _check_space(path: Path, before: Any, now: Mapping[str, Any]) -> None:
    kind, own = (
        tuple(values.get(key) for key in ("kind", "name")) if isinstance(values, Mapping) else (None, None)
        for values in (before, now)
    )
    if kind != own:
        theirs, ours = (" ".join(map(str, filter(None, names))) or "none" for names in (kind, own))
        raise UserError(
            f"{path}: is of another space: space.kind {theirs} there, {ours} here, and no candidate of the one is one "
            "of the other; remove this entry, or search the same space"
        )


def _check_measurement(
    run: RunDirectory, before: Mapping[str, Any], now: Mapping[str, Any], task: Task
) -> None:
    """Check that a trial of a run is measured as one of this search.

    Raises:
        UserError: with the first values that differ.
    """
    data = run.read_environment().get("data_sha256")
    same_data = data == task.fingerprint if data is not None else before.get("task") == now["task"]
    theirs, ours = ({key: values.get(key) for key in MEASUREMENT} for values in (before, now))
    told = [*([] if same_data else ["other data"]), *differences(theirs, known_to(theirs, ours))]
    if told:
        more = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
        raise UserError(
            f"{run.path}: its trials were measured in another way: {'; '.join([*told[:_TOLD], *more])}; figures of "
            f"both cannot be compared: {REMEDY}"
        )
