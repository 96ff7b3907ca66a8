"""The files of a fitted surrogate: `manifest.json` and its models in open formats; nothing is ever unpickled.

The manifest holds a format version, the kind of the surrogate and what that kind needs besides its models:
XGBoost `.ubj` files, an `.npz` of plain arrays, or one folder a member.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write `manifest` and the format version into `folder`, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, **manifest}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def inside(folder: Path, name: str) -> Path:
    """Return `folder / name`.

    Raises:
        ValueError: when `name` leads out of the folder.
    """
    if Path(name).name != name:
        raise ValueError(f"{folder / MANIFEST}: models must lie in the folder itself, got {name!r}")
    return folder / name


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the content of a manifest.

    Raises:
        ValueError: when it is no JSON object.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: a manifest must be JSON: {error}") from None
    if not isinstance(manifest, dict):
        raise ValueError(f"{path}: a manifest must be a JSON object, got {type(manifest).__name__}")
    return manifest
