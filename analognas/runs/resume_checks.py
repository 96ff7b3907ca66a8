"""Whether a configuration is the search that a run began with, and where it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analognas.config.differences import MEASUREMENT, differences, known_to
from analognas.config.loader import load_run_config
from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.executors.fingerprint import OUR_SOURCE, fingerprint
from analognas.record.directory import RunDirectory
from analognas.record.environment import (
    NAMED_BOUNDS,
    PRETRAINED,
    SIZE_BOUNDS,
    SOURCE_HASH,
    package_versions,
)

if TYPE_CHECKING:
    from analognas.driver.loop import SearchLoop
    from analognas.record.trial import Trial
    from analognas.tasks import Task
    from search_spaces import ArchitectureSpace, Genotype

PART_OF_THE_RESULT: Final = ("threads", "device")
"""What an executor shares with the run that it continues."""

ENDS: Final = ("trials", "patience", "minutes")
"""Keys of `search` that say when it ends: a run that goes on may have others."""

MEASURED_WITH: Final = "measured_with"
"""The key of environment.json that keeps `measured_with` of the configuration a run began with."""


def with_bounds_of(run: RunDirectory, config: SearchConfig) -> SearchConfig:
    """Return `config` with the bounds that `run` took where nobody wrote a number, or as free as it is.

    Raises:
        UserError: when the configuration of the run cannot be read.
    """
    written = config.constraints.model_dump()
    named = {metric for metric, value in written.items() if isinstance(value, str)}
    if config.constraints.says_size and not named and config.chip is None:
        return config
    bounds, told = load_run_config(run)[0].constraints.model_dump(), run.read_environment()
    taken = {}
    # A run without environment.json passes; written bounds are another search.
    is_free = bounds["parameters"] is None and bounds["macs"] is None
    if not config.constraints.says_size and (is_free or not told or SIZE_BOUNDS in told):
        taken = {metric: bounds[metric] for metric in ("parameters", "macs")}
    from_chip = {metric for metric in told.get(NAMED_BOUNDS, {}) if written.get(metric, 0) is None}
    taken |= {metric: bounds[metric] for metric in named | from_chip}
    return config.with_bounds(taken)


def check_same_search(run: RunDirectory, config: SearchConfig) -> None:
    """Check that `config` is the search that `run` began with.

    `executor` may differ, but for its threads and device, and so may what ends the search.

    Raises:
        UserError: with a line for each key that differs.
    """
    _refuse(
        f"{run.path}: this run began as another search:",
        search_differences(run, config, may_grow=True),
        "continue it as it began",
    )


def search_differences(run: RunDirectory, config: SearchConfig, *, may_grow: bool = False) -> Iterator[str]:
    """Yield a line for each key that is another one in `config` than in the search that `run` began with.

    Args:
        run: that began.
        config: to continue it with.
        may_grow: whether the search may end at another time.

    Raises:
        UserError: when the configuration of the run cannot be read.
    """
    began = load_run_config(run)[0]
    before, now = _comparable(began), _comparable(config)
    if may_grow:
        now["search"] |= {key: before["search"][key] for key in ENDS}
        counts = now["final"]["train"] and not may_choose_full_budget(run, began)
        now["final"] = {**(now["final"] if counts else before["final"]), "train": before["final"]["train"]}
    return differences(before, now)


def may_choose_full_budget(run: RunDirectory, config: SearchConfig) -> bool:
    """Return whether no network of `run` was trained at the full budget that its `config` says, nor shall be."""
    return not config.final.train and run.final_result() is None and not run.taken_further.exists()


def other_versions(trials: Sequence[Trial]) -> str:
    """Return a sentence on the packages whose version is another now than in the last trial; empty where none is."""
    before = next((trial.versions for trial in reversed(trials) if trial.versions), {})
    now = package_versions()
    changed = [
        f"{name} {version} is {now[name]} now"
        for name, version in before.items()
        if now.get(name, version) != version
    ]
    return (
        f"not the packages that the last trial ran with: {', '.join(changed)}; results may differ"
        if changed
        else ""
    )


def other_code(run: RunDirectory, trials: Sequence[Trial]) -> str:
    """Return what may explain that a run comes out differently now; empty where code and packages are the same."""
    recorded = run.read_environment().get(SOURCE_HASH)
    if recorded != fingerprint()[OUR_SOURCE]:
        return "this run was made by another version of the code of analognas"
    return other_versions(trials)


def _refuse(head: str, differing: Iterator[str], remedy: str) -> None:
    lines = list(differing)
    if lines:
        raise UserError("\n".join([head, *lines, f"{remedy}, or start a new search in another directory"]))


def check_same_data(run: RunDirectory, task: Task) -> None:
    """Check that `task` has the data that `run` began with.

    Raises:
        UserError: when it has others.
    """
    began_with = run.read_environment().get("data_sha256", task.fingerprint)
    if began_with != task.fingerprint:
        raise UserError(
            f"{run.path}: the data have changed since this run began (SHA-256 {str(began_with)[:12]}, "
            f"now {task.fingerprint[:12]}); restore them, or start a new search"
        )


def check_same_pretrained(run: RunDirectory, sha256: str) -> None:
    """Check that a search goes on with the model of other searches that it began with.

    Args:
        run: that began; one without environment.json passes the check.
        sha256: of the model's file now; empty without a model.

    Raises:
        UserError: when it is another model, or there was none.
    """
    told = run.read_environment()
    began_with = told.get(PRETRAINED, "") if told else sha256
    if began_with != sha256:
        before, now = (str(one)[:12] or "none" for one in (began_with, sha256))
        raise UserError(
            f"{run.path}: the pretrained model has changed since this run began (SHA-256 {before}, now {now}); "
            "restore its file, or start a new search"
        )


def measured_with(config: SearchConfig) -> dict[str, Any]:
    """Return what the figures of every trial depend on besides its candidate and the data, JSON-able."""
    sections = config.model_dump(mode="json", include=set(MEASUREMENT))
    return {**sections, "executor": _comparable(config)["executor"]}


def check_same_measurement(run: RunDirectory, config: SearchConfig) -> None:
    """Check that trials still to come are measured as those that `run` has: its config.yaml may have been edited.

    A run without environment.json, or whose environment.json does not say, passes the check.

    Raises:
        UserError: with a line for each key that differs.
    """
    began_with = run.read_environment().get(MEASURED_WITH, {})
    _refuse(
        f"{run.config}: trials of this run were measured in another way:",
        differences(began_with, known_to(began_with, measured_with(config))),
        "put these values back",
    )


def check_same_trials(run: RunDirectory, loop: SearchLoop, trials: Sequence[Trial]) -> None:
    """Check that `trials` can be those of the search: of its space and its seed, and none there twice.

    Raises:
        UserError: naming the first trial that cannot.
    """
    known: dict[tuple[Genotype, int], int] = {}
    for number, genotype in _recorded(trials):
        if len(genotype) != loop.n_genes:
            raise UserError(
                f"{run.config}: a candidate of `space` has {loop.n_genes} genes, trial {number} has "
                f"{len(genotype)}: the space has changed since; restore it, or start a new search"
            )
    _check_space(run, loop, trials)
    for line, earlier in enumerate(loop.earlier, start=1):
        fits = len(earlier.genotype) == loop.n_genes
        reason = _reason([earlier.genotype], loop.problem.space) if fits else "of another number of genes"
        if reason is not None:
            raise UserError(
                f"{run.warm_start}:{line}: a candidate that is not of `space` ({reason}): the file or the space has "
                "changed since; restore it, or start a new search"
            )
    for trial in trials:
        if trial.seed != loop.seed_of(trial.genotype):
            raise UserError(
                f"{run.journal}:{trial.number}: a trial of a search with another seed; restore the file from a copy"
            )
        first = known.setdefault((trial.genotype, trial.rung), trial.number)
        if first != trial.number:
            raise UserError(
                f"{run.journal}:{trial.number}: the candidate of trial {first} again; restore the file from a copy"
            )


def _recorded(trials: Sequence[Trial]) -> Iterator[tuple[int, Genotype]]:
    """Yield the candidates of the record, those that were only proposed as well, with the line that has them."""
    for trial in trials:
        for proposal in () if trial.ask is None else trial.ask.proposals:
            yield trial.number, proposal.genotype
        yield trial.number, trial.genotype


def _check_space(run: RunDirectory, loop: SearchLoop, trials: Sequence[Trial]) -> None:
    """Check that every candidate is one of the space, and that those still to be evaluated are networks."""
    space, finished = loop.problem.space, {trial.genotype for trial in trials}
    recorded = list(_recorded(trials))
    suspects = recorded
    if _reason([genotype for _, genotype in recorded], space) is None:
        suspects = [(number, genotype) for number, genotype in recorded if genotype not in finished]
    for number, genotype in suspects:
        reason = _reason([genotype], space)
        if reason is None and genotype not in finished:
            reason = _no_network(genotype, space)
        if reason is not None:
            raise UserError(
                f"{run.journal}:{number}: a candidate that is not of `space` ({reason}): the file or the space has "
                "changed since; restore it, or start a new search"
            )


def _reason(candidates: Sequence[Genotype], space: ArchitectureSpace) -> str | None:
    """Return why the candidates are not all of the space, None where they are."""
    if not candidates:
        return None
    population = np.array(candidates, dtype=np.int64)
    try:
        same = np.array_equal(space.canonical(population), population)
    except ValueError as error:
        return str(error)
    return None if same else "the space writes it in another way"


def _no_network(genotype: Genotype, space: ArchitectureSpace) -> str | None:
    try:
        space.describe(genotype)
    except ValueError as error:
        return str(error)
    return None


def _comparable(config: SearchConfig) -> dict[str, Any]:
    values: dict[str, Any] = config.model_dump(mode="json")
    values["executor"] = {key: values["executor"][key] for key in PART_OF_THE_RESULT}
    return values
