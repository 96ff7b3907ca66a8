"""A fitted surrogate on disk: `manifest.json` and its models in open formats; nothing is ever unpickled.

The manifest holds a format version, the kind of the surrogate and what that kind needs besides its models:
XGBoost `.ubj` files, an `.npz` of plain arrays, or one folder a member.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import xgboost

    from surrogates.surrogate import FittedSurrogate

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1


def load_surrogate(folder: Path) -> FittedSurrogate:
    """Return the surrogate that its `save` wrote into `folder`.

    Raises:
        FileNotFoundError: when the folder has no manifest or a model is missing.
        ValueError: when the manifest is no JSON object, of another format version or of an unknown kind, or
            when it names a model outside the folder.
    """
    from surrogates import committee, gaussian_process, xgboost_ensemble, xgboost_ranker

    loaders: dict[str, Callable[[Path, dict[str, Any]], FittedSurrogate]] = {
        committee.KIND: committee.FittedCommittee.load,
        gaussian_process.KIND: gaussian_process.FittedGaussianProcess.load,
        xgboost_ensemble.KIND: xgboost_ensemble.FittedXGBoostEnsemble.load,
        xgboost_ranker.KIND: xgboost_ranker.FittedAnalogNAS.load,
    }
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path}: a saved surrogate has a {MANIFEST}, this folder has none")
    manifest = _read_manifest(path)
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{path}: `format` must be {FORMAT}, got {manifest.get('format')!r}: save it again")
    if manifest.get("kind") not in loaders:
        raise ValueError(f"{path}: `kind` must be one of {', '.join(loaders)}, got {manifest.get('kind')!r}")
    try:
        return loaders[manifest["kind"]](folder, manifest)
    except KeyError as missing:
        raise ValueError(f"{path}: the key {missing} is missing: save the surrogate again") from None


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


def _read_manifest(path: Path) -> dict[str, Any]:
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
