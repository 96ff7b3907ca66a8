"""The Python interface: the same as the command line, in a script or a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analognas.compose import Composition, compose
from analognas.config.document import parse_document
from analognas.config.loader import load_config, validate_document
from analognas.config.overrides import apply_overrides
from analognas.config.sections import SearchConfig
from analognas.observer import Observer
from analognas.record.directory import RunDirectory, ensure_unused, open_run
from analognas.run import Run
from analognas.session import new_run, run_to_end


def search(
    config: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    observer: Observer | None = None,
) -> Run:
    """Search an architecture, train it at full budget, validate it on chips, export it and write the report.

    Args:
        config: a YAML file, or the same content as a mapping; its relative paths start at the file's folder, or at
            the current one.
        out: the run directory to create; by default `runs/NAME-DATE-TIME`.
        seed: replaces the seed of the configuration.
        overrides: texts like `search.trials=60`.
        observer: is told of stages and trials; None: progress on the error stream; `analognas.observer.Silent()`
            for none.

    Returns:
        The run, ended.

    Raises:
        UserError: when the configuration, the data or the output directory do not fit.
        NoFeasibleArchitectureError: when no trial met the constraints.
    """
    changes = [*overrides, f"seed={seed}"] if seed is not None else list(overrides)
    if isinstance(config, Mapping):
        document = parse_document(yaml.safe_dump(dict(config)), "config")
        apply_overrides(document, changes)
        parsed = validate_document(document, Path())
    else:
        parsed, document = load_config(Path(config), changes)
    if out is not None:
        ensure_unused(Path(out))
    composition = compose(parsed, document)
    directory = new_run(parsed, composition, None if out is None else Path(out))
    return _run_to_end(directory, parsed, composition, observer)


def resume(path: str | Path, *, observer: Observer | None = None) -> Run:
    """Continue an interrupted run; finished trials are kept.

    Raises:
        UserError: when there is no run at `path`, or its data have changed.
        NoFeasibleArchitectureError: when no trial met the constraints.
    """
    directory = open_run(Path(path))
    config, document = load_config(directory.config)
    return _run_to_end(directory, config, compose(config, document), observer)


def _run_to_end(
    directory: RunDirectory, config: SearchConfig, composition: Composition, observer: Observer | None
) -> Run:
    from analognas.cli.progress import observer_for_terminal

    if observer is not None:
        run_to_end(directory, config, composition, observer)
    else:
        with observer_for_terminal(as_json=False) as shown:
            run_to_end(directory, config, composition, shown)
    return Run(directory)
