"""What the searches of one strategy found: means over its seeds, and differences with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analognas.paired_bootstrap import Difference


@dataclass(frozen=True)
class OwnNetworks:
    """The best trials of a strategy's searches, whichever network was exported.

    Attributes:
        accuracy_1d: mean on the test split over the searches, fraction of 1; None where one is not known.
        differences: to each reference by name; None where the images are not known.
        to_first: the difference to those of the first strategy; None for the first itself.
    """

    accuracy_1d: float | None
    differences: Mapping[str, Difference | None]
    to_first: Difference | None

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-able."""
        return {
            "accuracy_1d": self.accuracy_1d,
            "differences": _json(self.differences),
            "to_first": None if self.to_first is None else self.to_first.to_json(),
        }


@dataclass(frozen=True)
class StrategySummary:
    """A strategy over its finished searches.

    Attributes:
        strategy: its name.
        seeds: of the searches that found a network.
        accuracy_1d: mean on the test split, fraction of 1; None where none found a network, as for the next three.
        spread: standard deviation of that over the seeds; None for fewer than two.
        avm: mean.
        parameters: mean.
        bits_1d: mean bits per character, where every step of an input has a label; None otherwise.
        bits_to_first: the difference of these to the first strategy over shared seeds, its mean and half of its 95 %
            interval; None for the first itself, and for fewer than two seeds.
        references_exported: searches that a reference won.
        trials: of all searches.
        after_design: trials after the design.
        wasted: of these, how many failed or are below half of the best of their run.
        differences: to each reference by name; None where the images are not known.
        to_first: the difference to the first strategy over the seeds that both finished; None for the first itself.
        own: what the searches themselves found, where a reference was exported for one of them.
    """

    strategy: str
    seeds: tuple[int, ...]
    accuracy_1d: float | None
    spread: float | None
    avm: float | None
    parameters: float | None
    references_exported: int
    trials: int
    after_design: int
    wasted: int
    differences: Mapping[str, Difference | None]
    to_first: Difference | None
    bits_1d: float | None = None
    bits_to_first: tuple[float, float] | None = None
    own: OwnNetworks | None = None

    @property
    def wasted_share(self) -> float | None:
        """Share of the trials after the design that were wasted; None where there was none."""
        return self.wasted / self.after_design if self.after_design else None

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-able."""
        return {
            **vars(self),
            "seeds": list(self.seeds),
            "differences": _json(self.differences),
            "own": None if self.own is None else self.own.to_json(),
            "to_first": None if self.to_first is None else self.to_first.to_json(),
            "wasted_share": self.wasted_share,
        }


def _json(differences: Mapping[str, Difference | None]) -> dict[str, Any]:
    return {name: None if found is None else found.to_json() for name, found in differences.items()}
