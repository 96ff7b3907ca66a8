"""How long the trainings of a written configuration are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lengths:
    """How long the trainings of a search are.

    Attributes:
        epochs: of the digital and of the hardware-aware training of a trial.
        updates: fewest of each.
        final_epochs: of both at full budget.
        final_updates: fewest of each.
        trials: of the search.
    """

    epochs: int = 5
    updates: int = 250
    final_epochs: int = 20
    final_updates: int = 800
    trials: int = 40
