"""Where the data sets of the reproductions are."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_file(name: str) -> Path:
    """Return a file of the folder ANALOGNAS_DATA; end the program with one line where it is not there."""
    root = os.environ.get("ANALOGNAS_DATA")
    if not root:
        problem = f"ANALOGNAS_DATA must name the folder that holds `{name.partition('/')[0]}`: set it"
    elif not (Path(root) / name).is_file():
        problem = f"{Path(root) / name}: no such file; ANALOGNAS_DATA must name the folder of the data sets"
    else:
        return Path(root) / name
    print(problem, file=sys.stderr)
    raise SystemExit(2)
