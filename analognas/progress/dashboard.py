"""A run on a terminal: how far it is, the course of the best trial, the last trials, failures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from analognas.metrics import TABLE, headline
from analognas.progress.printable import printable
from analognas.record.trial import Trial
from analognas.specs.durations import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

LAST_SHOWN: Final = 10
FAILURES_SHOWN: Final = 3
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_LINE_WIDTH: Final = 64


@dataclass(frozen=True)
class RunView:
    """What is shown of a run.

    Attributes:
        name: of the run.
        status: as `analognas status --json` has it.
        trials: of the record, in order.
        best: the objective of the best trial so far after each trial, NaN before the first one.
        metric: the objective.
    """

    name: str
    status: Mapping[str, Any]
    trials: Sequence[Trial]
    best: Sequence[float]
    metric: str


def render(view: RunView) -> RenderableType:
    """Return the view for a rich console; no text of the record is read as markup."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    status = view.status
    head = Text.assemble((printable(view.name), "bold"), f"  {status['state']}")
    bar = Table.grid(padding=(0, 1))
    done = min(status["finished"], status["trials"])
    bar.add_row(ProgressBar(total=max(status["trials"], 1), completed=done, width=40), Text(pace(status)))
    parts: list[RenderableType] = [head, bar]
    line = sparkline(view.best, _LINE_WIDTH)
    if line:
        known = [value for value in view.best if not math.isnan(value)]
        first, last = (shown(view.metric, value) for value in (known[0], known[-1]))
        ends = f"{first} to {last}"
        parts += [
            Text(f"\n{TABLE[view.metric].label} of the best trial so far, {ends}"),
            Text(line, style="blue"),
        ]
    if status["best"] is not None:
        metrics = status["best"]["metrics"]
        number = status["best"]["number"]
        which = f"trial {number}" if number is not None else f"the reference {status['best']['reference']}"
        parts.append(
            Text(
                printable(
                    f"{status['choice']}: {which}, {headline(metrics)}, AVM {100 * metrics['avm']:.2f} points, "
                    f"{metrics['parameters']:,.0f} parameters, {metrics['tiles']:,.0f} tiles"
                )
            )
        )
    if view.trials:
        parts += [Text(""), _last_trials(view.trials)]
        counts = Counter(trial.origin for trial in view.trials)
        parts.append(
            Text(printable("proposed by " + ", ".join(f"{name} {n}" for name, n in counts.most_common(6))))
        )
    for trial in [trial for trial in view.trials if trial.failure is not None][-FAILURES_SHOWN:]:
        reason = " ".join(str(trial.failure and trial.failure.reason).split())
        parts.append(Text(printable(f"trial {trial.number} failed: {reason[:160]}"), style="red"))
    if status["search_end"]:
        parts.append(Text(printable(status["search_end"])))
    if status["state"] == "not finished":
        parts.append(Text(printable(f"continue with: analognas resume {status['run']}")))
    return Group(*parts)


def pace(status: Mapping[str, Any]) -> str:
    """Return how many trials have finished, the speed, and the time left."""
    text = f"{status['finished']} of {status['trials']} trials, {status['failed']} failed"
    if status["trials_a_second"] and status["state"] == "running" and status["finished"] < status["trials"]:
        text += f", {60 * status['trials_a_second']:.3g} trials/min, {duration(status['time_left_s'])} left"
    return text


def shown(metric: str, value: float) -> str:
    """Return a value of an objective: shares in %, others with their unit.

    >>> shown("accuracy_1d", 0.5), shown("bits_1d", 2.25)
    ('50.00 %', '2.250 bits')
    """
    if TABLE[metric].is_share:
        return f"{100 * value:.2f} %"
    return f"{value:.3f} {TABLE[metric].unit}"


def sparkline(values: Sequence[float], width: int) -> str:
    """Return values as blocks of rising height, the last of each group where they are more than `width`.

    >>> sparkline([float("nan"), 0.5, 0.75, 1.0], 10)
    ' ▁▅█'
    """
    step = max(1, math.ceil(len(values) / width))
    shown = [values[min(start + step, len(values)) - 1] for start in range(0, len(values), step)]
    known = [value for value in shown if not math.isnan(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    return "".join(
        " " if math.isnan(value) else _BLOCKS[round((value - low) / (high - low or 1.0) * (len(_BLOCKS) - 1))]
        for value in shown
    )


def _last_trials(trials: Sequence[Trial]) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("trial", justify="right", min_width=5)
    table.add_column("proposed by", no_wrap=True)
    of_steps = any("bits_1d" in trial.metrics for trial in trials)
    for name in (*(("bits",) if of_steps else ()), "1 day, %", "AVM", "parameters", "tiles", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for trial in trials[-LAST_SHOWN:]:
        metrics = trial.metrics
        figures = (
            ("failed", *([""] if of_steps else []), "", "", "")
            if trial.failure is not None
            else (
                *([f"{metrics['bits_1d']:.3f}"] if of_steps else []),
                f"{100 * metrics['accuracy_1d']:.2f} ± {100 * metrics['std_1d']:.2f}",
                f"{100 * metrics['avm']:.2f}",
                f"{metrics['parameters']:,.0f}",
                f"{metrics['tiles']:,.0f}",
            )
        )
        cells = (str(trial.number), trial.origin[:32], *figures, duration(trial.wall_time_s))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table
