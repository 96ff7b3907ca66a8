"""A model that was fitted on measured networks of other searches, in one JSON file with its card.

    {"format": "analognas-surrogate", "schema": 1, "card": {…}, "model": {…}}

The card says what the model was fitted on (tables, tasks, space, hardware, seeds, versions) and how well it ordered
what it had not seen. `surrogates.rank_model` says what is in the model. A name that ends in `.gz` is gzipped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, PositiveInt, ValidationError

from analognas.errors import UserError, remedy
from analognas.files import read_packed, write_bytes, write_packed
from analognas.specs.schema_number import check_schema
from analognas.specs.strict import Described, OfKind, first_problem
from surrogates.rank_model import RankModel

FORMAT: Final = "analognas-surrogate"
SCHEMA: Final = 1
"""Of file and card; a reader refuses a newer one."""

_Taus = dict[str, dict[str, float]]


class _Epochs(Described):
    epochs: PositiveInt | None = None


class _Training(Described):
    digital: _Epochs | None = None
    hardware_aware: _Epochs | None = None


class _Table(Described):
    name: str
    candidates: PositiveInt
    task: OfKind
    data_sha256: str
    space: OfKind
    hardware: dict[str, Any]
    constraints: dict[str, Any]
    training: _Training = _Training()


class _Card(Described):
    """What code reads of a card; the rest is for readers."""

    name: str
    features: dict[str, str]
    tables: Annotated[list[_Table], Field(min_length=1)]
    held_out: Annotated[_Taus, Field(min_length=1)]
    leave_one_out: _Taus


@dataclass(frozen=True)
class Pretrained:
    """A model with its card.

    Attributes:
        path: of its file.
        card: what it was fitted on and how well it predicts.
        model: predicts normal scores.
    """

    path: Path
    card: Mapping[str, Any]
    model: RankModel


def physics(hardware: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description of hardware without its name and source, which change no measurement."""
    return {key: value for key, value in hardware.items() if key not in ("name", "citation")}


def write_pretrained(path: Path, card: Mapping[str, Any], model: RankModel) -> None:
    """Write a model with its card; equal models give equal bytes.

    Raises:
        UserError: when the file cannot be written.
    """
    content = {"format": FORMAT, "schema": SCHEMA, "card": card, "model": model.to_json()}
    data = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".gz":
            write_packed(path, data)
        else:
            write_bytes(path, data + b"\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}; {remedy(error)}") from None


def read_pretrained(path: Path) -> Pretrained:
    """Read a model with its card.

    Raises:
        UserError: when the file is missing, damaged, no model, or of a newer schema.
    """
    try:
        content = json.loads(read_packed(path))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `analognas surrogate fit` writes one") from None
    except OSError as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{path}: cannot be read: {reason}; name a file of `analognas surrogate fit`"
        ) from None
    except (ValueError, RecursionError):
        raise UserError(
            f"{path}: is damaged or no JSON; `analognas surrogate fit` makes a model of records"
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{path}: is no model of `analognas surrogate fit`")
    schema = content.get("schema")
    check_schema(path, schema, SCHEMA, "fit it again with `analognas surrogate fit`")
    card: dict[str, Any] = content.get("card", {})
    model = content.get("model")
    try:
        _Card.model_validate(card)
    except ValidationError as error:
        raise UserError(
            f"{path}: its card is damaged ({first_problem(error)}); fit it again with `analognas surrogate fit`"
        ) from None
    if not isinstance(model, dict):
        raise UserError(f"{path}: its model is damaged; fit it again with `analognas surrogate fit`")
    try:
        return Pretrained(path, card, RankModel.from_json(model))
    except ValueError as error:
        raise UserError(f"{path}: {error}; fit it again with `analognas surrogate fit`") from None
