"""Runs the trainings of a collection; given again, it continues.

The candidates that are trained several times come first, so that a collection that stops early has a noise ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analognas.collection.plan import CollectionPlan
from analognas.compose import compose
from analognas.config.loader import load_run_config, located_in
from analognas.config.sections import SearchConfig
from analognas.errors import NoFeasibleArchitectureError
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, holds_run
from analognas.runs.growth import n_candidates, set_ends
from analognas.runs.lifecycle import continue_run, new_run, run_to_end
from analognas.seeds import derive_seed
from analognas.strategies.random import RandomSpec


@dataclass(frozen=True)
class Collection:
    """The directory of a collection, and what is in it.

    Attributes:
        path: of the directory.
        runs: the run directories, the first training of every candidate first.
    """

    path: Path
    runs: tuple[Path, ...]

    def counts(self) -> dict[str, int]:
        """Return how many candidates have completed, by the name of the run.

        Raises:
            UserError: when a journal is damaged.
        """
        return {
            path.name: sum(trial.status == "completed" for trial in RunDirectory(path).trials())
            for path in self.runs
        }


def execute(plan: CollectionPlan, observer: Observer) -> Collection:
    """Train and measure what is missing.

    Raises:
        UserError: when the data do not fit, or a file is damaged or cannot be written.
        NoFeasibleArchitectureError: when no candidate could be trained.
        KeyboardInterrupt: when the user stops it; every finished trial is kept.
    """
    first = plan.run(1)
    if plan.again and _finished(first) < plan.again:
        observer.stage(f"the {plan.again} candidates that are trained several times: {first.path}")
        _trained(plan, first, _with_trials(plan.config, plan.again), observer)
    runs = [first]
    for training in range(2, plan.trainings + 1 if plan.again else 2):
        run = plan.run(training)
        observer.stage(f"training {training} of {plan.trainings}: {run.path}")
        _trained(plan, run, _config_again(plan, training), observer)
        runs.append(run)
    observer.stage(f"{plan.config.search.trials} candidates: {first.path}")
    _trained(plan, first, plan.config, observer)
    return Collection(plan.path, tuple(run.path for run in runs))


def _finished(run: RunDirectory) -> int:
    return n_candidates(run.trials()) if holds_run(run.path) else 0


def _trained(plan: CollectionPlan, run: RunDirectory, config: SearchConfig, observer: Observer) -> None:
    """Begin a run or continue it, to its end."""
    with located_in(plan.document):
        if holds_run(run.path):
            set_ends(run, config, reopen=True)
            continue_run(run, config, observer)
        else:
            composition = compose(config)
            run_to_end(new_run(composition, run.path), composition, observer)


def _with_trials(config: SearchConfig, trials: int) -> SearchConfig:
    return config.model_copy(update={"search": config.search.model_copy(update={"trials": trials})})


def _config_again(plan: CollectionPlan, training: int) -> SearchConfig:
    """Return the run that trains the first candidates again: the same but for its seeds; as it began, if it has."""
    run = plan.run(training)
    if holds_run(run.path):
        return load_run_config(run)[0].model_copy(update={"executor": plan.config.executor})
    first = plan.run(1)
    trials = [trial for trial in first.trials()[: plan.again] if trial.status == "completed"]
    if not trials:
        raise NoFeasibleArchitectureError(
            f"{first.path}: no trial has completed, so there is none to train again; "
            f"`analognas status {first.path}` tells why"
        )
    began = load_run_config(first)[0]
    search = began.search.model_copy(
        update={
            "trials": len(trials),
            "strategy": RandomSpec(),
            "start_from": tuple(dict(trial.architecture) for trial in trials),
        }
    )
    changed = {
        "seed": derive_seed(began.seed, "training", training) % 2**31,
        "references": (),
        "search": search,
        "executor": plan.config.executor,
    }
    return began.model_copy(update=changed)
