"""A fitted surrogate on disk: `manifest.json` and one XGBoost `.ubj` file a model; nothing is ever unpickled.

The manifest holds a format version, the kind of the surrogate, what that kind needs besides its models, and
the file names by target and member.
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


def write_model_folder(
    folder: Path, manifest: dict[str, Any], models: Sequence[Sequence[xgboost.Booster]]
) -> None:
    """Write `models`, by target and member, and their manifest into `folder`, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for target, members in enumerate(models):
        names = [f"target{target}-member{member}.ubj" for member in range(len(members))]
        for name, booster in zip(names, members, strict=True):
            booster.save_model(folder / name)
        files.append(names)
    text = json.dumps({"format": FORMAT, **manifest, "files": files}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def load_surrogate(folder: Path) -> FittedSurrogate:
    """Return the surrogate that its `save` wrote into `folder`.

    Raises:
        FileNotFoundError: when the folder has no manifest or a model is missing.
        ValueError: when the manifest is no JSON object, of another format version or of an unknown kind, or
            when it names a model outside the folder.
    """
    from surrogates import xgboost_ensemble, xgboost_ranker

    loaders: dict[str, Callable[[dict[str, Any], list[list[xgboost.Booster]]], FittedSurrogate]] = {
        xgboost_ensemble.KIND: xgboost_ensemble.FittedXGBoostEnsemble.from_parts,
        xgboost_ranker.KIND: xgboost_ranker.FittedAnalogNAS.from_parts,
    }
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path}: a saved surrogate has a {MANIFEST}, this folder has none")
    manifest = _read_manifest(path)
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{path}: `format` must be {FORMAT}, got {manifest.get('format')!r}: save it again")
    if manifest.get("kind") not in loaders:
        raise ValueError(f"{path}: `kind` must be one of {', '.join(loaders)}, got {manifest.get('kind')!r}")
    models = [[_read_model(folder, name) for name in names] for names in manifest["files"]]
    try:
        return loaders[manifest["kind"]](manifest, models)
    except KeyError as missing:
        raise ValueError(f"{path}: the key {missing} is missing: save the surrogate again") from None


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: a manifest must be JSON: {error}") from None
    if not isinstance(manifest, dict):
        raise ValueError(f"{path}: a manifest must be a JSON object, got {type(manifest).__name__}")
    return manifest


def _read_model(folder: Path, name: str) -> xgboost.Booster:
    import xgboost

    if Path(name).name != name:
        raise ValueError(f"{folder / MANIFEST}: models must lie in the folder itself, got {name!r}")
    if not (folder / name).is_file():
        raise FileNotFoundError(f"{folder / name}: the manifest names this model and it is missing")
    booster = xgboost.Booster()
    booster.load_model(folder / name)
    return booster
