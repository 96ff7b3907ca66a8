"""The observers by the names that `--progress` and `observer` take."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final

from analognas.errors import Argument, UserError
from analognas.progress.observer import Observer, silent
from analognas.progress.terminal import lines, live
from analognas.specs.problems import nearest

OBSERVERS: Final[Mapping[str, Callable[[], AbstractContextManager[Observer]]]] = {
    "live": live,
    "lines": lines,
    "silent": silent,
}
"""Each opens an observer for as long as a run lasts."""


def observer_named(name: str | None) -> AbstractContextManager[Observer]:
    """Return an observer to be opened.

    Args:
        name: one of `OBSERVERS`; None: `live` on a terminal, `lines` elsewhere.

    Raises:
        UserError: when there is no such observer.
    """
    if name is None:
        name = "live" if sys.stderr.isatty() else "lines"
    if name not in OBSERVERS:
        raise UserError(
            Argument("observer", "progress"), f": unknown observer {name!r}{nearest(name, OBSERVERS)}"
        )
    return OBSERVERS[name]()
