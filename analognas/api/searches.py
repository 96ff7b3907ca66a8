"""Searches from Python: begun, continued, ended, compared and replayed.

What needs torch is imported where it is used: a mistake in a configuration must not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analognas.config.document import Document
from analognas.config.from_python import document_from, given_objects
from analognas.config.loader import load_run_config, located_in, validate_document
from analognas.config.overrides import assign_seed
from analognas.config.sections import SearchConfig
from analognas.errors import Argument, UserError
from analognas.executors.specs import SerialSpec
from analognas.interruption import SearchInterrupted
from analognas.progress.observer import Observer
from analognas.progress.observers import Observers, opened
from analognas.record.directory import RunDirectory, ensure_unused, holds_run, open_run
from analognas.runs.growth import end_search, set_ends
from analognas.runs.resume_checks import check_same_search, other_code, with_bounds_of
from analognas.runs.run import Run
from analognas.specs.given import objects_in, require_objects

if TYPE_CHECKING:
    from analognas.comparison import Comparison
    from analognas.runs.plan import Plan


def search(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    task: Any = None,
    space: Any = None,
    strategy: Any = None,
    surrogate: Any = None,
    hardware: Any = None,
    executor: str | Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    resume: Literal["never", "auto"] = "never",
    observer: Observers = None,
    **sections: Any,
) -> Run:
    """Search an architecture, train it at full budget, validate it on chips, export it and write the report.

    Args:
        config: a YAML file, or the same content as a mapping; its relative paths start at the file's folder, or at
            the current one. None: defaults and what the other arguments say.
        task: a section, the name of a task, an `analognas.tasks.Task`, or arrays `(x, y)` or
            `(x_train, y_train, x_test, y_test)`.
        space: a section, the name of a space, or an object with the four methods of `search_spaces.SearchSpace`.
        strategy: a section, a name, or an object with the method of `analognas.strategies.Strategy`.
        surrogate: a section, a name, or an object with the method of `surrogates.Surrogate`; of the strategy,
            `surrogate-guided` where none is named.
        hardware: a section, the name of a preset, or a `hwsim.Hardware`.
        executor: a section, or a kind; then the other values of the configuration are kept where they fit.
        out: the run directory to create; by default `runs/NAME-DATE-TIME`.
        seed: replaces the seed of the configuration.
        overrides: texts like `search.trials=60`.
        resume: `auto` continues the run at `out` when there is one, so that a script may be run again.
        observer: who watches: an object with methods of `analognas.Observer`, a name such as `live`, `lines`, `silent`
            or `csv(path=all.csv)`, or a list of them; None: `auto`, a live bar on a terminal, lines elsewhere.
        sections: other sections by name, such as `constraints={"parameters": 40_000}` or `search={"trials": 12}`; they
            are laid over those of `config`.

    Returns:
        The run, ended. It keeps the objects, which no file holds: `analognas.resume` and `Run.open` want them again.

    Raises:
        UserError: when the configuration, the data or the output directory do not fit.
        NoFeasibleArchitectureError: when no trial completed.
        SearchInterrupted: when the user stops it; every finished trial is kept.
    """
    shown = opened(observer)
    parts = {
        "task": task,
        "space": space,
        "strategy": strategy,
        "surrogate": surrogate,
        "hardware": hardware,
        "executor": executor,
    }
    prepared = _prepared(config, {**sections, **parts}, overrides, seed, out, resume)
    parsed, directory = prepared.config, prepared.directory
    from analognas.compose import compose
    from analognas.runs.lifecycle import continue_run, new_run, run_to_end

    if directory is not None:
        set_ends(directory, parsed, reopen=False)
        with located_in(prepared.document):
            return _to_its_end(directory, partial(continue_run, directory, parsed), shown, told=True)
    with located_in(prepared.document), _interrupted_without_a_run():
        composition = compose(parsed)
        directory = new_run(composition, None if out is None else Path(out))
    with located_in(prepared.document):
        return _to_its_end(directory, partial(run_to_end, directory, composition), shown, told=True)


@dataclass(frozen=True)
class _Prepared:
    """A search that is valid, before its data are loaded; with the run that it continues."""

    config: SearchConfig
    document: Document
    directory: RunDirectory | None


def _prepared(
    config: str | Path | Mapping[str, Any] | None,
    sections: Mapping[str, Any],
    overrides: Sequence[str],
    seed: int | None,
    out: str | Path | None,
    resume: str,
) -> _Prepared:
    if resume not in ("never", "auto") or (resume == "auto" and out is None):
        raise UserError(
            Argument("resume"), ": must be never, or auto together with ", Argument("out"), f", got {resume}"
        )
    document, folder = document_from(config, sections, overrides)
    if seed is not None:
        assign_seed(document, seed)
    parsed = validate_document(document, folder)
    if out is None:
        return _Prepared(parsed, document, None)
    if resume == "never" or not holds_run(Path(out)):
        ensure_unused(Path(out))
        return _Prepared(parsed, document, None)
    directory = open_run(Path(out), objects_in(parsed))
    parsed = with_bounds_of(directory, parsed)
    check_same_search(directory, parsed)
    return _Prepared(parsed, document, directory)


def plan(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    resume: Literal["never", "auto"] = "never",
    **sections: Any,
) -> Plan:
    """Check everything that a search needs and return what it would do; nothing is created.

    Args:
        config: as for `search`, and so are the others.
        out: the run directory that the search would have.
        seed: replaces the seed of the configuration.
        overrides: texts like `search.trials=60`.
        resume: whether the search would continue the run at `out`.
        sections: sections and objects by name.

    Raises:
        UserError: when the configuration, the data or the output directory do not fit.
    """
    prepared = _prepared(config, sections, overrides, seed, out, resume)
    from analognas.compose import compose
    from analognas.runs.begun import compose_begun
    from analognas.runs.plan import plan_of

    with located_in(prepared.document):
        begun = prepared.directory
        composition = compose(prepared.config) if begun is None else compose_begun(begun, prepared.config)
        try:
            return plan_of(composition)
        finally:
            composition.site.close()


def resume(
    path: str | Path,
    *,
    trials: int | None = None,
    overrides: Sequence[str] = (),
    executor: str | None = None,
    observer: Observers = None,
    **objects: Any,
) -> Run:
    """Continue a run; finished trials are kept.

    Args:
        path: the run directory.
        trials: another number of trials than the run began with, at least those that it has; a search that
            `finish` ended goes on, and the network of a run that has ended is kept as `best-after-N-trials`.
        overrides: texts like `search.patience=20`: what ends the search, and where evaluations run.
        executor: another kind of executor.
        observer: as for `search`.
        objects: `task`, `space`, `strategy` and `surrogate` of a run that began with Python objects.

    Raises:
        UserError: when there is no run at `path`, it has more trials, or its data or objects are others.
        NoFeasibleArchitectureError: when no trial completed.
        SearchInterrupted: when the user stops it.
    """
    shown = opened(observer)
    directory = open_run(Path(path), given_objects(objects))
    changes = [*overrides, *([] if trials is None else [f"search.trials={trials}"])]
    config, document = load_run_config(directory, changes, executor)
    check_same_search(directory, config)
    if changes or directory.final_result() is None:
        require_objects(config, directory.path)
    set_ends(directory, config, reopen=any(change.startswith("search.") for change in changes))
    from analognas.runs.lifecycle import continue_run

    with located_in(document):
        return _to_its_end(directory, partial(continue_run, directory, config), shown)


def finish(
    path: str | Path,
    *,
    executor: str | None = None,
    observer: Observers = None,
    **objects: Any,
) -> Run:
    """End the search of a stopped run with the trials that it has: train, validate, export and report the best.

    Args:
        path: the run directory.
        executor: another kind of executor.
        observer: as for `search`.
        objects: as for `resume`.

    Raises:
        UserError: when there is no run at `path`, no trial has completed, or another process is running it.
        SearchInterrupted: when the user stops it.
    """
    shown = opened(observer)
    directory = open_run(Path(path), given_objects(objects))
    config, document = load_run_config(directory, (), executor)
    if directory.final_result() is None:
        require_objects(config, directory.path)
        end_search(directory)
    from analognas.runs.lifecycle import continue_run

    with located_in(document):
        return _to_its_end(directory, partial(continue_run, directory, config), shown)


def compare(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    seeds: int | Sequence[int] = 5,
    strategies: Sequence[str] | Mapping[str, Any] = ("surrogate-guided", "random"),
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    observer: Observers = None,
    **sections: Any,
) -> Comparison:
    """Compare strategies on whole searches; called again with the same `out`, it continues.

    Args:
        config: a YAML file or a mapping, as for `search`; its strategy and seed are replaced.
        seeds: how many, from 0 on, or which.
        strategies: names as in a configuration, or a mapping from labels to names, sections and objects; the others
            are compared with the first one.
        out: the directory to create, or to continue in; by default `comparisons/NAME-DATE-TIME`. Each search is the
            run directory `out/STRATEGY/seed-N`.
        overrides: texts like `search.trials=60`.
        observer: as for `search`.
        sections: sections and objects by name, as for `search`.

    Returns:
        What every search found, and the differences with their intervals; a search in which no trial completed is in
        it with a note.

    Raises:
        UserError: when an argument, the configuration, the data or the directory do not fit.
        SearchInterrupted: when the user stops it; the comparison is its path.
    """
    shown = opened(observer)
    document, folder = document_from(config, sections, overrides)
    from analognas.comparison import execute, plan_comparison

    planned = plan_comparison(document, folder, strategies, seeds, None if out is None else Path(out))
    try:
        with shown as told:
            told.stage(f"comparison {planned.path}")
            return execute(planned, told)
    except KeyboardInterrupt:
        raise SearchInterrupted(planned.path if planned.record.exists() else None) from None


@dataclass(frozen=True)
class Replayed:
    """A run whose decisions came out the same again.

    Attributes:
        trials: in the run.
        asks: of its strategy.
        passed_over: trials that were not evaluated again: they crashed, hung or ran out of memory.
    """

    trials: int
    asks: int
    passed_over: int


def replay(path: str | Path, *, evaluate: bool = False, **objects: Any) -> Replayed:
    """Make the decisions of a run again in the recorded order of completion; every proposal must come back the same.

    Args:
        path: the run directory.
        evaluate: train and measure every candidate again, too, in this process.
        objects: as for `resume`.

    Raises:
        UserError: when a proposal or a measurement differs; with what may explain it.
    """
    from analognas.driver.replay import is_passed_over
    from analognas.driver.replay import replay as replay_run
    from analognas.runs.begun import compose_begun

    run = open_run(Path(path), given_objects(objects))
    config, document = load_run_config(run, executor="serial")
    if not evaluate:  # then no device is needed either
        config = config.model_copy(update={"executor": SerialSpec()})
    with located_in(document):
        composition = compose_begun(run, config)
    trials = run.trials()
    try:
        asks = replay_run(composition.loop, trials, composition.evaluator.evaluate if evaluate else None)
    except UserError as error:
        explanation = other_code(run, trials)
        raise UserError(f"{error}; {explanation}" if explanation else str(error)) from None
    return Replayed(len(trials), asks, sum(map(is_passed_over, trials)) if evaluate else 0)


def _to_its_end(
    directory: RunDirectory,
    run: Callable[[Observer], object],
    shown: AbstractContextManager[Observer],
    *,
    told: bool = False,
) -> Run:
    try:
        with shown as observer:
            if told:
                observer.stage(f"run directory {directory.path}")
            run(observer)
    except KeyboardInterrupt:
        raise SearchInterrupted(directory.path) from None
    return Run(directory)


@contextmanager
def _interrupted_without_a_run() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise SearchInterrupted(None) from None
