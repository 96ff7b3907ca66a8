"""A comparison as plain text: a table of the strategies, one of the searches, and what the numbers mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analognas.comparison.outcome import RunOutcome
from analognas.comparison.result import Comparison, StrategySummary
from analognas.paired_bootstrap import Difference
from analognas.progress.printable import table

NONE: Final = "–"


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
        yield f"  of a strategy over {held}; of a search over its chips and test images"
    designs = {comparison.design[strategy] for strategy in comparison.strategies}
    after = f"the first {designs.pop()}" if len(designs) == 1 else "the design"
    yield f"wasted: trials after {after} that failed or are below half of the best 1-day accuracy of their search"
