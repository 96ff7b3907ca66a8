"""The page of a long search stays small, and draws what matters of it."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from analognas.record.trial import Failure
from analognas.report import ReportData
from analognas.report.figures.sample import MOST_POINTS, drawn_trials, left_out, spread, turns
from analognas.report.figures.search import search_figure
from analognas.report.figures.size import COSTS, size_figure
from analognas.report.report import report_html
from analognas.report.side_by_side import side_by_side_html
from analognas.report.tables import pareto_table
from analognas.strategies import Objective


@pytest.fixture(scope="module")
def long(runs: ModuleType) -> ReportData:
    return runs.report_data(5000)


def _with_costs(data: ReportData) -> ReportData:
    """The run with everything that a figure can have across."""
    trials = [
        replace(
            trial, metrics={**trial.metrics, **dict.fromkeys(COSTS[2:], trial.metrics["parameters"] / 7.0)}
        )
        if trial.metrics
        else trial
        for trial in data.trials
    ]
    return replace(data, trials=trials, objectives=[*data.objectives, Objective("parameters", -1)])


def test_five_thousand_trials_fit_into_two_megabytes(long: ReportData) -> None:
    page = report_html(_with_costs(long))
    assert len(page.encode()) < 2e6
    assert page.count("others evenly spread") == 2 and "evenly spread over the search" in page


def test_failures_fit_too(runs: ModuleType) -> None:
    base = runs.report_data(200, failed=1.0, finished=False)
    failure = Failure("an error whose message is as long as messages of failed trials are " * 4, "")
    trials = [replace(base.trials[n % 200], number=n, failure=failure) for n in range(5000)]
    assert len(report_html(replace(base, trials=trials)).encode()) < 1e6


def test_twelve_long_runs_fit_on_one_page(long: ReportData) -> None:
    page = side_by_side_html([(f"run {place}", long) for place in range(12)])
    assert len(page.encode()) < 2e6


def test_what_matters_is_drawn(long: ReportData) -> None:
    drawn = {t.number for t, shown in zip(long.trials, drawn_trials(long, MOST_POINTS), strict=True) if shown}
    assert len(drawn) == MOST_POINTS
    assert {trial.number for trial in long.failed} <= drawn
    assert {trial.number for trial in long.ranked[:10]} <= drawn
    worth = np.array([long.worth(trial) for trial in long.trials])
    best = np.fmax.accumulate(worth)
    assert {n for n in range(1, 5000) if best[n] > best[n - 1]} <= drawn
    gaps = np.diff(sorted(drawn))
    assert gaps.max() < 40


def test_the_front_is_drawn(long: ReportData) -> None:
    front = pareto_table(long.trials, long.upper_bounds, [*long.objectives, Objective("parameters", -1)])
    figure = size_figure(long, "parameters", MOST_POINTS)
    (shown,) = [trace for trace in figure.data if trace.name == "meets the constraints"]
    assert set(front["number"]) <= {int(number) for number, _ in shown.customdata}


def test_lines_are_those_of_all_trials(long: ReportData) -> None:
    whole, thin = search_figure(long), search_figure(long, MOST_POINTS)
    lines = [next(t for t in figure.data if t.name == "best so far") for figure in (whole, thin)]
    values = dict(zip(lines[0].x, lines[0].y, strict=True))
    assert len(lines[1].x) < 100
    at = np.searchsorted(lines[1].x, lines[0].x, side="right") - 1
    assert [lines[1].y[place] for place in at] == list(values.values())
    assert whole.data[-1].y[-1] == thin.data[-1].y[-1]


def test_a_short_search_is_drawn_whole(runs: ModuleType) -> None:
    data = runs.report_data(MOST_POINTS)
    drawn = drawn_trials(data, MOST_POINTS)
    assert drawn.all() and left_out(drawn) == ""
    assert "evenly spread" not in report_html(runs.report_data(100))


@pytest.mark.parametrize(("n", "most", "keep"), [(10, 3, []), (10, 3, [1, 2, 3, 4]), (0, 5, []), (9, 1, [8])])
def test_points_that_are_kept_count(n: int, most: int, keep: list[int]) -> None:
    drawn = spread(n, most, keep)
    assert drawn[keep].all()
    assert drawn.sum() == min(n, max(most, len(keep)))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_short_lines_keep_their_points(n: int) -> None:
    assert turns(np.zeros(n)).all()
