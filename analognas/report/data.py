"""What a report is made of, and which trials count as what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from analognas.metrics import TABLE
from analognas.record.layer_sensitivity import LayerSensitivity
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult, ValidatedNetwork
from analognas.strategies.problem import Choice, Objective
from analognas.strategies.worth import TRIAL, Fidelity, SoftBound, soft_bounds, worth_of


@dataclass(frozen=True)
class ReportData:
    """Everything a report shows; any text in it may come from an untrusted source.

    Attributes:
        name: of the run.
        subject: what was searched on what, such as task, space, hardware and strategy by name, for the head.
        trials: in order of completion; none at all is allowed.
        result: the end of the run, None while it is unfinished.
        upper_bounds: largest allowed value by metric name.
        objectives: what the search improved, the first one first.
        choice: how the trial that is trained at full budget is chosen.
        config_text: the configuration with every default written out, YAML.
        environment: versions and machine, as `analognas.record.environment` gives them.
        command: the command line that reproduces the run.
        ended: a sentence on a search that somebody ended before its trials were spent; empty otherwise.
        chip_cost: what the best network costs on the described chip, as `hwsim.ChipCost` writes it; None if not known.
        tile_map: of the best network, as `hwsim.TileMap` writes it; None if not known.
        input_shape: of one input of the best network, without the batch; empty if not known.
        n_classes: that it tells apart; 0 if not known.
        sensitivity: what each layer of the best network costs in accuracy, as `analognas report --sensitivity` found;
            None if not measured.
        damage: a sentence on each part of the run that is missing or damaged, with what mends it.
        fidelity: of what trials measured, next to what soft bounds are meant for.
    """

    name: str
    subject: Mapping[str, str]
    trials: Sequence[Trial]
    result: FinalResult | None
    upper_bounds: Mapping[str, float]
    objectives: Sequence[Objective]
    choice: Choice
    config_text: str
    environment: Mapping[str, Any]
    command: str
    ended: str = ""
    chip_cost: Mapping[str, Any] | None = None
    tile_map: Mapping[str, Any] | None = None
    input_shape: Sequence[int] = ()
    n_classes: int = 0
    sensitivity: LayerSensitivity | None = None
    damage: Sequence[str] = ()
    fidelity: Fidelity = TRIAL

    @property
    def objective(self) -> str:
        """The metric that the search improved first of all."""
        return self.objectives[0].metric

    @property
    def front_objectives(self) -> Sequence[Objective]:
        """What the Pareto front is about: the objectives, or the only one against the parameters."""
        return (
            self.objectives if len(self.objectives) > 1 else (*self.objectives, Objective("parameters", -1))
        )

    @cached_property
    def completed(self) -> list[Trial]:
        """The trials that have metrics."""
        return [trial for trial in self.trials if trial.status == "completed"]

    @cached_property
    def failed(self) -> list[Trial]:
        """The trials that have a failure."""
        return [trial for trial in self.trials if trial.status == "failed"]

    @cached_property
    def ranked(self) -> list[Trial]:
        """The trials completed at full budget, those that are worth most first; the earlier one of equals first."""
        usable = [trial for trial in self.completed if math.isfinite(self.worth(trial))]
        return sorted(usable, key=lambda trial: -self.worth(trial))

    @cached_property
    def n_feasible(self) -> int:
        """How many trials meet every constraint."""
        return sum(map(self.feasible, self.completed))

    @property
    def best_trial(self) -> Trial | None:
        """The trial that was retrained, or the best one where none was; None where no trial has completed."""
        if self.result is not None:
            for trial in self.trials:
                if trial.number == self.result.trial:
                    return trial
        from analognas.driver.selection import choose  # with pandas, and only needed here

        return choose(self.objectives, self.upper_bounds, self.trials, self.choice, self.fidelity)

    @property
    def best_architecture(self) -> Mapping[str, Any] | None:
        """The architecture of the chosen network, or of the best trial so far; None where there is none."""
        if self.result is not None:
            return self.result.network.architecture
        best = self.best_trial
        return None if best is None else best.architecture

    @property
    def reference(self) -> str | None:
        """The name of the reference that won; None where a trial did, and while the run is unfinished."""
        return None if self.result is None else self.result.reference

    @property
    def networks(self) -> list[ValidatedNetwork]:
        """The chosen network and the references at full budget, each once; empty while the run is unfinished."""
        return [] if self.result is None else list(self.result.networks)

    def feasible(self, trial: Trial) -> bool:
        """Return whether a trial counts, as `is_feasible` does."""
        return is_feasible(trial, self.upper_bounds)

    def worth(self, trial: Trial) -> float:
        """Return what a trial is worth, as `trial_worth` does."""
        return trial_worth(trial, self.objectives[0], soft_bounds(self.upper_bounds, self.fidelity))

    def values(self, metric: str, trials: Sequence[Trial]) -> npt.NDArray[np.float64]:
        """Return one metric of the trials, `(n,)` float64, NaN where a trial has none."""
        return np.array([trial.metrics.get(metric, math.nan) for trial in trials], dtype=np.float64)


def trial_worth(trial: Trial, objective: Objective, bounds: Sequence[SoftBound]) -> float:
    """Return what a trial is worth; NaN for one that failed, had a part of the budget or lacks a metric."""
    if not trial.at_full_budget or objective.metric not in trial.metrics:
        return math.nan
    return worth_of(objective.sign * trial.metrics[objective.metric], trial.metrics, bounds)


def is_feasible(trial: Trial, upper_bounds: Mapping[str, float]) -> bool:
    """Return whether a trial completed at full budget and keeps every bound."""
    return (
        trial.status == "completed"
        and trial.at_full_budget
        and all(meets(trial.metrics, metric, bound) for metric, bound in upper_bounds.items())
    )


def meets(metrics: Mapping[str, float], metric: str, bound: float) -> bool:
    """Return whether a metric keeps `bound`; a metric that was not measured does not."""
    return bool(TABLE[metric].keeps(metrics.get(metric, math.nan), bound))
