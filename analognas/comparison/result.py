"""What a comparison found: of each strategy the mean over its seeds, and the differences with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np

from analognas.bench.benchmark import mean_and_half_width
from analognas.comparison.outcome import RunOutcome, paired
from analognas.comparison.plan import DRAWING, RECORD
from analognas.comparison.summary import OwnNetworks, StrategySummary
from analognas.paired_bootstrap import Difference, Trainings, difference
from analognas.progress.printable import table

NONE: Final = "–"


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
        return as_text(self)

    def __repr__(self) -> str:
        """Return what `print` shows: the directory and how far it is."""
        ended = sum(run.state != "open" for run in self.runs)
        return f"Comparison({str(self.path)!r}, {ended} of {len(self.runs)} searches)"


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _difference(pairs: Sequence[tuple[Trainings, Trainings] | None]) -> Difference | None:
    """Return the difference over the pairs, None where there is no pair or the images of one are not known."""
    known = [pair for pair in pairs if pair is not None]
    return difference(known) if known and len(known) == len(pairs) else None


def as_text(comparison: Comparison) -> str:
    """Return the tables, and what the numbers mean."""
    first, seeds = comparison.strategies[0], comparison.seeds
    others = [f"minus {name}" for name in comparison.references]
    to_first = (f"minus {first}",) if len(comparison.strategies) > 1 else ()
    bits = ("bits, 1 day",) if comparison.in_bits else ()
    fewer = (f"bits minus {first}",) if bits and to_first else ()
    figures = ("1 day on chips", "AVM", "parameters")
    head = ("strategy", *bits, *fewer, *figures, *others, *to_first, "wasted", "trials")
    rows = [_strategy_row(summary, comparison) for summary in comparison.summaries]
    which = "1 seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
    lines = [
        f"{comparison.name}: {', '.join(comparison.strategies)}; {which}, test split",
        table([head, *rows]),
        "",
        table(
            [
                ("search", *bits, *figures, "exported", *others, "wasted", "trials"),
                *(_run_row(run, comparison) for run in comparison.runs),
            ]
        ),
        *(f"{_name(run)}: {run.note}" for run in comparison.runs if run.note),
        *_own_table(comparison),
        *(
            f"{summary.strategy}: a reference won {summary.references_exported} of {len(summary.seeds)} races and was "
            "exported"
            for summary in comparison.summaries
            if summary.references_exported
        ),
        "",
        *_legend(comparison),
    ]
    return "\n".join(lines)


def _strategy_row(summary: StrategySummary, comparison: Comparison) -> tuple[str, ...]:
    first = summary.strategy == comparison.strategies[0]
    to_first = ("" if first else _shown(summary.to_first),) if len(comparison.strategies) > 1 else ()
    return (
        summary.strategy,
        *_bits(summary, comparison),
        _percent(summary.accuracy_1d, summary.spread),
        _points(summary.avm),
        NONE if summary.parameters is None else f"{summary.parameters:,.0f}",
        *(_shown(summary.differences[name]) for name in comparison.references),
        *to_first,
        _share(summary.wasted, summary.after_design),
        f"{summary.trials:,}",
    )


def _own_table(comparison: Comparison) -> Iterator[str]:
    """Yield a table of the searches' own best networks, where a reference stands for one of them above."""
    own = [(summary.strategy, summary.own) for summary in comparison.summaries if summary.own is not None]
    if not own:
        return
    others = [f"minus {name}" for name in comparison.references]
    several = len(comparison.strategies) > 1
    head = ("best trials alone", "1 day on chips", *others, *([f"minus {own[0][0]}"] if several else []))
    rows = [
        (
            strategy,
            _percent(found.accuracy_1d, None),
            *(_shown(found.differences[name]) for name in comparison.references),
            *(("" if place == 0 else _shown(found.to_first),) if several else ()),
        )
        for place, (strategy, found) in enumerate(own)
    ]
    yield ""
    yield table([head, *rows])


def _bits(summary: StrategySummary, comparison: Comparison) -> tuple[str, ...]:
    """Return bits and their difference to the first strategy, where searches have any."""
    if not comparison.in_bits:
        return ()
    own = NONE if summary.bits_1d is None else f"{summary.bits_1d:.3f}"
    if len(comparison.strategies) == 1:
        return (own,)
    if summary.strategy == comparison.strategies[0]:
        return own, ""
    if summary.bits_to_first is None:
        return own, NONE
    mean, half = summary.bits_to_first
    level = " level" if abs(mean) <= half else ""
    return own, f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]{level}"


def _run_row(run: RunOutcome, comparison: Comparison) -> tuple[str, ...]:
    found, ended = run.network is not None, run.state != "open"
    bits = (f"{run.mean('bits_1d'):.3f}" if run.has("bits_1d") else NONE,)
    return (
        _name(run),
        *(bits if comparison.in_bits else ()),
        _percent(run.mean("accuracy_1d"), run.mean("std_1d")) if found else NONE,
        _points(run.mean("avm")) if found else NONE,
        f"{run.mean('parameters'):,.0f}" if found else NONE,
        NONE if run.network is None else run.exported_reference or "trial",
        *(_shown(run.differences.get(name)) for name in comparison.references),
        _share(run.wasted, run.after_design) if ended else NONE,
        f"{run.trials:,}",
    )


def _name(run: RunOutcome) -> str:
    return f"{run.strategy}, seed {run.seed}"


def _percent(mean: float | None, spread: float | None) -> str:
    if mean is None:
        return NONE
    return f"{100 * mean:.2f} %" if spread is None else f"{100 * mean:.2f} ± {100 * spread:.2f} %"


def _points(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.2f}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else NONE


def _shown(found: Difference | None) -> str:
    return NONE if found is None else str(found)


def _legend(comparison: Comparison) -> Iterator[str]:
    """Yield what is behind the numbers: the intervals above all."""
    held = next(
        (
            found.held
            for summary in comparison.summaries
            for found in (*summary.differences.values(), summary.to_first)
            if found is not None
        ),
        None,
    )
    yield "1 day on chips: ± is the standard deviation over seeds, of a search over its chips; AVM in points"
    if any(run.further for run in comparison.runs):
        yield "  of a search everything is the mean of its final trainings"
    if held is not None:
        yield "minus …: points of 1-day accuracy with the 95 % interval; level: the interval holds zero"
        own = "trainings, chips" if any(run.further for run in comparison.runs) else "chips"
        yield f"  of a strategy over {held}; of a search over its {own} and test images"
    designs = {comparison.design[strategy] for strategy in comparison.strategies}
    after = f"the first {designs.pop()}" if len(designs) == 1 else "the design"
    yield f"wasted: trials after {after} that failed or are below half of the best 1-day accuracy of their search"
