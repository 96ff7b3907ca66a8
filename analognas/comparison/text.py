"""A comparison as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analognas.cli.summary import table

if TYPE_CHECKING:
    from analognas.comparison.outcome import RunOutcome
    from analognas.comparison.result import Comparison, StrategySummary
    from analognas.paired_bootstrap import Difference

NONE = "–"


def as_text(comparison: Comparison) -> str:
    """Return the tables, and what the numbers mean."""
    first, seeds = comparison.strategies[0], comparison.seeds
    others = [f"minus {name}" for name in comparison.references]
    to_first = (f"minus {first}",) if len(comparison.strategies) > 1 else ()
    head = ("strategy", "1 day on chips", "AVM", "parameters", *others, *to_first, "wasted", "trials")
    rows = [_strategy_row(summary, comparison) for summary in comparison.summaries]
    which = "1 seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
    lines = [
        f"{comparison.name}: {', '.join(comparison.strategies)}; {which}, test split",
        table([head, *rows]),
        "",
        table(
            [
                ("search", "1 day on chips", "AVM", "parameters", "exported", *others, "wasted", "trials"),
                *(_run_row(run, comparison) for run in comparison.runs),
            ]
        ),
        *(f"{_name(run)}: {run.note}" for run in comparison.runs if run.note),
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
        _percent(summary.accuracy_1d, summary.spread),
        _points(summary.avm),
        NONE if summary.parameters is None else f"{summary.parameters:,.0f}",
        *(_shown(summary.differences[name]) for name in comparison.references),
        *to_first,
        _share(summary.wasted, summary.after_design),
        f"{summary.trials:,}",
    )


def _run_row(run: RunOutcome, comparison: Comparison) -> tuple[str, ...]:
    metrics = None if run.network is None else run.network.metrics
    ended = run.state != "open"
    return (
        _name(run),
        NONE if metrics is None else _percent(metrics["accuracy_1d"], metrics["std_1d"]),
        NONE if metrics is None else _points(metrics["avm"]),
        NONE if metrics is None else f"{metrics['parameters']:,.0f}",
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
    if held is not None:
        yield "minus …: points of 1-day accuracy with the 95 % interval; level: the interval holds zero"
        yield f"  of a strategy over {held}; of a search over its chips and test images"
    designs = {comparison.design[strategy] for strategy in comparison.strategies}
    after = f"the first {designs.pop()}" if len(designs) == 1 else "the design"
    yield f"wasted: trials after {after} that failed or are below half of the best 1-day accuracy of their search"
