"""The files of a fitted surrogate: `manifest.json` and its models in open formats; nothing is ever unpickled.

The manifest holds a format version, the kind of the surrogate and what that kind needs besides its models:
XGBoost `.ubj` files, an `.npz` of plain arrays, or one folder a member.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import xgboost

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write `manifest` and the format version into `folder`, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, **manifest}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def write_boosters(
    folder: Path, manifest: dict[str, Any], models: Sequence[Sequence[xgboost.Booster]]
) -> None:
    """Write `models`, by target and member, and their manifest into `folder`, which is created.

    Raises:
        OSError: when the folder cannot be written, because the disk is full for one.
    """
    names = [
        [f"target{target}-member{member}.ubj" for member in range(len(members))]
        for target, members in enumerate(models)
    ]
    write_manifest(folder, {**manifest, "files": names})
    for row, members in zip(names, models, strict=True):
        for name, booster in zip(row, members, strict=True):
            # not save_model(), which tells of a full disk by an error of XGBoost's own
            (folder / name).write_bytes(booster.save_raw("ubj"))


def read_boosters(folder: Path, manifest: dict[str, Any]) -> list[list[xgboost.Booster]]:
    """Return the models that `write_boosters` wrote, by target and member.

    Raises:
        FileNotFoundError: when a model is missing.
        ValueError: when the manifest names a model outside the folder.
    """
    return [[_read_booster(inside(folder, name)) for name in names] for names in manifest["files"]]


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


def _read_booster(path: Path) -> xgboost.Booster:
    import xgboost

    if not path.is_file():
        raise FileNotFoundError(f"{path}: the manifest names this model and it is missing")
    booster = xgboost.Booster()
    booster.load_model(path)
    return booster
