"""Exit codes of the command line."""

from __future__ import annotations

from typing import Final

EXIT_USAGE: Final = 2
EXIT_NO_FEASIBLE: Final = 3
