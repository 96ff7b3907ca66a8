"""The figures show the figures: what is drawn is what was measured."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from analognas.record.trial import DriftRecord
from analognas.report.figures.drift import curves, drift_figure
from analognas.report.figures.hypervolume import hypervolume_figure
from analognas.report.figures.prediction import comparisons, prediction_figure, tau_text
from analognas.report.figures.search import search_figure
from analognas.report.figures.size import size_figure
from analognas.report.figures.theme import plain, view
from analognas.strategies import Objective
from surrogates.kendall import kendall_tau


def _trace(figure: Any, name: str) -> Any:
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return trace


def test_drift_shows_mean_and_quantiles_of_the_test_split(runs: ModuleType) -> None:
    data = runs.report_data()
    split, shown = curves(data)
    assert split == "test"
    assert [entry.name for entry in shown] == ["best", "resnet8"]
    figure = drift_figure(shown)
    accuracy = 100 * np.asarray(data.result.network.curves["test"].accuracy)
    np.testing.assert_allclose(_trace(figure, "best").y, accuracy.mean(axis=1))
    chips, band = figure.data[0], figure.data[1]
    assert sum(value is None for value in chips.y) == 25
    low, high = np.quantile(accuracy, [0.1, 0.9], axis=1)
    np.testing.assert_allclose(band.y, [*high, *low[::-1]])
    assert list(figure.layout.xaxis.ticktext) == ["1 s", "1 h", "1 day", "1 month", "1 year"]
    assert figure.layout.xaxis.type == "log"


def test_drift_of_an_unfinished_run_is_that_of_its_best_trial(runs: ModuleType) -> None:
    data = runs.report_data(20, finished=False)
    split, (entry,) = curves(data)
    assert split == "validation"
    assert data.best_trial is not None
    assert entry.curve == data.best_trial.curve


def test_one_chip_has_no_spread(runs: ModuleType) -> None:
    data = runs.report_data()
    one = DriftRecord((1.0, 60.0), ((0.5,), (0.4,)))
    shown = [replace(curves(data)[1][0], curve=one)]
    figure = drift_figure(shown)
    assert list(figure.data[1].y) == [50.0, 40.0, 40.0, 50.0]


def test_search_shows_every_trial_once(runs: ModuleType) -> None:
    data = replace(runs.report_data(60, failed=0.15), upper_bounds={"avm": 0.01})
    figure = search_figure(data)
    named = {trace.name: trace for trace in figure.data if trace.name}
    for name in ("latin-hypercube", "algorithm-1"):
        (named[name],) = [
            trace for trace in figure.data if trace.legendgroup == named[name].legendgroup and not trace.name
        ]
    points = [
        n for name in ("latin-hypercube", "algorithm-1", "below the axis", "failed") for n in named[name].x
    ]
    assert sorted(points) == list(range(60))
    assert sorted(named["failed"].x) == [trial.number for trial in data.failed]
    best = np.array(named["best so far"].y, dtype=float)
    assert best[-1] == pytest.approx(100 * data.ranked[0].metrics["accuracy_1d"])
    worth = [data.worth(trial) for trial in data.trials]
    leader = None
    for trial, shown in zip(data.trials, best, strict=True):
        if np.isfinite(worth[trial.number]) and (
            leader is None or worth[trial.number] > worth[leader.number]
        ):
            leader = trial
        assert leader is None or shown == pytest.approx(100 * leader.metrics["accuracy_1d"])
    open_symbols = sum(
        symbol.endswith("-open")
        for name in ("latin-hypercube", "algorithm-1")
        for symbol in named[name].marker.symbol
    )
    low, _ = figure.layout.yaxis.range
    infeasible = [t for t in data.completed if not data.feasible(t) and 100 * t.metrics["accuracy_1d"] >= low]
    assert open_symbols == len(infeasible) > 0
    share = figure.data[-1].y
    assert share[-1] == pytest.approx(100 * data.n_feasible / 60)


def test_search_with_failures_only_has_no_scale(runs: ModuleType) -> None:
    figure = search_figure(runs.report_data(9, failed=1.0, finished=False))
    assert len(_trace(figure, "failed").x) == 9
    assert not figure.layout.yaxis.showticklabels
    assert not _trace(figure, "best so far").showlegend


def test_predictions_are_the_held_out_ones(runs: ModuleType) -> None:
    data = runs.report_data()
    found = {comparison.metric: comparison for comparison in comparisons(data)}
    assert set(found) == {"accuracy_1d", "std_1d", "avm"}
    comparison = found["avm"]
    assert comparison.cross_validated[0] == data.result.surrogate["measured"]["avm"]
    assert comparison.tau == data.result.surrogate["tau"]["avm"]
    guided = [trial for trial in data.completed if trial.predicted]
    assert comparison.prospective[1] == [trial.predicted["avm"] for trial in guided]
    figure = prediction_figure(comparison)
    assert tuple(figure.layout.xaxis.range) == tuple(figure.layout.yaxis.range)


def test_an_unfinished_run_ranks_the_predictions_made_before_evaluation(runs: ModuleType) -> None:
    data = runs.report_data(40, finished=False)
    (comparison, *_) = comparisons(data)
    assert not comparison.cross_validated[0]
    assert comparison.tau == kendall_tau(*comparison.prospective)
    assert tau_text(comparison).startswith(f"Kendall τ {comparison.tau:.2f}")


def test_the_order_before_evaluation_stands_next_to_the_held_out_one(runs: ModuleType) -> None:
    (comparison, *_) = comparisons(runs.report_data())
    measured, predicted = comparison.prospective
    tau = kendall_tau(measured, predicted)
    assert f"before evaluation {tau:.2f} ({len(measured)})" in tau_text(comparison)


@pytest.mark.parametrize("tau", [None, float("nan")])
def test_an_undefined_tau_is_said_to_be(runs: ModuleType, tau: float | None) -> None:
    (comparison, *_) = comparisons(runs.report_data())
    assert tau_text(replace(comparison, tau=tau)).startswith("Kendall τ undefined")


def test_points_outside_the_axes_are_counted(runs: ModuleType) -> None:
    (comparison, *_) = comparisons(runs.report_data())
    measured = [*np.linspace(0.95, 0.98, 30), 0.1]
    one_outside = replace(comparison, cross_validated=(measured, measured), prospective=([], []), tau=1.0)
    assert tau_text(one_outside) == "Kendall τ 1.00 · 1 point outside the axes"


def test_size_shows_limit_front_and_networks(runs: ModuleType) -> None:
    data = runs.report_data(80)
    figure = size_figure(data)
    assert figure.layout.shapes[0].x0 == 100_000
    front = _trace(figure, "Pareto front")
    assert (np.diff(front.x) > 0).all()
    assert (np.diff(front.y) > 0).all()
    assert max(front.y) == pytest.approx(100 * data.ranked[0].metrics["accuracy_1d"])
    star = _trace(figure, "best, full budget")
    assert star.y[0] == pytest.approx(100 * data.result.network.metrics["accuracy_1d"])
    parts = ("meets the constraints", "does not", "below the axis")
    drawn = sum(len(trace.x) for trace in figure.data if trace.name in parts)
    assert drawn == len(data.completed)


def test_size_says_that_open_symbols_may_be_trials_of_a_lower_rung(runs: ModuleType) -> None:
    data = runs.report_data(40, failed=0.0)
    short = [replace(trial, budget=0.5) if trial.number % 2 else trial for trial in data.trials]
    figure = size_figure(replace(data, trials=short))
    assert len(_trace(figure, "does not, or had a part of the budget").x) >= 15
    assert "does not" not in {trace.name for trace in figure.data}


@pytest.mark.parametrize(
    ("n", "step", "mode"), [(1, 1, "lines+markers"), (8, 1, "lines"), (60, None, "lines")]
)
def test_few_trials_have_a_tick_each_and_one_alone_is_seen(runs: ModuleType, n, step, mode) -> None:
    data = runs.report_data(n, failed=0.0, finished=False)
    data = replace(data, objectives=[*data.objectives, Objective("parameters", -1)])
    course, hypervolume = search_figure(data), hypervolume_figure(data)
    assert course.layout.xaxis.dtick == course.layout.xaxis2.dtick == hypervolume.layout.xaxis.dtick == step
    assert course.data[-1].mode == hypervolume.data[0].mode == mode


def test_view_leaves_out_what_did_not_learn() -> None:
    values = np.array([0.1, 0.12, *np.linspace(0.94, 0.98, 40), np.nan])
    low, high = view(values)
    assert 0.9 < low < 0.94
    assert 0.98 < high < 0.99


@pytest.mark.parametrize("values", [[], [np.nan], [0.5], [0.0, 0.0]])
def test_view_is_a_range_for_any_values(values: list[float]) -> None:
    low, high = view(np.array(values, dtype=np.float64))
    assert np.isfinite([low, high]).all()
    assert low < high


def test_labels_are_text_to_plotly() -> None:
    assert plain("<b>x</b>\u202e") == "&lt;b&gt;x&lt;/b&gt;\ufffd"
    assert len(plain("a" * 500, 60)) == 60
