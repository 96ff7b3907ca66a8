"""What one search of a comparison found, read from its run directory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np

from analognas.comparison.plan import PlannedRun
from analognas.paired_bootstrap import Correct, Difference, Trainings, difference
from analognas.record.directory import RunDirectory, holds_run
from analognas.record.trial import Trial
from analognas.record.validation import BEST, FinalResult, ValidatedNetwork
from analognas.report.data import trial_worth
from analognas.report.progress import best_so_far
from analognas.strategies.worth import least_useful

State = Literal["finished", "failed", "open"]


@dataclass(frozen=True)
class RunOutcome:
    """One search.

    Attributes:
        strategy: its strategy.
        seed: its seed.
        path: its run directory.
        state: `finished`, `failed` where no trial completed, or `open` while it has not ended.
        note: why there is no network; empty where there is one.
        trials: that have ended.
        failed: of them.
        after_design: trials after the design, on the first rung where there are several.
        wasted: of these, how many failed or are below half of the best 1-day accuracy of the run.
        best_so_far: 1-day accuracy, on the validation split, of the best trial up to each trial; None before the first.
        network: the exported network on the test split.
        references: the reference networks by name.
        further: more trainings of the network and the references (`final.seeds`).
        runner_up: trainings of the best trial where a reference was exported; empty where a trial was, or not known.
    """

    strategy: str
    seed: int
    path: Path
    state: State
    note: str
    trials: int = 0
    failed: int = 0
    after_design: int = 0
    wasted: int = 0
    best_so_far: tuple[float | None, ...] = ()
    network: ValidatedNetwork | None = None
    references: tuple[ValidatedNetwork, ...] = ()
    further: tuple[ValidatedNetwork, ...] = ()
    runner_up: tuple[ValidatedNetwork, ...] = ()

    def reference(self, name: str) -> ValidatedNetwork | None:
        """Return a reference network, which may be the exported one."""
        networks = (*self.references, *([] if self.network is None else [self.network]))
        return next((network for network in networks if network.name == name), None)

    @property
    def exported_reference(self) -> str | None:
        """The name of the reference that won the race; None where a trial did, or there is no network."""
        return None if self.network is None or self.network.name == BEST else self.network.name

    @property
    def own(self) -> tuple[ValidatedNetwork, ...]:
        """The trainings of the best network that the search itself has found; empty where it is not known."""
        return self.runner_up if self.exported_reference is not None else self.trainings(self.network)

    @cached_property
    def differences(self) -> Mapping[str, Difference | None]:
        """Of the network to each reference by name, over trainings, chips and images; None without their record."""
        pairs = {found.name: self.versus(found.name) for found in self.references}
        return {name: None if pair is None else difference([pair]) for name, pair in pairs.items()}

    def versus(self, reference: str) -> tuple[Trainings, Trainings] | None:
        """Return what network and reference find of each test image; None where that is not known."""
        return paired(self.correct(self.network), self.correct(self.reference(reference)))

    def correct(self, network: ValidatedNetwork | None) -> Trainings | None:
        """Return what the chips of each training of a network find of each image; None where that is not known."""
        return _correct(self.trainings(network))

    @property
    def own_correct(self) -> Trainings | None:
        """What the chips of the trainings of the search's own best network find; None where that is not known."""
        return _correct(self.own)

    def mean(self, metric: str) -> float:
        """Return a figure of the exported network on the test split, in the mean of its trainings; NaN without one."""
        figures = [training.metrics[metric] for training in self.trainings(self.network)]
        return fmean(figures) if figures else math.nan

    def has(self, metric: str) -> bool:
        """Return whether the exported network has a figure."""
        return self.network is not None and metric in self.network.metrics

    def trainings(self, network: ValidatedNetwork | None) -> tuple[ValidatedNetwork, ...]:
        """Return a network and its further trainings, in order of their numbers."""
        if network is None:
            return ()
        others = [other for other in self.further if other.name == network.name]
        return tuple(sorted([network, *others], key=lambda training: training.repeat))

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-able."""
        network = self.network
        return {
            "strategy": self.strategy,
            "seed": self.seed,
            "run": str(self.path),
            "state": self.state,
            "note": self.note,
            "trials": self.trials,
            "failed": self.failed,
            "after_design": self.after_design,
            "wasted": self.wasted,
            "network": None if network is None else _figures(network),
            "trainings": len(self.trainings(network)),
            "mean": None if network is None else {metric: self.mean(metric) for metric in network.metrics},
            "references": {found.name: _figures(found) for found in self.references},
            "runner_up": _figures(self.runner_up[0]) if self.runner_up else None,
            "differences": {
                name: None if found is None else found.to_json() for name, found in self.differences.items()
            },
            "best_so_far": list(self.best_so_far),
        }


def _correct(trainings: Sequence[ValidatedNetwork]) -> tuple[Correct, ...] | None:
    known = [training.correct_1d.unpacked() for training in trainings if training.correct_1d is not None]
    return tuple(known) if known and len(known) == len(trainings) else None


def paired(first: Trainings | None, second: Trainings | None) -> tuple[Trainings, Trainings] | None:
    """Return both, None where one is not known."""
    return None if first is None or second is None else (first, second)


def read_finished(planned: PlannedRun, design: int) -> RunOutcome | None:
    """Return what a run found that has come to its end, None for another one.

    Raises:
        UserError: when a file of the run is damaged.
    """
    run = RunDirectory(planned.path)
    result = run.final_result() if run.report.exists() else None
    return None if result is None else outcome(planned, run.trials(), result, design)


def outcome(
    planned: PlannedRun, trials: Sequence[Trial], result: FinalResult | None, design: int, note: str = ""
) -> RunOutcome:
    """Return what a run found.

    Args:
        planned: the run.
        trials: all of it, in order of completion.
        result: its end; None where no trial completed.
        design: how many trials are the strategy's design.
        note: why there is no result.
    """
    objective, bounds = planned.config.objectives[0], planned.config.soft_bounds
    worth = np.array([trial_worth(trial, objective, bounds) for trial in trials], dtype=np.float64)
    accuracy = np.array([trial.metrics.get("accuracy_1d", np.nan) for trial in trials], dtype=np.float64)
    best = best_so_far(accuracy, worth)
    first_rung = [trial for trial in trials if trial.rung == 0]
    learned = first_rung[design:]
    completed = [trial.metrics["accuracy_1d"] for trial in first_rung if trial.status == "completed"]
    least = least_useful(max(completed, default=0.0))
    return RunOutcome(
        strategy=planned.strategy,
        seed=planned.seed,
        path=planned.path,
        state="failed" if result is None else "finished",
        note=note,
        trials=len(trials),
        failed=sum(trial.status == "failed" for trial in trials),
        after_design=len(learned),
        wasted=sum(trial.status == "failed" or trial.metrics["accuracy_1d"] < least for trial in learned),
        best_so_far=tuple(None if np.isnan(value) else float(value) for value in best),
        network=None if result is None else result.network,
        references=() if result is None else result.references,
        further=() if result is None else result.further,
        runner_up=() if result is None or result.runner_up is None else result.runner_up.trainings,
    )


def not_finished(planned: PlannedRun) -> RunOutcome:
    """Return the row of a run that has not come to its end."""
    begun = holds_run(planned.path)
    trials = len(RunDirectory(planned.path).trials()) if begun else 0
    note = "not finished" if begun else "not begun"
    return RunOutcome(planned.strategy, planned.seed, planned.path, "open", note, trials)


def _figures(network: ValidatedNetwork) -> dict[str, Any]:
    return {
        "name": network.name,
        "architecture": network.architecture,
        "digital_accuracy": network.digital_accuracy["test"],
        "metrics": network.metrics,
    }
