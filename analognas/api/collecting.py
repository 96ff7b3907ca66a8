"""Collections from Python: records to train surrogates on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analognas.config.from_python import document_from
from analognas.errors import Argument, UserError
from analognas.interruption import SearchInterrupted
from analognas.progress.observers import Observers, opened
from analognas.record.directory import holds_run

if TYPE_CHECKING:
    from analognas.collection import Collection


def collect(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    trainings: int = 3,
    again: int | None = None,
    overrides: Sequence[str] = (),
    observer: Observers = None,
    **sections: Any,
) -> Collection:
    """Train and measure candidates to learn from; called again with the same `out`, it continues.

    Args:
        config: a YAML file or a mapping, as for `search`; a strategy other than `collection` is replaced by it, and no
            network is trained at full budget.
        out: the directory to create, or to continue in; by default `collections/NAME-DATE-TIME`.
        trainings: of the candidates that are trained several times, which tells how well one training predicts another.
        again: how many those are; None: those of equal size, and as many of the others.
        overrides: texts like `search.trials=600`.
        observer: as for `search`.
        sections: sections by name, as for `search`.

    Raises:
        UserError: when an argument, the configuration, the data or the directory do not fit.
        NoFeasibleArchitectureError: when no candidate could be trained.
        SearchInterrupted: when the user stops it; the path is that of the collection.
    """
    shown = opened(observer)
    document, folder = document_from(config, sections, overrides)
    from analognas.collection import execute, plan_collection

    planned = plan_collection(document, folder, None if out is None else Path(out), trainings, again)
    try:
        with shown as told:
            told.stage(f"collection {planned.path}")
            return execute(planned, told)
    except KeyboardInterrupt:
        raise SearchInterrupted(planned.path if holds_run(planned.run(1).path) else None) from None


def pack(paths: str | Path | Sequence[str | Path], *, out: str | Path) -> dict[str, Any]:
    """Write measured candidates into one table, with configuration, versions and seeds: what surrogates train on.

    Args:
        paths: collections and run directories, one or several, of one task, space, hardware, training and evaluation.
        out: the file, such as `records.csv.gz`; `analognas.record.records_file` says what is in it.

    Returns:
        `rows`, `candidates`, `runs` and `failed`: how many.

    Raises:
        UserError: when a path holds no run, runs differ, there is no trial, or the file cannot be written.
    """
    from analognas.collection.pack import pack as pack_runs

    several = [paths] if isinstance(paths, str | Path) else list(paths)
    if not several:
        raise UserError(Argument("paths"), " must name at least one run directory or collection, got none")
    return pack_runs([Path(path) for path in several], Path(out))
