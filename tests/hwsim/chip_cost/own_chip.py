"""A chip with numbers that are easy to reckon with."""

from typing import Any

from hwsim.chip_cost.chip_files import chip_of
from hwsim.chip_cost.description import Chip

VALUES: dict[str, Any] = {
    "name": "own",
    "tile": {"rows": 8, "columns": 4},
    "modes": {
        "only": {
            "input_bits": 4,
            "output_bits": 5,
            "phases": 2,
            "pulse": "1 ns",
            "overhead": "2 ns",
            "energy": {"row": "3 pJ", "column": "5 pJ", "cell": "7 fJ"},
        }
    },
    "digital": {
        "clock": "1 GHz",
        "outputs_per_cycle": 2,
        "cycles_per_hop": 3,
        "output": "11 fJ",
        "addition": "13 fJ",
        "operation": "17 fJ",
        "mac": "1 pJ",
        "idle": "1 mW",
    },
    "buffer": {"read": "1 fJ/bit", "write": "2 fJ/bit"},
    "link": {"hop": "1 fJ/bit", "hops": 2},
    "static": "2 mW",
    "area": {"mvm": "0.5 mm2", "core": "1 mm2", "chip": "100 mm2"},
    "gating": "both",
}
"""A multiplication takes 2 (2^3 + 2) ns = 20 ns."""


def own_chip(**changes: Any) -> Chip:
    """Return the chip with other values, whole sections at a time."""
    return chip_of({**VALUES, **changes})
