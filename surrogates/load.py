"""Takes up a fitted surrogate from its folder."""

from __future__ import annotations

from pathlib import Path

from surrogates.model_files import FORMAT, MANIFEST, inside, read_manifest
from surrogates.specs import SURROGATES
from surrogates.surrogate import FittedSurrogate


def load_surrogate(folder: Path) -> FittedSurrogate:
    """Return the surrogate that its `save` wrote into `folder`.

    Raises:
        FileNotFoundError: when the folder has no manifest or a model is missing.
        ValueError: when the manifest is no JSON object, of another format version or of an unknown kind, or
            when it names a model outside the folder.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path}: a saved surrogate has a {MANIFEST}, this folder has none")
    manifest = read_manifest(path)
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{path}: `format` must be {FORMAT}, got {manifest.get('format')!r}: save it again")
    if manifest.get("kind") not in SURROGATES:
        raise ValueError(
            f"{path}: `kind` must be one of {', '.join(SURROGATES)}, got {manifest.get('kind')!r}"
        )
    try:
        members = [load_surrogate(inside(folder, name)) for name in manifest.get("members", ())]
        return SURROGATES[manifest["kind"]].load(folder, manifest, members)
    except KeyError as missing:
        raise ValueError(f"{path}: the key {missing} is missing: save the surrogate again") from None
