"""What a comparison found: of each strategy the mean over its seeds, and the differences with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from analognas.comparison.outcome import RunOutcome, paired
from analognas.comparison.text import as_text
from analognas.paired_bootstrap import Correct, Difference, difference


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
        references_exported: searches that a reference won.
        trials: of all searches.
        after_design: trials after the design.
        wasted: of these, how many failed or are below half of the best of their run.
        differences: to each reference by name; None where the images are not known.
        to_first: the difference to the first strategy over the seeds that both finished; None for the first itself.
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

    @property
    def wasted_share(self) -> float | None:
        """Share of the trials after the design that were wasted; None where there was none."""
        return self.wasted / self.after_design if self.after_design else None

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-able."""
        differences = {
            name: None if found is None else found.to_json() for name, found in self.differences.items()
        }
        return {
            **vars(self),
            "seeds": list(self.seeds),
            "differences": differences,
            "to_first": None if self.to_first is None else self.to_first.to_json(),
            "wasted_share": self.wasted_share,
        }


@dataclass(frozen=True)
class Comparison:
    """Strategies on whole searches.

    Attributes:
        name: of the search.
        path: the directory of the comparison.
        strategies: by name; the others are compared with the first one.
        seeds: of the searches of each strategy.
        references: names of the reference networks.
        design: how many trials of each strategy are its design.
        runs: every planned search in the order in which they run, finished or not.
    """

    name: str
    path: Path
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    references: tuple[str, ...]
    design: Mapping[str, int]
    runs: tuple[RunOutcome, ...]

    def of(self, strategy: str) -> list[RunOutcome]:
        """Return the searches of a strategy that have ended."""
        return [run for run in self.runs if run.strategy == strategy and run.state != "open"]

    @cached_property
    def summaries(self) -> tuple[StrategySummary, ...]:
        """One for each strategy."""
        first = {run.seed: run for run in self.of(self.strategies[0])}
        return tuple(
            self._summary(strategy, None if strategy == self.strategies[0] else first)
            for strategy in self.strategies
        )

    def _summary(self, strategy: str, first: Mapping[int, RunOutcome] | None) -> StrategySummary:
        runs = self.of(strategy)
        networks = [run.network for run in runs if run.network is not None]
        accuracy = [network.metrics["accuracy_1d"] for network in networks]
        to_first = [] if first is None else [(run, first[run.seed]) for run in runs if run.seed in first]
        return StrategySummary(
            strategy=strategy,
            seeds=tuple(run.seed for run in runs if run.network is not None),
            accuracy_1d=_mean(accuracy),
            spread=float(np.std(accuracy, ddof=1)) if len(accuracy) > 1 else None,
            avm=_mean([network.metrics["avm"] for network in networks]),
            parameters=_mean([network.metrics["parameters"] for network in networks]),
            references_exported=sum(run.exported_reference is not None for run in runs),
            trials=sum(run.trials for run in runs),
            after_design=sum(run.after_design for run in runs),
            wasted=sum(run.wasted for run in runs),
            differences={
                name: _difference([run.versus(name) for run in runs if run.network is not None])
                for name in self.references
            },
            to_first=_difference(
                [
                    paired(run.network, other.network)
                    for run, other in to_first
                    if run.network is not None and other.network is not None
                ]
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-able: the strategies, and every search with its best accuracy so far."""
        return {
            "name": self.name,
            "directory": str(self.path),
            "strategies": list(self.strategies),
            "seeds": list(self.seeds),
            "references": list(self.references),
            "design": dict(self.design),
            "summaries": [summary.to_json() for summary in self.summaries],
            "runs": [run.to_json() for run in self.runs],
        }

    def to_text(self) -> str:
        """Return the tables as plain text: a row a strategy, then a row a search."""
        return as_text(self)

    def __repr__(self) -> str:
        """Return what `print` shows: the directory and how far it is."""
        ended = sum(run.state != "open" for run in self.runs)
        return f"Comparison({str(self.path)!r}, {ended} of {len(self.runs)} searches)"


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _difference(pairs: Sequence[tuple[Correct, Correct] | None]) -> Difference | None:
    """Return the difference over the pairs, None where there is no pair or the images of one are not known."""
    known = [pair for pair in pairs if pair is not None]
    return difference(known) if known and len(known) == len(pairs) else None
