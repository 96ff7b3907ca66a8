"""The drawing of a comparison: one line a strategy, where its mean lies, with the spread of its seeds around it."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from analognas.comparison.outcome import not_finished, outcome
from analognas.comparison.plot import progress_svg
from tests.analognas.comparison.builders import a_comparison, a_plan, some_trials

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(out: Path, accuracies: dict[tuple[str, int], list[float | None]]) -> ElementTree.Element:
    plan = a_plan(out)
    runs = [
        outcome(run, some_trials(accuracies[run.strategy, run.seed]), None, 5)
        if (run.strategy, run.seed) in accuracies
        else not_finished(run)
        for run in plan.runs
    ]
    return ElementTree.fromstring(progress_svg(a_comparison(plan, runs)))


def points(element: ElementTree.Element) -> np.ndarray:
    return np.array([point.split(",") for point in element.attrib["points"].split()], dtype=float)


def test_one_line_a_strategy_where_its_mean_lies(tmp_path) -> None:
    rising = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    drawing = drawn(
        tmp_path / "out",
        {
            ("surrogate-guided", 0): rising,
            ("surrogate-guided", 1): [value + 0.1 for value in rising],
            ("random", 0): [0.3] * 8,
            ("random", 1): [0.3, None, 0.1, *[0.3] * 3],
        },
    )
    guided, random = (points(line) for line in drawing.iter(f"{SPACE}polyline"))
    assert len(guided) == len(random) == 4, "from the fifth trial on; a search that ended early stays"
    assert (np.diff(guided[:, 1]) < 0).all()
    assert np.ptp(random[:, 1]) == 0
    band, flat = (points(area) for area in drawing.iter(f"{SPACE}polygon"))
    upper, lower = band[:4], band[4:][::-1]
    assert np.allclose((upper + lower) / 2, guided, atol=0.11)
    assert np.ptp(flat[:, 1]) == 0
    texts = [text.text for text in drawing.iter(f"{SPACE}text")]
    assert texts.index("surrogate-guided") < texts.index("random")
    assert texts[0] == "small: best so far, 2 seeds, mean and standard deviation"


@pytest.mark.parametrize(
    ("accuracies", "lines"),
    [
        ({}, 0),
        ({("random", 0): [0.5]}, 1),
        ({("random", 0): [None] * 8}, 0),
        ({("random", 0): [None] * 6 + [0.2, 0.3], ("random", 1): [0.1] * 8}, 1),
        ({("random", 0): [1.0] * 8, ("surrogate-guided", 0): [0.0] * 8}, 2),
    ],
)
def test_whatever_is_there_is_drawn(tmp_path, accuracies, lines) -> None:
    drawing = drawn(tmp_path / "out", accuracies)
    assert len(list(drawing.iter(f"{SPACE}polyline"))) == lines
    numbers = [points(line) for line in drawing.iter(f"{SPACE}polyline")]
    assert all(np.isfinite(line).all() and (line >= 0).all() for line in numbers)


def test_the_axis_spans_a_point_at_least(tmp_path) -> None:
    drawing = drawn(tmp_path / "out", {("random", 0): [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]})
    labels = [str(text.text) for text in drawing.iter(f"{SPACE}text")]
    ticks = [float(label) for label in labels if label.replace(".", "").isdecimal() and float(label) > 10]
    assert len(ticks) > 1
    assert np.ptp(ticks) > 0.4
    assert max(map(len, map(str, ticks))) <= 5
