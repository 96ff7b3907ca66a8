"""Records of measurements: files of which every line is one, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read(record: Path) -> list[dict[str, Any]]:
    """Return the measurements of a record, none where there is no file."""
    return [json.loads(line) for line in record.read_text("utf-8").splitlines()] if record.exists() else []


def add(record: Path, row: dict[str, Any]) -> None:
    """Add a measurement to a record."""
    with record.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, separators=(",", ":")) + "\n")
