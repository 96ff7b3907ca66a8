"""A run from its directory to its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from analognas.compose import Composition, load_task_and_space, surrogate_recipe
from analognas.config.loader import dump_config
from analognas.config.sections import SearchConfig
from analognas.driver.rung_weights import WeightsInFolder
from analognas.driver.selection import choose
from analognas.errors import NoFeasibleArchitectureError, UserError, remedy
from analognas.executors.fingerprint import OUR_SOURCE, compiled_kernels, fingerprint
from analognas.export import Artefact, damaged_files, write_bundle
from analognas.final.finalists import choose_finalist
from analognas.final.kept_trainings import KeptTrainings
from analognas.final.surrogate import fit_surrogate, judge_surrogate
from analognas.final.test_split import validate_best_and_references
from analognas.interruption import stop_on_interrupt
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, create_run, dated_path
from analognas.record.earlier_trial import written
from analognas.record.environment import (
    NAMED_BOUNDS,
    PRETRAINED,
    SIZE_BOUNDS,
    SOURCE_HASH,
    WARM_START,
    environment,
)
from analognas.record.journal import Journal
from analognas.record.search_end import SearchEnd, read_search_end, write_search_end
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult
from analognas.report.compromise import compromise
from analognas.report.verdict import shortfall
from analognas.runs.begun import compose_begun, earlier_trials
from analognas.runs.best_network import best_artefact, make_artefact
from analognas.runs.growth import n_candidates
from analognas.runs.nothing_completed import why_nothing_completed
from analognas.runs.outlook import outlook
from analognas.runs.resume_checks import (
    MEASURED_WITH,
    check_same_data,
    check_same_measurement,
    check_same_pretrained,
    check_same_trials,
    measured_with,
    other_versions,
)
from analognas.runs.stored_ranges import ranges_are_learned
from analognas.runs.tables_and_report import publish
from analognas.runs.watched import watched
from analognas.specs.given import objects_in


def new_run(composition: Composition, out: Path | None) -> RunDirectory:
    """Create the run directory of a composed search: `out`, or `runs/NAME-DATE-TIME`.

    Raises:
        UserError: when it is in use or cannot be written, or `search.minutes` are far too few.
    """
    if composition.config.search.minutes is not None:
        outlook(composition).check_minutes(composition.config)
    config, task = composition.config, composition.task
    path = out or dated_path(Path("runs"), config.name)
    facts = {
        **environment(),
        "compiled_kernels": compiled_kernels(),
        SOURCE_HASH: fingerprint()[OUR_SOURCE],
        "data": task.name,
        "data_sha256": task.fingerprint,
        "data_notes": list(task.notes),
        "threads": config.executor.threads,
        "device": config.executor.device,
        MEASURED_WITH: measured_with(config),
    }
    if composition.size_note:
        facts[SIZE_BOUNDS] = composition.size_note
    if composition.named_bounds:
        facts[NAMED_BOUNDS] = dict(composition.named_bounds)
    if composition.warm_start.runs:
        facts[WARM_START] = [run.to_json() for run in composition.warm_start.runs]
    if composition.informed.sha256:
        facts[PRETRAINED] = composition.informed.sha256
    earlier = written(composition.warm_start.trials)
    return create_run(path, dump_config(config), facts, earlier, objects_in(config))


def continue_run(run: RunDirectory, config: SearchConfig, observer: Observer) -> FinalResult | None:
    """Run an existing run to its end; one that has ended is reported again, which needs neither data nor device.

    Files of `best/` that are missing or damaged are exported again; without its weights, or ranges that were learned
    with them, the network is trained again.

    Raises:
        UserError: as `compose` and `run_to_end` do.
        NoFeasibleArchitectureError: as `run_to_end` does.
    """
    if not run.read_environment():
        observer.stage(
            f"{run.environment}: missing or damaged; data, hardware and budget are taken to be those of the trials "
            "so far"
        )
    check_same_measurement(run, config)
    result = run.final_result()
    damaged = () if result is None else damaged_files(run.best)
    if damaged:
        observer.stage(f"{run.best}: missing or damaged: {', '.join(damaged)}")
    if (
        result is None
        or not run.weights.exists()
        or any(name in damaged for name in _trained_files(run, config))
    ):
        return run_to_end(run, compose_begun(run, config), observer)
    observer.stage("the run has ended already; its report is written again")
    with Journal(run.journal):
        trials = run.trials()
        run.trial_of(result, trials)
        with watched(run, config, trials, observer):
            if damaged:
                with _told_what_helps(run):
                    _export(run, config, best_artefact(run), result, observer)
            if result.surrogate and (lost := damaged_files(run.surrogate)):
                observer.stage(f"{run.surrogate}: missing or damaged: {', '.join(lost)}; it is fitted again")
                _fit_surrogate_again(run, config, trials)
            observer.result(result)
            publish(run, config, trials, result)
    return result


def _trained_files(run: RunDirectory, config: SearchConfig) -> tuple[str, ...]:
    """Return the files of `best/` that a training alone gives."""
    learned = ("analog.json",) if ranges_are_learned(config.training, config.final) else ()
    return (run.weights.name, *learned)


def _fit_surrogate_again(run: RunDirectory, config: SearchConfig, trials: Sequence[Trial]) -> None:
    task, space = load_task_and_space(config)
    check_same_data(run, task)
    with _told_what_helps(run):
        fit_surrogate(surrogate_recipe(config), space, trials, run, earlier_trials(run, config))


def run_to_end(run: RunDirectory, composition: Composition, observer: Observer) -> FinalResult | None:
    """Search what is left to search, then train, validate, export and report the best.

    Returns:
        What was measured at the end; None where the configuration has `final: none`.

    Raises:
        UserError: when the record is damaged, in use or cannot be written.
        NoFeasibleArchitectureError: when no trial has completed; tables and report are written nevertheless.
    """
    config = composition.config
    with ExitStack() as stack:
        stack.callback(composition.site.close)
        journal = stack.enter_context(Journal(run.journal))
        check_same_data(run, composition.task)
        check_same_pretrained(run, composition.informed.sha256)
        if journal.repaired:
            observer.stage(journal.repaired)
        trials = run.trials()
        check_same_trials(run, composition.loop, trials)
        stack.enter_context(watched(run, config, trials, observer))
        for note in filter(None, (*composition.notes, other_versions(trials))):
            observer.stage(note)
        if not trials:
            known = outlook(composition)
            observer.stage(f"candidates: {known.size_text()}")
            observer.stage(f"expected time: {known.time_text(config)}")
        end = read_search_end(run)
        if end is None:
            if n_candidates(trials) < config.search.trials or config.search.halving:
                done = f"; {len(trials)} finished" if trials else ""
                observer.stage(f"searching: {_budget(config)}, {config.search.strategy.kind}{done}")
                trials = _search(run, composition, trials, journal, observer)
            end = SearchEnd(composition.loop.why_ended(trials), n_candidates(trials))
            if not end.reason and end.trials < config.search.trials:
                observer.stage(_none_left(composition, end.trials))
        if end.reason:
            observer.stage(end.sentence())
        best = choose(
            config.objectives, composition.problem.upper_bounds, trials, config.choice, config.fidelity
        )
        if best is None:
            publish(run, config, trials, None)
            raise NoFeasibleArchitectureError(why_nothing_completed(run, trials))
        told = compromise(
            best,
            trials,
            config.objectives[0],
            composition.problem.upper_bounds,
            trained_in_full=config.final.train,
        )
        if told:
            observer.stage(told)
        with _told_what_helps(run):
            if config.final.train:
                result = _finish(run, composition, trials, best, observer)
                observer.result(result)
            else:
                result = None
                earlier = composition.warm_start.trials
                fit_surrogate(composition.ending.surrogate, composition.problem.space, trials, run, earlier)
                write_search_end(run, end)
        observer.stage("writing the report")
        publish(run, config, trials, result)
    return result


def _budget(config: SearchConfig) -> str:
    """Return how much a search evaluates."""
    search = config.search
    if search.halving is None:
        return f"{search.trials} trials"
    return f"{search.trials} candidates, {search.n_evaluations} trials on {search.halving.rungs} rungs where none fails"


def _none_left(composition: Composition, n: int) -> str:
    """Return that the strategy found no more than `n` candidates."""
    where = "that meets the hard constraints" if composition.problem.hard_bounds else "in the space"
    return f"the search ends after {n} candidates: the strategy found no new one {where}"


def _search(
    run: RunDirectory,
    composition: Composition,
    trials: Sequence[Trial],
    journal: Journal,
    observer: Observer,
) -> list[Trial]:
    with logs_of(run) as logs, closing(composition.executor(logs)) as executor, stop_on_interrupt() as stop:
        weights = WeightsInFolder(run.rungs)
        found = composition.loop.run(trials, executor, journal, observer, stop, weights)
        weights.remove()
        return found


@contextmanager
def logs_of(run: RunDirectory) -> Iterator[Path]:
    """Give the folder for the output of workers; it is removed where none had anything to say."""
    try:
        run.logs.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{run.logs}: cannot be created: {error.strerror}; {remedy(error)} and run `analognas resume {run.path}`"
        ) from None
    try:
        yield run.logs
    finally:
        with suppress(OSError):
            run.logs.rmdir()


def _finish(
    run: RunDirectory, composition: Composition, trials: Sequence[Trial], best: Trial, observer: Observer
) -> FinalResult:
    config, ending = composition.config, composition.ending
    with logs_of(run) as logs, closing(composition.executor_in_full(logs, ending.most_trainings)) as workers:
        executor = KeptTrainings(workers, run.race)
        if executor.n_kept:
            observer.stage(
                f"{executor.n_kept} trainings at full budget are kept from before the interruption"
            )
        earlier = composition.warm_start.trials
        surrogate = judge_surrogate(ending.surrogate, ending.problem.space, trials, run, observer, earlier)
        race = choose_finalist(ending, executor, trials, best, observer)
        measured = validate_best_and_references(ending, executor, race, trials, observer)
    final = measured.final
    result = FinalResult(
        trial=None if isinstance(race.winner, str) else race.winner.number,
        network=final.validated,
        references=measured.references,
        surrogate=surrogate,
        finalists=race.finalists,
        further=measured.further,
        runner_up=measured.runner_up,
    )
    told = "" if isinstance(race.winner, str) else shortfall(final.validated, race.winner)
    if told:
        observer.stage(told)
    artefact = make_artefact(config, composition.task, final)
    _export(run, config, artefact, result, observer)
    executor.remove()
    return result


def _export(
    run: RunDirectory, config: SearchConfig, artefact: Artefact, result: FinalResult, observer: Observer
) -> None:
    observer.stage("exporting the network")
    for name, reason in write_bundle(run.best, artefact, result, config.final.formats).items():
        observer.stage(f"format {name} is missing: {reason}")


@contextmanager
def _told_what_helps(run: RunDirectory) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{run.path}: cannot be written: {error.strerror or error}; every trial is kept, "
            f"{remedy(error)} and run `analognas resume {run.path}`"
        ) from None
