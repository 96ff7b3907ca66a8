"""What a collection consists of, checked before anything is trained.

    OUT/training-1     every candidate, trained once
    OUT/training-2 …   the first of them again, with other seeds of training and of chips

Each is a run directory of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from analognas.config.document import Document
from analognas.config.loader import load_run_config, validate_document
from analognas.config.overrides import assign, choose_strategy
from analognas.config.sections import SearchConfig
from analognas.errors import Argument, UserError
from analognas.record.directory import RunDirectory, dated_path, ensure_writable, holds_run, open_run
from analognas.runs.resume_checks import check_same_search, with_bounds_of
from analognas.specs.given import objects_in
from analognas.specs.problems import Place
from analognas.strategies.collection import CollectionSpec
from analognas.strategies.specs import SELECTABLE

FOLDER: Final = Path("collections")
"""The default folder of collections."""

MOST_TRAININGS: Final = 100

_ON_THEIR_OWN: Final = ("halving", "patience", "minutes")
"""Keys of `search` that would leave candidates without a whole training."""


@dataclass(frozen=True)
class CollectionPlan:
    """A collection before it runs.

    Attributes:
        path: of its directory.
        config: of the first training of every candidate.
        document: knows the place of each value, for errors.
        trainings: of the candidates that are trained several times.
        again: how many those are: the first ones.
    """

    path: Path
    config: SearchConfig
    document: Document
    trainings: int
    again: int

    def run(self, training: int) -> RunDirectory:
        """Return the run directory of a training, counted from 1."""
        return RunDirectory(self.path / f"training-{training}")


def plan_collection(
    document: Document, folder: Path, out: Path | None, trainings: int, again: int | None
) -> CollectionPlan:
    """Return a collection, checked: its configuration, its directory, and the runs that are there.

    Args:
        document: a configuration; a strategy other than `collection` is replaced, and no network is trained in full.
        folder: where its relative paths start.
        out: the directory to create or to continue in; None: `collections/NAME-DATE-TIME`.
        trainings: of the candidates that are trained several times.
        again: how many those are; None: those of equal size, and as many of the others.

    Raises:
        UserError: when an argument, the configuration or the directory does not fit.
    """
    if not 1 <= trainings <= MOST_TRAININGS:
        raise UserError(Argument("trainings"), f" must be from 1 to {MOST_TRAININGS}, got {trainings}")
    choose_strategy(document, "collection", "collect", SELECTABLE)
    assign(document, ("final",), "none", Place(0, 0, "collect"))
    config = validate_document(document, folder)
    for key in _ON_THEIR_OWN:
        if getattr(config.search, key) is not None:
            raise UserError(
                f"search.{key}: every candidate of a collection is trained to its end, got "
                f"{document.values['search'][key]}; remove it"
            )
    if config.objectives[1:] or config.search.start_from or config.search.warm_start:
        wrong = "further_objectives" if config.objectives[1:] else "search.start_from"
        wrong = "search.warm_start" if config.search.warm_start else wrong
        raise UserError(f"{wrong}: a collection improves nothing and knows no other run; remove it")
    given = next(iter(objects_in(config)), "")
    if given:
        raise UserError(
            f"{given}: a collection is described by its configuration alone, so that others can use its records, got a "
            "Python object; give a section, of an entry point for one"
        )
    strategy, trials = config.search.strategy, config.search.trials
    assert isinstance(strategy, CollectionSpec)
    if again and trainings == 1:
        raise UserError(
            Argument("again"), " needs at least two ", Argument("trainings"), f", got {again} and 1 training"
        )
    n_again = min(trials, 2 * strategy.equal_size) if again is None else again
    if not 0 <= n_again <= trials:
        raise UserError(
            Argument("again"), f" must be from 0 to the {trials} candidates of `search.trials`, got {again}"
        )
    path = out or dated_path(FOLDER, config.name)
    plan = CollectionPlan(path, config, document, trainings, n_again if trainings > 1 else 0)
    return _begun_with(_in_its_place(plan), is_given=again is not None)


def _in_its_place(plan: CollectionPlan) -> CollectionPlan:
    """Return a plan whose directory is, or can become, that of this collection, with the bounds that it took."""
    path, first = plan.path, plan.run(1)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file; choose another directory with ", Argument("out"))
    if not holds_run(first.path):
        if path.is_dir() and any(path.iterdir()):
            raise UserError(
                f"{path}: is in use, and no collection (training-1); choose another with ", Argument("out")
            )
        ensure_writable(path)
        return plan
    run = open_run(first.path)
    config = with_bounds_of(run, plan.config)
    check_same_search(run, config)
    return replace(plan, config=config)


def _begun_with(plan: CollectionPlan, is_given: bool) -> CollectionPlan:
    """Return a plan that trains as many candidates again as its further trainings do that have begun.

    Raises:
        UserError: when another number was given.
    """
    second = plan.run(2)
    if not plan.again or not holds_run(second.path):
        return plan
    begun = load_run_config(second)[0].search.trials
    completed = [trial.status == "completed" for trial in plan.run(1).trials()]
    if sum(completed[: plan.again]) == begun:
        return plan
    before = next((n for n in range(len(completed) + 1) if sum(completed[:n]) == begun), plan.again)
    if is_given:
        raise UserError(
            Argument("again"),
            f" must be the {before} that this collection began with, got {plan.again}; leave it out, or collect into "
            "another directory",
        )
    return replace(plan, again=before)
