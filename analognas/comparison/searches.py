"""Runs the searches of a comparison one after the other, and writes what is known after each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from analognas.comparison.outcome import RunOutcome, not_finished, outcome, read_finished
from analognas.comparison.plan import ComparisonPlan, PlannedRun
from analognas.comparison.plot import progress_svg
from analognas.comparison.result import Comparison
from analognas.compose import compose
from analognas.config.loader import located_in
from analognas.errors import Argument, NoFeasibleArchitectureError, UserError, remedy
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, holds_run, write_atomically
from analognas.record.validation import FinalResult
from analognas.runs.lifecycle import continue_run, new_run, run_to_end
from analognas.runs.resume_checks import check_same_data
from analognas.specs.given import objects_in
from analognas.tasks import Task

Outcomes = dict[tuple[str, int], RunOutcome]


def execute(plan: ComparisonPlan, observer: Observer) -> Comparison:
    """Run the searches that have not ended yet, and return what all of them found.

    `comparison.json` and `comparison.svg` are written after each search, and when one is interrupted.

    Raises:
        UserError: when the data do not fit, or a file is damaged or cannot be written.
        KeyboardInterrupt: when the user stops it; every finished trial is kept.
    """
    outcomes: Outcomes = {}
    for planned in plan.runs:
        known = read_finished(planned, plan.design[planned.strategy]) if holds_run(planned.path) else None
        if known is not None:
            outcomes[planned.strategy, planned.seed] = known
    if outcomes:
        observer.stage(f"{len(outcomes)} of {len(plan.runs)} searches have ended already")
    for planned in plan.runs:
        if (planned.strategy, planned.seed) in outcomes:
            continue
        number = plan.seeds.index(planned.seed) + 1
        observer.stage(f"{planned.strategy}, seed {number} of {len(plan.seeds)}: {planned.path}")
        try:
            outcomes[planned.strategy, planned.seed] = _search(plan, planned, outcomes, observer)
        finally:
            if plan.record.exists():
                _write(plan, outcomes)
    _write(plan, outcomes)
    return _comparison(plan, outcomes)


def _search(
    plan: ComparisonPlan,
    planned: PlannedRun,
    outcomes: Mapping[tuple[str, int], RunOutcome],
    observer: Observer,
) -> RunOutcome:
    """Run one search to its end, or what is left of it."""
    result: FinalResult | None = None
    note = ""
    try:
        if holds_run(planned.path):
            _create(plan, outcomes)
            with located_in(planned.document):
                result = continue_run(
                    RunDirectory(planned.path, objects_in(planned.config)), planned.config, observer
                )
        else:
            with located_in(planned.document):
                composition = compose(planned.config)
            planned = replace(planned, config=composition.config)
            try:
                _check_data(plan, composition.task)
                _create(plan, outcomes)
                with located_in(planned.document):
                    run = new_run(composition, planned.path)
            except UserError:
                composition.site.close()
                raise
            result = run_to_end(run, composition, observer)
    except NoFeasibleArchitectureError as error:
        note = str(error)
        observer.stage(note)
    trials = RunDirectory(planned.path).trials()
    return outcome(planned, trials, result, plan.design[planned.strategy], note)


def _check_data(plan: ComparisonPlan, task: Task) -> None:
    """Check that the searches so far had the same data: their networks are compared image by image.

    Raises:
        UserError: naming the first that had others.
    """
    for planned in plan.runs:
        if holds_run(planned.path):
            check_same_data(RunDirectory(planned.path), task)


def _create(plan: ComparisonPlan, outcomes: Mapping[tuple[str, int], RunOutcome]) -> None:
    """Create the directory where it is not there, marked as a comparison before there is anything else in it."""
    if plan.record.exists():
        return
    try:
        plan.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{plan.path}: cannot be created: {error.strerror}; choose another with ", Argument("out")
        ) from None
    _write(plan, outcomes)


def _comparison(plan: ComparisonPlan, outcomes: Mapping[tuple[str, int], RunOutcome]) -> Comparison:
    return Comparison(
        name=plan.name,
        path=plan.path,
        strategies=plan.strategies,
        seeds=plan.seeds,
        references=plan.runs[0].config.references,
        design=plan.design,
        runs=tuple(
            outcomes.get((planned.strategy, planned.seed)) or not_finished(planned) for planned in plan.runs
        ),
    )


def _write(plan: ComparisonPlan, outcomes: Mapping[tuple[str, int], RunOutcome]) -> None:
    comparison = _comparison(plan, outcomes)
    for path, text in (
        (plan.record, json.dumps(comparison.to_json(), indent=1, allow_nan=False) + "\n"),
        (plan.drawing, progress_svg(comparison)),
    ):
        try:
            write_atomically(path, text)
        except OSError as error:
            raise UserError(
                f"{path}: cannot be written: {error.strerror}; every finished trial is kept, {remedy(error)} and give "
                "the command again"
            ) from None
