"""The Python interface: the same as the command line, in a script or a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import yaml

from analognas.comparison import Comparison, execute, plan_comparison
from analognas.compose import compose
from analognas.config.document import Document, parse_document, read_document
from analognas.config.loader import load_run_config, located_in, validate_document
from analognas.config.overrides import apply_overrides, assign_seed
from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.progress.observers import Observers, opened
from analognas.record.directory import ensure_unused, open_run
from analognas.runs.growth import end_search, set_ends
from analognas.runs.lifecycle import continue_run, new_run, run_to_end
from analognas.runs.run import Run


def search(
    config: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    observer: Observers = None,
) -> Run:
    """Search an architecture, train it at full budget, validate it on chips, export it and write the report.

    Args:
        config: a YAML file, or the same content as a mapping; its relative paths start at the file's folder, or at
            the current one.
        out: the run directory to create; by default `runs/NAME-DATE-TIME`.
        seed: replaces the seed of the configuration.
        overrides: texts like `search.trials=60`.
        observer: who watches: an object with methods of `analognas.Observer`, a name such as `live`, `lines`, `silent`
            or `csv(path=all.csv)`, or a list of them; None: `auto`, a live bar on a terminal, lines elsewhere.

    Returns:
        The run, ended.

    Raises:
        UserError: when the configuration, the data or the output directory do not fit.
        NoFeasibleArchitectureError: when no trial completed.
    """
    watchers = opened(observer)
    document, folder = _read(config, overrides)
    if seed is not None:
        assign_seed(document, seed, f"seed={seed!r}")
    parsed = validate_document(document, folder)
    if out is not None:
        ensure_unused(Path(out))
    with located_in(document):
        composition = compose(parsed)
    directory = new_run(composition, None if out is None else Path(out))
    with watchers as shown:
        run_to_end(directory, composition, shown)
    return Run(directory)


def compare(
    config: str | Path | Mapping[str, Any],
    *,
    seeds: int | Sequence[int] = 5,
    strategies: Sequence[str] = ("surrogate-guided", "random"),
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    observer: Observers = None,
) -> Comparison:
    """Compare strategies on whole searches; called again with the same `out`, it continues.

    Args:
        config: a YAML file or a mapping, as for `search`; its strategy and seed are replaced.
        seeds: how many, from 0 on, or which.
        strategies: names as in a configuration; the others are compared with the first one.
        out: the directory to create, or to continue in; by default `comparisons/NAME-DATE-TIME`. Each search is the
            run directory `out/STRATEGY/seed-N`.
        overrides: texts like `search.trials=60`.
        observer: as for `search`.

    Returns:
        What every search found, and the differences with their intervals; a search in which no trial completed is in
        it with a note.

    Raises:
        UserError: when an argument, the configuration, the data or the directory do not fit.
    """
    watchers = opened(observer)
    document, folder = _read(config, overrides)
    plan = plan_comparison(document, folder, strategies, seeds, None if out is None else Path(out))
    with watchers as shown:
        return execute(plan, shown)


def _read(config: str | Path | Mapping[str, Any], overrides: Sequence[str]) -> tuple[Document, Path]:
    """Return a configuration with its overrides, and the folder where its relative paths start."""
    if isinstance(overrides, str) or not all(isinstance(change, str) for change in overrides):
        raise UserError(
            f"`overrides` must be a list of texts such as ['search.trials=60'], got {overrides!r:.80}"
        )
    if isinstance(config, Mapping):
        document, folder = _document_of(config), Path()
    else:
        document, folder = read_document(Path(config)), Path(config).parent
    apply_overrides(document, overrides, SearchConfig, option="overrides: ")
    return document, folder


class _Dumper(yaml.SafeDumper):
    """Writes the values that a script has: paths and numpy's numbers, and lists at several places, in full at each."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_data(self, data: Any) -> yaml.Node:
        if isinstance(data, np.generic):
            data = data.item()
        elif isinstance(data, PurePath):
            data = str(data)
        return super().represent_data(data)


def _document_of(config: Mapping[str, Any]) -> Document:
    try:
        text = yaml.dump(dict(config), Dumper=_Dumper)
    except yaml.representer.RepresenterError as error:
        raise UserError(
            f"`config` must hold numbers, texts, lists and mappings as a YAML file does, got {error.args[1]!r:.60}"
        ) from None
    except RecursionError:
        raise UserError("`config` must not hold itself, nor be nested that deeply") from None
    document = parse_document(text, "config")
    # Lines and columns of a text that the user never saw say nothing.
    return Document(source="config", values=document.values)


def resume(path: str | Path, *, trials: int | None = None, observer: Observers = None) -> Run:
    """Continue a run; finished trials are kept.

    Args:
        path: the run directory.
        trials: another number of trials than the run began with, at least those that it has; a search that
            `finish` ended goes on, and the network of a run that has ended is kept as `best-after-N-trials`.
        observer: as for `search`.

    Raises:
        UserError: when there is no run at `path`, it has more trials, or its data have changed.
        NoFeasibleArchitectureError: when no trial completed.
    """
    watchers = opened(observer)
    directory = open_run(Path(path))
    overrides = () if trials is None else (f"search.trials={trials}",)
    config, document = load_run_config(directory.config, overrides)
    set_ends(directory, config, reopen=trials is not None)
    with watchers as shown, located_in(document):
        continue_run(directory, config, shown)
    return Run(directory)


def finish(path: str | Path, *, observer: Observers = None) -> Run:
    """End the search of a stopped run with the trials that it has: train, validate, export and report the best.

    Raises:
        UserError: when there is no run at `path`, no trial has completed, or another process is running it.
    """
    watchers = opened(observer)
    directory = open_run(Path(path))
    config, document = load_run_config(directory.config)
    if directory.final_result() is None:
        end_search(directory)
    with watchers as shown, located_in(document):
        continue_run(directory, config, shown)
    return Run(directory)
