"""Curves of any metric as numbers, tables, frames, files and figures."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hwsim

TIMES = (1.0, 86_400.0, 2_592_000.0)
RIGHT = hwsim.DriftCurve(TIMES, np.array([[0.9, 0.8], [0.8, 0.7], [0.7, 0.5]]))
ERROR = hwsim.DriftCurve(TIMES[:2], np.array([[12.0, 14.0], [16.0, 20.0]]), metric="mse", chips=[3, 5])


def test_any_metric_has_values_mean_and_spread() -> None:
    assert ERROR.mean.tolist() == [13.0, 18.0]
    assert ERROR.std == pytest.approx(np.sqrt([2.0, 8.0]))
    assert ERROR.at("1 day").values.tolist() == [16.0, 20.0]
    assert ERROR.at("1 s").mean == 13.0
    assert hwsim.DriftCurve(("1 s", "1 day"), ERROR.values, metric="mse") == ERROR
    assert hwsim.DriftCurve(TIMES[:2], ERROR.values) != ERROR
    assert RIGHT.avm == pytest.approx(0.25)
    assert RIGHT.accuracy is RIGHT.values
    assert hwsim.DriftCurve(TIMES, RIGHT.values, metric="top-5").avm == pytest.approx(0.25)


def test_chips_are_paired_by_their_numbers() -> None:
    other = hwsim.DriftCurve(TIMES[:2], np.array([[1.0, 2.0], [3.0, 4.0]]), metric="mse", chips=[5, 7])
    difference = ERROR.minus(other)
    assert difference.mean.tolist() == [13.0, 17.0]  # of chip 5 alone
    assert difference.standard_error.tolist() == [0.0, 0.0]
    both = ERROR.join(hwsim.DriftCurve(TIMES[:2], np.array([[1.0], [2.0]]), metric="mse", chips=[4]))
    assert both.chips == (3, 5, 4)
    assert both.values.tolist() == [[12.0, 14.0, 1.0], [16.0, 20.0, 2.0]]


def test_joined_chips_keep_the_images_that_they_get_right() -> None:
    drawn = np.random.default_rng(0).random((1, 3, 6)) < 0.5
    curve = hwsim.DriftCurve((1.0,), drawn.mean(axis=2), drawn)
    parts = [
        hwsim.DriftCurve((1.0,), drawn[:, part].mean(axis=2), drawn[:, part], chips=range(3)[part])
        for part in (slice(0, 2), slice(2, 3))
    ]
    assert np.array_equal(parts[0].join(parts[1]).correct, curve.correct)
    without = hwsim.DriftCurve((1.0,), np.ones((1, 1)), chips=[9])
    assert parts[0].join(without).correct is None


def test_a_curve_is_a_small_table() -> None:
    lines = str(RIGHT).splitlines()
    assert [line.split() for line in lines] == [
        ["time", "accuracy", "(%)"],
        ["1", "s", "85.00", "±", "7.07"],
        ["1", "day", "75.00", "±", "7.07"],
        ["1", "month", "60.00", "±", "14.14"],
        ["chips", "2"],
    ]
    assert "18 ± 2.8" in str(ERROR)
    assert "±" not in str(hwsim.DriftCurve((1.0,), np.array([[0.5]])))
    assert "2 chips: 85.00 ± 7.07 % at 1 s, 60.00 ± 14.14 % at 1 month" in repr(RIGHT)
    page = RIGHT._repr_html_()
    assert page.count("<tr>") == 5
    assert "75.00 ± 7.07" in page


def test_several_curves_are_one_table() -> None:
    table = hwsim.table({"<b>": RIGHT, "mse": ERROR})
    lines = str(table).splitlines()
    assert re.split("  +", lines[0]) == ["time", "<b>: accuracy (%)", "mse"]
    assert re.split("  +", lines[3]) == ["1 month", "60.00 ± 14.14", "-"]
    assert "&lt;b&gt;" in table._repr_html_()
    assert "<b>" not in table._repr_html_()
    frame = table.to_frame()
    assert frame.columns.tolist() == ["curve", "metric", "t_s", "chip", "value"]
    assert frame[frame.curve == "mse"].chip.tolist() == [3, 5, 3, 5]
    head = str(hwsim.table([RIGHT, RIGHT])).splitlines()[0]
    assert re.split("  +", head) == ["time", "accuracy 1: accuracy (%)", "accuracy 2: accuracy (%)"]


def test_frames_and_files_have_a_row_a_chip_or_a_time(tmp_path: Path) -> None:
    frame = ERROR.to_frame()
    assert frame.to_dict("list") == {
        "t_s": [1.0, 1.0, 86_400.0, 86_400.0], "chip": [3, 5, 3, 5], "value": [12.0, 14.0, 16.0, 20.0],
    }  # fmt: skip
    summary = ERROR.to_frame(summary=True)
    assert summary["mean"].tolist() == [13.0, 18.0]
    assert summary["chips"].tolist() == [2, 2]
    for text, wanted in ((False, frame), (True, summary)):
        ERROR.to_csv(tmp_path / "curve.csv", summary=text)
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "curve.csv"), wanted)


def test_figures_show_means_in_percent_where_all_are_shares() -> None:
    (mean,) = [trace for trace in RIGHT.plot("mine").data if trace.name]
    assert (mean.name, mean.y.tolist()) == ("mine", pytest.approx([85.0, 75.0, 60.0]))
    figure = hwsim.plot({"a": RIGHT, "<i>b</i>": ERROR})
    means = [trace for trace in figure.data if trace.name]
    assert [trace.name for trace in means] == ["a", "&lt;i&gt;b&lt;/i&gt;"]
    assert means[0].y.tolist() == pytest.approx([0.85, 0.75, 0.6])
    assert figure.layout.yaxis.title.text == "Accuracy, mse"
    assert means[0].line.dash != means[1].line.dash
    assert list(figure.layout.xaxis.ticktext) == ["1 s", "1 day", "1 month"]


def test_a_figure_has_a_place_for_programming_itself() -> None:
    curve = hwsim.DriftCurve((60.0, 0.0), np.array([[0.5], [0.75]]))
    figure = curve.plot()
    (mean,) = [trace for trace in figure.data if trace.name]
    assert list(mean.x) == [6.0, 60.0]
    assert mean.y.tolist() == [75.0, 50.0]
    assert dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True)) == {
        6.0: "0 s",
        60.0: "1 min",
    }
    assert list(hwsim.DriftCurve((0.0,), np.array([[0.5]])).plot().data[-1].x) == [1.0]


def test_curves_load_no_torch() -> None:
    code = (
        "import sys, numpy, hwsim\nc = hwsim.DriftCurve((1.0,), numpy.ones((1, 2)))\n"
        "str(c), c.plot(), hwsim.table([c])\nassert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "accuracy of an error": (lambda: ERROR.accuracy, AttributeError, "curve of `mse`: read `values`"),
    "avm of an error": (lambda: ERROR.avm, ValueError, "`avm` is for accuracies, got a curve of `mse`"),
    "at another time": (lambda: RIGHT.at("1 h"), ValueError, "`t_s` must be one of .*got 3600"),
    "minus another metric": (
        lambda: hwsim.DriftCurve(TIMES[:2], ERROR.values).minus(ERROR), ValueError, "metric, got accuracy and mse",
    ),
    "minus other chips": (
        lambda: RIGHT.minus(hwsim.DriftCurve(TIMES, RIGHT.values, chips=[7, 8])), ValueError, "the same numbers",
    ),
    "join the same": (lambda: RIGHT.join(RIGHT), ValueError, "number 0 in both: .*`first=2`"),
    "join another": (lambda: RIGHT.join(ERROR), ValueError, "same times"),
    "join a number": (lambda: RIGHT.join(3), TypeError, "`other`.*got 3"),  # type: ignore[arg-type]
    "a metric without name": (lambda: hwsim.DriftCurve((1.0,), np.ones((1, 1)), metric=3), TypeError, "`metric`.*3"),  # type: ignore[arg-type]
    "chips twice": (lambda: hwsim.DriftCurve((1.0,), np.ones((1, 2)), chips=[1, 1]), ValueError, "`chips`.*2 diff"),
    "chips by half": (lambda: hwsim.DriftCurve((1.0,), np.ones((1, 1)), chips=[0.5]), TypeError, "`chips`.*got 0.5"),  # type: ignore[list-item]
    "more than analog": (lambda: hwsim.DriftCurve((1.0,), np.ones((1, 1)), analog_share=2), ValueError, "analog_share"),
    "a time of words": (lambda: hwsim.DriftCurve(("soon",), np.ones((1, 1))), ValueError, "`times_s`.*got 'soon'"),
    "a file nowhere": (lambda: RIGHT.to_csv("no/where.csv"), ValueError, "`path`.*got no/where.csv"),
    "a number as file": (lambda: RIGHT.to_csv(3), TypeError, "`path`.*got 3"),  # type: ignore[arg-type]
    "plot nothing": (lambda: hwsim.plot([]), ValueError, "`curves`.*at least one"),
    "plot a number": (lambda: hwsim.plot(3), TypeError, "`curves`.*got 3"),  # type: ignore[arg-type]
    "plot numbers": (lambda: hwsim.plot([3]), TypeError, "`curves`.*got 3"),  # type: ignore[list-item]
    "table by number": (lambda: hwsim.table({3: RIGHT}), TypeError, "names of curves.*got 3"),  # type: ignore[dict-item]
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(case: str) -> None:
    wrong, kind, words = WRONG[case]
    with pytest.raises(kind, match=words) as caught:
        wrong()
    assert caught.type is kind
    assert "\n" not in str(caught.value)
