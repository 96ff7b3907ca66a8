"""What a run shows: tables and report, made from its record at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import hwsim
from analognas.config.loader import dump_config
from analognas.config.sections import SearchConfig
from analognas.errors import UserError, remedy
from analognas.record.directory import RunDirectory
from analognas.record.earlier_trial import read_earlier_trials
from analognas.record.search_end import FINISHED, read_search_end
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult
from analognas.report import ReportData, write_hypervolume, write_pareto, write_report, write_summary
from analognas.report.wording import capitalised
from analognas.runs.damage import damage_of, n_missing
from analognas.runs.resume_checks import MEASURED_WITH


def publish(
    run: RunDirectory, config: SearchConfig, trials: Sequence[Trial], result: FinalResult | None
) -> Sequence[str]:
    """Write summary.csv, pareto.csv, hypervolume.csv (of several objectives) and report.html, each whole or not at all.

    Where the record lacks trials the tables stay as they are: they may know more than the record.

    Returns:
        A sentence on each part of the run that is missing or damaged.

    Raises:
        UserError: when the run directory cannot be written, or the record lacks the trial of the final result.
    """
    bounds = config.constraints.upper_bounds()
    data = report_data(run, config, trials, result)
    try:
        if not n_missing(run, trials, result):
            write_summary(run.summary, trials, bounds)
            write_pareto(run.pareto, trials, bounds, data.front_objectives)
            if len(config.objectives) > 1:
                write_hypervolume(run.hypervolume, trials, bounds, config.objectives)
        write_report(run.report, data)
    except OSError as error:
        place = error.filename2 or run.path  # what a finished draft should have replaced
        raise UserError(
            f"{place}: cannot be written: {error.strerror}; the trials are safe, "
            f"{remedy(error)} and run `analognas report {run.path}`"
        ) from None
    return data.damage


def report_data(
    run: RunDirectory, config: SearchConfig, trials: Sequence[Trial], result: FinalResult | None
) -> ReportData:
    """Return what a report of the run shows.

    Raises:
        UserError: when `sensitivity.json` is damaged, or the record lacks the trial of the final result.
    """
    if result is not None:
        run.trial_of(result, trials)
    shape, n_classes = ((), 0) if result is None else run.best_shape()
    return ReportData(
        name=config.name,
        subject={
            "task": config.task.kind,
            "space": config.space.kind,
            "hardware": hwsim.label(config.hardware),
            **({} if config.chip is None else {"chip": config.chip.name}),
            "strategy": config.search.strategy.kind,
            "seed": str(config.seed),
            **_known_before(run),
        },
        trials=trials,
        result=result,
        upper_bounds=config.constraints.upper_bounds(),
        objectives=config.objectives,
        choice=config.choice,
        config_text=dump_config(config),
        environment={
            key: value for key, value in run.read_environment().items() if key != MEASURED_WITH
        },  # which is a part of the configuration
        command=f"analognas search config.yaml --seed {config.seed}",
        ended=_ended(run, config),
        chip_cost=None if result is None else run.chip_cost(),
        tile_map=None if result is None else run.tile_map(),
        input_shape=shape,
        n_classes=n_classes,
        sensitivity=None if result is None else run.layer_sensitivity(),
        damage=damage_of(run, trials, result),
        fidelity=config.fidelity,
    )


def _known_before(run: RunDirectory) -> dict[str, str]:
    """Return how many trials of other runs a search began with, for the head of its report."""
    if not run.warm_start.exists():
        return {}
    earlier = Counter(trial.run for trial in read_earlier_trials(run.warm_start))
    told = ", ".join(f"{number} trials of {Path(path).name}" for path, number in earlier.items())
    return {"warm start": told}


def _ended(run: RunDirectory, config: SearchConfig) -> str:
    end = read_search_end(run)
    if end is None or end.reason != FINISHED:  # the command ends for the same reason, any other
        return ""
    return f"{capitalised(end.sentence())}; the command makes all {config.search.trials} of them."
