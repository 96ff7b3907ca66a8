"""The base of every specification and the types they share."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from analognas.specs.durations import parse_duration


class MismatchError(ValueError):
    """Values of several keys that do not go together.

    Args:
        message: the rule, the values and the remedy.
        paths: of the keys within the section that is validated; the place told is that of the first one that the user
            wrote.
    """

    def __init__(self, message: str, *paths: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.paths = paths


class Spec(BaseModel):
    """A frozen section of a configuration; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, values: Any) -> Any:
        """Refuse `true` where a number belongs: Python would take it for 1."""
        for name, value in values.items() if isinstance(values, Mapping) else ():
            entries = value if isinstance(value, list | tuple) else (value,)
            if name in cls.model_fields and any(isinstance(entry, bool) for entry in entries):
                kinds = set(_kinds(cls.model_fields[name].annotation))
                if kinds & {int, float} and not kinds & {bool, Any}:
                    number = "whole number" if int in kinds else "number"
                    rule = f"a {number}" if value is entries[0] else f"a list of {number}s"
                    raise MismatchError(f"must be {rule}, got {json.dumps(value)}", (name,))
        return values


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the plain types inside an annotation."""
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for argument in inner:
        yield from _kinds(argument)


Seconds = Annotated[float, Field(ge=0), BeforeValidator(parse_duration, json_schema_input_type=float | str)]
"""Seconds, or a text such as `1 h`, `1 day`, `1 month` (30 days), `1 year` (365 days)."""


def _existing(path: Path, info: ValidationInfo, what: str) -> Path:
    folder = (info.context or {}).get("folder")
    anchored = path if folder is None else folder / path
    try:
        exists = anchored.exists()
    except (OSError, ValueError) as error:
        raise ValueError(f"not a usable path: {error}") from None
    if not exists:
        raise ValueError(
            f"no such {what}: {anchored}; a relative path starts at the folder of the configuration"
        )
    return anchored.resolve()


def _existing_file(path: Path, info: ValidationInfo) -> Path:
    found = _existing(path, info, "file")
    if not found.is_file():
        kind = "a directory" if found.is_dir() else "no plain file"
        raise ValueError(f"must be a file, {found} is {kind}")
    return found


def _existing_folder(path: Path, info: ValidationInfo) -> Path:
    found = _existing(path, info, "folder")
    if not found.is_dir():
        raise ValueError(f"must be a folder, {found} is a file")
    return found


ExistingFile = Annotated[Path, AfterValidator(_existing_file)]
"""A file that exists; a relative path starts at the folder of the configuration."""

ExistingFolder = Annotated[Path, AfterValidator(_existing_folder)]
"""A folder that exists; a relative path starts at the folder of the configuration."""


def _anchored(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(os.path.normpath(folder / path))


AnchoredPath = Annotated[Path, AfterValidator(_anchored)]
"""A path that need not exist any more; a relative one starts at the folder of the configuration."""
