"""Sections that the configurations of `analognas init` have in common, whatever their task is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

HEAD: Final = """\
# A key that is left out has a default of its own; a run's config.yaml shows every value.
{seen}name: {name}
seed: 0                    # the same seed gives the same trials
"""

SEARCH: Final = """\
search:
  trials: {trials}               # candidates trained for real
  batch: 6                 # candidates proposed at a time
{minutes}  strategy:
    kind: surrogate-guided # `analognas describe strategies` lists all
"""

FULL_BUDGET: Final = """\
  digital_epochs: {final_epochs}
  digital_updates: {final_updates}
  hardware_aware_epochs: {final_epochs}
  hardware_aware_updates: {final_updates}
"""

EXECUTOR: Final = """\
executor:
  kind: auto               # every processor; the same trials for any number of them
  threads: 1               # of torch, for each training; large networks gain from more
"""


def minutes_line(minutes: float | None) -> str:
    """Return the line of `search` that bounds the whole search; an empty string for None, which is any time."""
    if minutes is None:
        return ""
    return f"  minutes: {minutes:<15g} # for trials, race and final trainings together\n"


def comments(lines: Sequence[str]) -> str:
    """Return a comment of each line."""
    return "".join(f"# {line}\n" for line in lines)
