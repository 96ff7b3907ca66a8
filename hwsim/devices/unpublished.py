"""Technologies that are known for computing in memory but whose statistics were not published, or not found.

They are no kinds of device: who has measurements of one describes it as `polynomial` or `generic`, or writes a class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NONE: Final = (
    "no statistics of its conductances over programming, time and reading were found in publications"
)
_LEVELS: Final = "resistances and numbers of levels were published, but no spread over devices or time"

UNPUBLISHED: Final[Mapping[str, str]] = {
    "photonic": _NONE,
    "2d-materials": _NONE,
    "organic": _NONE,
    "spintronic": _NONE,
    "ecram": "its published models are of training by pulses, not of inference",
    "capacitor": "its published models are of training by pulses, not of inference",
    "fefet": _LEVELS,
    "mram": _LEVELS,
}
"""Why a technology has no model here, by the name that somebody would try."""


def why_unpublished(kind: object) -> str:
    """Return one line on a technology without statistics; empty for any other name.

    Example:
        >>> why_unpublished("photonic").partition(":")[0]
        '`photonic` has no model'
    """
    why = UNPUBLISHED.get(kind) if isinstance(kind, str) else None
    if why is None:
        return ""
    return f"`{kind}` has no model: {why}; give measured coefficients to the kind polynomial or generic"
