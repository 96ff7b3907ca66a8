"""Which searches a comparison consists of, all of them checked before the first one begins."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from analognas.bench import BenchError, WrittenStrategy, parse_strategy, split_strategies
from analognas.config.document import Document
from analognas.config.from_python import strategy_section
from analognas.config.loader import validate_document
from analognas.config.overrides import assign, assign_seed, choose_strategy
from analognas.config.sections import SearchConfig
from analognas.errors import Argument, UserError
from analognas.record.directory import (
    RunDirectory,
    dated_path,
    ensure_unused,
    ensure_writable,
    holds_run,
    open_run,
)
from analognas.runs.resume_checks import search_differences, with_bounds_of
from analognas.seeds import MOST_SEEDS
from analognas.specs.problems import Place
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.specs import SELECTABLE, STRATEGIES

RECORD: Final = "comparison.json"
DRAWING: Final = "comparison.svg"

FOLDER: Final = Path("comparisons")
"""The default folder of comparisons."""

DEFAULT_DESIGN: Final = 8
"""Trials that count as the design where neither a strategy nor the first one has one."""

_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

_LONGEST_FOLDER: Final = 200
"""Letters of the folder of a strategy; file systems take 255 bytes."""


@dataclass(frozen=True)
class PlannedRun:
    """One search of a comparison.

    Attributes:
        strategy: its name, with its options where it has any.
        seed: its seed.
        path: its run directory.
        config: the search.
        document: knows the place of each value, for errors.
    """

    strategy: str
    seed: int
    path: Path
    config: SearchConfig
    document: Document


@dataclass(frozen=True)
class ComparisonPlan:
    """A comparison before it runs.

    Attributes:
        path: of its directory.
        strategies: by name; the others are compared with the first one.
        seeds: of the searches of each strategy.
        runs: in the order in which they run: seed by seed, so that what is there early can be compared.
        design: how many trials of each strategy are its design, before it learns from any.
    """

    path: Path
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    runs: tuple[PlannedRun, ...]
    design: dict[str, int]

    @property
    def name(self) -> str:
        """The name of the search."""
        return self.runs[0].config.name

    @property
    def record(self) -> Path:
        """Everything that was found, JSON."""
        return self.path / RECORD

    @property
    def drawing(self) -> Path:
        """The plot."""
        return self.path / DRAWING


def plan_comparison(
    document: Document,
    folder: Path,
    strategies: Sequence[str] | Mapping[str, Any],
    seeds: int | Sequence[int],
    out: Path | None,
) -> ComparisonPlan:
    """Return the searches of a comparison, checked: each configuration, its directory, and the run that is there.

    Args:
        document: the configuration; its strategy and seed are replaced.
        folder: where its relative paths start.
        strategies: names with or without options, as `optuna-tpe(initial=40)`, the one that the others are compared
            with first; or a mapping from labels of one's own to names, sections and objects.
        seeds: how many, from 0 on, or which.
        out: the directory to create or to continue in; None: `comparisons/NAME-DATE-TIME`.

    Raises:
        UserError: when a name, a seed, a configuration or the directory does not fit, or a run in it began as another
            search.
    """
    chosen, numbers = _checked_strategies(strategies), _checked_seeds(seeds)
    names, folders = tuple(chosen), _folders(chosen)
    configs: dict[tuple[str, int], tuple[SearchConfig, Document]] = {}
    for name in names:
        for seed in numbers:
            own = copy.deepcopy(document)
            _assign_strategy(own, chosen[name], Place(0, 0, f"strategy {name}"))
            assign_seed(own, seed, "seeds")
            try:
                configs[name, seed] = validate_document(own, folder), own
            except UserError as error:
                raise UserError(f"{name}, seed {seed}: ", *error.parts) from None
    if not next(iter(configs.values()))[0].final.train:
        raise UserError("final: none: a comparison compares networks at full budget; remove it")
    path = out or dated_path(FOLDER, configs[names[0], numbers[0]][0].name)
    plan = ComparisonPlan(
        path=path,
        strategies=names,
        seeds=numbers,
        runs=tuple(
            PlannedRun(name, seed, path / folders[name] / f"seed-{seed}", *configs[name, seed])
            for seed in numbers
            for name in names
        ),
        design=_designs([(name, configs[name, numbers[0]][0].search.strategy) for name in names]),
    )
    _check_place(plan)
    return replace(plan, runs=tuple(map(_checked_run, plan.runs)))


def _assign_strategy(document: Document, chosen: Any, place: Place) -> None:
    """Set the strategy of `document` in place: a section, or a name whose options are laid over what is there."""
    path = ("search", "strategy")
    if not isinstance(chosen, WrittenStrategy):
        assign(document, path, chosen, place)
    elif chosen.is_installed:
        section = {"kind": "entry-point", "name": chosen.name, "options": chosen.options}
        assign(document, path, section, place)
    else:
        choose_strategy(document, chosen.name, place.source, SELECTABLE)
        for key, value in chosen.options.items():
            assign(document, (*path, key), copy.deepcopy(value), place)


def _folders(chosen: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of the folder of each strategy: its label, with `-` for what a shell would not take as it is."""
    found: dict[str, str] = {}
    for label in chosen:
        folder = label if _LABEL.fullmatch(label) else re.sub(r"[^A-Za-z0-9_.-]+", "-", label).strip("-")
        if len(folder) > _LONGEST_FOLDER or folder in found.values():
            raise UserError(
                Argument("strategies"),
                f": {label!r:.80} needs a folder of its own, and `{folder[:80]}` is taken or too long; give it a label "
                "from Python: analognas.compare(…, strategies={'label': …})",
            )
        found[label] = folder
    return found


def _checked_strategies(strategies: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Return a strategy with its options, or a section, by the label that it has in the comparison."""
    argument = Argument("strategies")
    if isinstance(strategies, str) or not isinstance(strategies, Sequence | Mapping) or not strategies:
        raise UserError(
            argument, f" must be a list of names, such as {list(STRATEGIES)[:2]}, got {strategies!r:.80}"
        )
    if isinstance(strategies, Mapping):
        chosen = {str(label): value for label, value in strategies.items()}
        for label in chosen:
            if not _LABEL.fullmatch(label):
                raise UserError(
                    argument,
                    f": a label names a folder: letters, digits, `_`, `.` and `-`, got {label!r:.80}",
                )
    else:
        other = next((strategy for strategy in strategies if not isinstance(strategy, str)), None)
        if other is not None:
            raise UserError(
                argument,
                f": an object needs a label, as in {{'mine': {type(other).__name__}(...)}}; a list has names, got "
                f"{other!r:.80}",
            )
    try:
        if isinstance(strategies, Mapping):
            return {
                label: parse_strategy(value) if isinstance(value, str) else strategy_section(value)
                for label, value in chosen.items()
            }
        written = [parse_strategy(part) for text in strategies for part in split_strategies(text) if part]
    except BenchError as error:
        raise UserError(argument, f": {error}") from None
    labels = [strategy.label for strategy in written]
    if not labels:
        raise UserError(argument, f" must be a list of names, such as {list(STRATEGIES)[:2]}, got none")
    no_search = next((one for one in written if not one.is_installed and one.name not in STRATEGIES), None)
    if no_search is not None:
        raise UserError(argument, f": {no_search.name} is no search; choose of {', '.join(STRATEGIES)}")
    if len(set(labels)) < len(labels):
        raise UserError(argument, f": each must be named once, got {', '.join(labels)}")
    return dict(zip(labels, written, strict=True))


def _checked_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    numbers = range(min(seeds, MOST_SEEDS + 1)) if type(seeds) is int else seeds
    if (
        isinstance(numbers, Sequence)
        and 1 <= len(numbers) <= MOST_SEEDS
        and all(type(seed) is int and 0 <= seed < 2**63 for seed in numbers)
        and len(set(numbers)) == len(numbers)
    ):
        return tuple(numbers)
    raise UserError(
        Argument("seeds"),
        f" must be how many, 1 to {MOST_SEEDS}, or a list of different whole numbers from 0, such as 3,7,11, got "
        f"{seeds!r:.80}",
        f"; [{seeds}] is the seed {seeds} alone" if type(seeds) is int and seeds >= 0 else "",
    )


def _designs(specs: Sequence[tuple[str, StrategySpec]]) -> dict[str, int]:
    first = specs[0][1].design or DEFAULT_DESIGN
    return {name: spec.design or first for name, spec in specs}


def _check_place(plan: ComparisonPlan) -> None:
    """Check that the directory is a comparison's, or can become one."""
    path, out = plan.path, Argument("out")
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file; choose another directory with ", out)
    own_run = any(holds_run(run.path) for run in plan.runs)  # comparison.json can be made again
    if path.is_dir() and any(path.iterdir()) and not plan.record.exists() and not own_run:
        raise UserError(
            f"{path}: is in use, and no comparison ({plan.record.name}); choose another with ", out
        )
    _check_recorded(plan)
    ensure_writable(path)


def _check_recorded(plan: ComparisonPlan) -> None:
    """Check that the table will have every search that it had: one that is not planned would vanish from it."""
    try:
        recorded = json.loads(plan.record.read_text(encoding="utf-8"))["runs"]
        begun = {(run["strategy"], run["seed"]) for run in recorded if run["trials"]}
    except (OSError, ValueError, KeyError, TypeError):  # it is made again
        return
    missing = sorted(begun - {(run.strategy, run.seed) for run in plan.runs})
    if missing:
        strategy, seed = missing[0]
        raise UserError(
            f"{plan.record}: has {len(begun)} searches, and {len(missing)} of them would be lost from it, such as "
            f"{strategy}, seed {seed}: name all strategies and seeds again, or choose another directory with ",
            Argument("out"),
        )


def _checked_run(planned: PlannedRun) -> PlannedRun:
    """Return a search that can begin or go on, with the bounds on size that its run took."""
    if not holds_run(planned.path):
        ensure_unused(planned.path)
        return planned
    run: RunDirectory = open_run(planned.path)
    config = with_bounds_of(run, planned.config)
    differing = list(search_differences(run, config))
    if differing:
        raise UserError(
            f"{planned.path}: this run began as another search: {'; '.join(differing)}: continue as it began, or "
            "choose another directory with ",
            Argument("out"),
        )
    return replace(planned, config=config)
