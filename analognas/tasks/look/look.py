"""A first look at data: which options of a task suit them, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analognas.errors import UserError
from analognas.specs.problems import nearest
from analognas.tasks.look.arrays import look_at_arrays
from analognas.tasks.look.images import look_at_images
from analognas.tasks.look.sound import look_at_sound

LOOKS: Final[Mapping[str, Callable[[Path], Mapping[str, tuple[Any, str]]]]] = {
    "image-folder": look_at_images,
    "wav-folder": look_at_sound,
    "arrays": look_at_arrays,
}
"""What looks at the data of each kind of task."""


@dataclass(frozen=True)
class Look:
    """What was seen.

    Attributes:
        kind: of the task.
        options: of its section, besides `kind` and `path`, each with the reason.
    """

    kind: str
    options: Mapping[str, tuple[Any, str]]


def look_at(kind: str, path: Path) -> Look:
    """Return what suits the data at `path`.

    Raises:
        UserError: for a kind of task that has no data of a user's own, or data that cannot be read.
    """
    if kind not in LOOKS:
        raise UserError(
            f"--path: data of your own have `--task` {', '.join(LOOKS)}, got {kind!r}{nearest(kind, LOOKS)}"
        )
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder")
    return Look(kind, LOOKS[kind](path))
