"""Writing and reading again of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analognas.export.error import ExportError


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write indented JSON.

    Raises:
        ValueError: for NaN and infinity, which JSON does not have.
        TypeError: for what is not JSON-able.
    """
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def require_same_json(content: Mapping[str, Any], path: Path) -> str:
    """Return in words that a file holds `content`.

    Raises:
        ExportError: when it does not.
    """
    if json.loads(path.read_text(encoding="utf-8")) != json.loads(json.dumps(content)):
        raise ExportError(f"{path.name} held another content when it was loaded again")
    return "the content is the same"
