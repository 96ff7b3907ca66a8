"""Sections that the configurations of `analognas init` have in common, whatever their task is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

_CHANGES: Final = {
    "crop": "moved by up to so many pixels; `flip: true` mirrors as well: for photographs, not for letters",
    "time_shift": "moved by up to so many frames of 20 ms",
}

EXECUTOR: Final = """\
executor:
  kind: auto               # every processor; the same trials for any number of them
  threads: 1               # of torch, for each training; large networks gain from more
"""


def augmentation_line(augmentation: Mapping[str, int]) -> str:
    """Return the line of `training` on how inputs are changed at random; an empty string where they are not."""
    if not augmentation:
        return ""
    ((name, most),) = augmentation.items()
    written = f"  augmentation: {{{name}: {most}}}"
    return f"{written:26} # {_CHANGES[name]}\n"


def minutes_line(minutes: float | None) -> str:
    """Return the line of `search` that bounds the whole search; an empty string for None, which is any time."""
    if minutes is None:
        return ""
    return f"  minutes: {minutes:<15g} # for trials, race and final trainings together\n"


def comments(lines: Sequence[str]) -> str:
    """Return a comment of each line."""
    return "".join(f"# {line}\n" for line in lines)
