"""From a YAML file and command-line values to a validated search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from analognas.config.document import START_FROM, Document, dotted, read_document
from analognas.config.overrides import apply_overrides, assign_seed, choose_kind
from analognas.config.sections import SearchConfig
from analognas.config.translate import translate
from analognas.errors import MisfitError
from analognas.executors.specs import BUILT_IN as EXECUTORS
from analognas.record.directory import RunDirectory
from analognas.specs.given import put_objects
from analognas.specs.problems import ConfigError, Problem

RESTORE: Final = "this run cannot be continued without what it began with: restore the file from a copy"
"""What helps against a `config.yaml` of a run that is empty or not YAML."""


def load_config(
    path: Path,
    overrides: Sequence[str] = (),
    executor: str | None = None,
    seed: int | None = None,
    remedy: str = START_FROM,
) -> tuple[SearchConfig, Document]:
    """Read and validate a configuration.

    Args:
        path: the YAML file.
        overrides: texts like `search.trials=60`, applied in order.
        executor: replaces the kind of executor, before the overrides.
        seed: replaces the seed, after them.
        remedy: what helps where the file is missing or empty.

    Returns:
        The configuration, and the document that knows the place of each value.

    Raises:
        UserError: with every problem in it, each with its place.
    """
    document = read_config_document(path, overrides, executor, remedy)
    if seed is not None:
        assign_seed(document, seed)
    return validate_document(document, path.parent), document


def read_config_document(
    path: Path, overrides: Sequence[str] = (), executor: str | None = None, remedy: str = START_FROM
) -> Document:
    """Read a configuration and apply what the command line says; it is not validated yet.

    Raises:
        UserError: when the file or an override cannot be read.
    """
    document = read_document(path, remedy)
    if executor is not None:
        choose_kind(document, "executor", executor, EXECUTORS, SearchConfig)
    apply_overrides(document, overrides, SearchConfig)
    return document


def load_run_config(
    run: RunDirectory, overrides: Sequence[str] = (), executor: str | None = None
) -> tuple[SearchConfig, Document]:
    """Read and validate the `config.yaml` that a run wrote, as `load_config`, with the objects of the run.

    Raises:
        UserError: as `load_config`, and for objects that are not those that the run began with.
    """
    document = read_config_document(run.config, overrides, executor, RESTORE)
    put_objects(document.values, run.objects)
    return validate_document(document, run.path), document


def validate_document(document: Document, folder: Path) -> SearchConfig:
    """Validate the values of a document.

    Raises:
        ConfigError: with every problem in it.
    """
    try:
        return SearchConfig.model_validate(document.values, context={"folder": folder.absolute()})
    except ValidationError as error:
        raise translate(error, SearchConfig, document) from None


@contextmanager
def located_in(document: Document) -> Iterator[None]:
    """Give an error that knows its key the line and column in `document`.

    Raises:
        ConfigError: for a `MisfitError`.
    """
    try:
        yield
    except MisfitError as error:
        path = next((path for path in error.paths if path in document.places), error.paths[0])
        raise ConfigError([Problem(document.value_place(path), dotted(path), error.message)]) from None


def dump_config(config: SearchConfig) -> str:
    """Return the configuration with every default written out, as YAML that `load_config` reads."""
    values: dict[str, Any] = config.model_dump(mode="json")
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)
