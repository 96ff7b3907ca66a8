"""Where data sets are on this machine.

Looked through in this order, the first hit counts:

1. `$ANALOGNAS_DATA`: a folder with copies of data sets that is only read;
2. the data folder that `analognas data fetch` fills: `$XDG_DATA_HOME/analognas`, or `~/.local/share/analognas`.

Each holds one folder a data set. Decoded images and features are kept in `$XDG_CACHE_HOME/analognas`, or
`~/.cache/analognas`; it may be removed at any time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "ANALOGNAS_DATA"
"""Environment variable that names a folder with copies of data sets."""


def data_folder() -> Path:
    """Return the folder that `analognas data fetch` fills."""
    return _under("XDG_DATA_HOME", ".local/share")


def cache_folder() -> Path:
    """Return the folder of decoded images and features."""
    return _under("XDG_CACHE_HOME", ".cache")


def roots() -> tuple[Path, ...]:
    """Return the folders that are searched, in order."""
    copies = os.environ.get(VARIABLE)
    return ((Path(copies),) if copies else ()) + (data_folder(),)


def find(*names: str) -> Path | None:
    """Return the first existing file or folder `root / name`, the roots before the names; None where there is none."""
    for root in roots():
        for name in names:
            if (root / name).exists():
                return root / name
    return None


def _under(variable: str, default: str) -> Path:
    value = os.environ.get(variable)
    return (Path(value) if value else Path.home() / default) / "analognas"
