"""How the reason of a trial that was given up begins; here, where reading it loads no torch."""

from __future__ import annotations

from typing import Final

STOPPED_EARLY: Final = "stopped early"
