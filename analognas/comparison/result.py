"""What a comparison found: of each strategy the mean over its seeds, and the differences with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from analognas.bench.benchmark import mean_and_half_width
from analognas.comparison.outcome import RunOutcome, paired
from analognas.comparison.plan import DRAWING, RECORD
from analognas.paired_bootstrap import Correct, Difference, difference


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

    @property
    def record(self) -> Path:
        """Everything that was found, JSON."""
        return self.path / RECORD

    @property
    def drawing(self) -> Path:
        """The plot."""
        return self.path / DRAWING

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

    @property
    def in_bits(self) -> bool:
        """Whether a network predicts every step of an input, and has bits per character."""
        return any(summary.bits_1d is not None for summary in self.summaries)

    def _summary(self, strategy: str, first: Mapping[int, RunOutcome] | None) -> StrategySummary:
        runs = self.of(strategy)
        ended = [run for run in runs if run.network is not None]
        accuracy = [run.mean("accuracy_1d") for run in ended]
        to_first = [] if first is None else [(run, first[run.seed]) for run in runs if run.seed in first]
        bits = [run.mean("bits_1d") for run in ended if run.has("bits_1d")]
        fewer = [
            run.mean("bits_1d") - other.mean("bits_1d")
            for run, other in to_first
            if run.has("bits_1d") and other.has("bits_1d")
        ]
        return StrategySummary(
            strategy=strategy,
            seeds=tuple(run.seed for run in ended),
            accuracy_1d=_mean(accuracy),
            spread=float(np.std(accuracy, ddof=1)) if len(accuracy) > 1 else None,
            avm=_mean([run.mean("avm") for run in ended]),
            parameters=_mean([run.mean("parameters") for run in ended]),
            bits_1d=_mean(bits),
            bits_to_first=mean_and_half_width(np.array(fewer)) if len(fewer) > 1 else None,
            references_exported=sum(run.exported_reference is not None for run in runs),
            trials=sum(run.trials for run in runs),
            after_design=sum(run.after_design for run in runs),
            wasted=sum(run.wasted for run in runs),
            differences={name: _difference([run.versus(name) for run in ended]) for name in self.references},
            to_first=_difference(
                [
                    paired(run.correct(run.network), other.correct(other.network))
                    for run, other in to_first
                    if run.network is not None and other.network is not None
                ]
            ),
            own=self._own(ended, first) if self.a_reference_was_exported else None,
        )

    @property
    def a_reference_was_exported(self) -> bool:
        """Whether one of the searches was won by a reference."""
        return any(run.exported_reference is not None for run in self.runs)

    def _own(self, runs: Sequence[RunOutcome], first: Mapping[int, RunOutcome] | None) -> OwnNetworks:
        accuracy = [fmean(one.metrics["accuracy_1d"] for one in run.own) for run in runs if run.own]
        shared = [] if first is None else [(run, first[run.seed]) for run in runs if run.seed in first]
        return OwnNetworks(
            _mean(accuracy) if len(accuracy) == len(runs) else None,
            {
                name: _difference([paired(run.own_correct, run.correct(run.reference(name))) for run in runs])
                for name in self.references
            },
            _difference(
                [
                    paired(run.own_correct, other.own_correct)
                    for run, other in shared
                    if other.network is not None
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
        from analognas.comparison.text import as_text

        return as_text(self)

    def __repr__(self) -> str:
        """Return what `print` shows: the directory and how far it is."""
        ended = sum(run.state != "open" for run in self.runs)
        return f"Comparison({str(self.path)!r}, {ended} of {len(self.runs)} searches)"


def _json(differences: Mapping[str, Difference | None]) -> dict[str, Any]:
    return {name: None if found is None else found.to_json() for name, found in differences.items()}


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _difference(pairs: Sequence[tuple[Correct, Correct] | None]) -> Difference | None:
    """Return the difference over the pairs, None where there is no pair or the images of one are not known."""
    known = [pair for pair in pairs if pair is not None]
    return difference(known) if known and len(known) == len(pairs) else None
