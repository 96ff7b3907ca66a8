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
from typing import Any, Final

from analognas.errors import UserError, remedy
from analognas.files import read_packed, write_bytes, write_packed
from surrogates.rank_model import RankModel

FORMAT: Final = "analognas-surrogate"
SCHEMA: Final = 1
"""Of file and card; a reader refuses a newer one."""

_CARD: Final = ("name", "tables", "held_out", "leave_one_out")
_TABLE: Final = ("name", "candidates", "task", "space", "hardware")


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
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except ValueError:
        raise UserError(
            f"{path}: is damaged or no JSON; fit it again with `analognas surrogate fit`"
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{path}: is no model of `analognas surrogate fit`")
    schema = content.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise UserError(
            f"{path}: has the schema {schema!r}, newer than {SCHEMA} of this version; install a newer analognas"
        )
    card: dict[str, Any] = content.get("card", {})
    model = content.get("model")
    if not _is_card(card) or not isinstance(model, dict):
        raise UserError(
            f"{path}: its card or its model is damaged; fit it again with `analognas surrogate fit`"
        )
    try:
        return Pretrained(path, card, RankModel.from_json(model))
    except ValueError as error:
        raise UserError(f"{path}: {error}; fit it again with `analognas surrogate fit`") from None


def _is_card(card: Any) -> bool:
    if not isinstance(card, dict) or any(key not in card for key in _CARD):
        return False
    tables = card["tables"]
    return (
        isinstance(tables, list)
        and len(tables) > 0
        and all(isinstance(table, dict) and all(key in table for key in _TABLE) for table in tables)
    )
