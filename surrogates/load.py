"""Takes up a fitted surrogate from its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from surrogates import committee, gaussian_process, xgboost_ensemble, xgboost_ranker
from surrogates.model_files import FORMAT, MANIFEST, inside, read_manifest
from surrogates.surrogate import FittedSurrogate


def load_surrogate(folder: Path) -> FittedSurrogate:
    """Return the surrogate that its `save` wrote into `folder`.

    Raises:
        FileNotFoundError: when the folder has no manifest or a model is missing.
        ValueError: when the manifest is no JSON object, of another format version or of an unknown kind, or
            when it names a model outside the folder.
    """
    loaders: dict[str, Callable[[Path, dict[str, Any]], FittedSurrogate]] = {
        committee.KIND: _load_committee,
        gaussian_process.KIND: gaussian_process.FittedGaussianProcess.load,
        xgboost_ensemble.KIND: xgboost_ensemble.FittedXGBoostEnsemble.load,
        xgboost_ranker.KIND: xgboost_ranker.FittedAnalogNAS.load,
    }
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path}: a saved surrogate has a {MANIFEST}, this folder has none")
    manifest = read_manifest(path)
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{path}: `format` must be {FORMAT}, got {manifest.get('format')!r}: save it again")
    if manifest.get("kind") not in loaders:
        raise ValueError(f"{path}: `kind` must be one of {', '.join(loaders)}, got {manifest.get('kind')!r}")
    try:
        return loaders[manifest["kind"]](folder, manifest)
    except KeyError as missing:
        raise ValueError(f"{path}: the key {missing} is missing: save the surrogate again") from None


def _load_committee(folder: Path, manifest: dict[str, Any]) -> committee.FittedCommittee:
    return committee.FittedCommittee([load_surrogate(inside(folder, name)) for name in manifest["members"]])
