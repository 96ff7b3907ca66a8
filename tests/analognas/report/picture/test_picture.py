"""Figures are drawn where their numbers say, at any width, and read the same in every format."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest

from analognas.errors import UserError
from analognas.report.figures.theme import new_figure
from analognas.report.picture import Picture, picture, svg, write_picture
from analognas.report.picture.axis import Axis, shown, ticks
from analognas.report.picture.marks import Area, Label, Line, Paint, Symbol, paint, width_of

SPACE = "{http://www.w3.org/2000/svg}"


def _figure(**options) -> go.Figure:
    figure = new_figure(300)
    figure.add_scatter(x=[1, 10, 100], y=[1.0, 2.0, 4.0], name="a", mode="lines+markers", **options)
    return figure


def _of(drawn: Picture, kind: type) -> list:
    return [mark for mark in drawn.marks if isinstance(mark, kind)]


def test_points_lie_in_proportion_on_linear_and_logarithmic_axes() -> None:
    figure = _figure()
    figure.update_xaxes(type="log")
    drawn = picture(figure, 600)
    (x0, y0), (x1, y1), (x2, y2) = (symbol.at for symbol in _of(drawn, Symbol)[-3:])
    assert x1 - x0 == pytest.approx(x2 - x1)  # a decade each
    assert (y0 - y1) * 2 == pytest.approx(y1 - y2)  # 1 to 2, 2 to 4; up is less
    assert y0 > y1 > y2


@pytest.mark.parametrize("width", [300, 360, 980])
def test_everything_stays_within_the_picture(width: int) -> None:
    figure = _figure()
    figure.add_scatter(x=[1, 100], y=[3, 1], name="a long name " * 3, mode="lines")
    figure.update_xaxes(title_text="across")
    figure.update_yaxes(title_text="up")
    drawn = picture(figure, width)
    places = [point for mark in _of(drawn, Line) for point in mark.points]
    places += [mark.at for mark in (*_of(drawn, Symbol), *_of(drawn, Label))]
    x, y = np.array(places).T
    assert x.min() >= 0 and x.max() <= width
    assert y.min() >= 0 and y.max() <= drawn.height


@pytest.mark.parametrize("width", [330, 360, 980])
def test_titles_of_axes_stay_within_the_picture(width: int) -> None:
    figure = _figure()
    title = "Accuracy lost 1 month after programming, of all layers (points)"
    figure.update_xaxes(title_text=title)
    figure.update_yaxes(tickvals=[1, 2], ticktext=["a long name of a layer"] * 2)
    (label,) = [label for label in _of(picture(figure, width), Label) if label.text == title]
    half = width_of(title, label.size) / 2
    assert label.at[0] - half >= 0 and label.at[0] + half <= width


def test_an_axis_has_two_ticks_at_least() -> None:
    layout = go.layout.XAxis()
    for low in np.linspace(0.0, 3.0, 31):
        for length in (0.3, 0.7, 1.1, 4.4, 9.9):
            for most in (2, 3, 6):
                assert len(ticks(Axis(low, low + length, 0, 100, False), layout, most)) >= 2


def test_axes_in_proportion_have_the_same_unit() -> None:
    figure = _figure()
    figure.update_xaxes(range=[0, 100], visible=False)
    figure.update_yaxes(range=[0, 5], visible=False, scaleanchor="x", scaleratio=2.0)
    for width in (360, 980):
        (x0, y0), (x1, y1), _ = (symbol.at for symbol in _of(picture(figure, width), Symbol)[-3:])
        assert (y0 - y1) / 1.0 == pytest.approx(2.0 * (x1 - x0) / 9)


def test_a_narrow_picture_is_laid_out_anew_and_not_shrunk() -> None:
    sizes = [{label.size for label in _of(picture(_figure(), width), Label)} for width in (360, 980)]
    assert sizes[0] == sizes[1]


def test_values_beyond_the_axis_are_left_out_and_lines_end_at_its_edge() -> None:
    figure = _figure()
    figure.update_yaxes(range=[0, 2.5])
    drawn = picture(figure, 500)
    assert len(_of(drawn, Symbol)) == 2
    inside = picture(_figure(), 500)
    assert len(_of(inside, Symbol)) == 3


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    figure = new_figure(300)
    figure.add_scatter(x=[1, 2, 3, 4, 5], y=[1, 2, None, 2, 1], mode="lines", line={"color": "#D55E00"})
    lines = [mark for mark in _of(picture(figure, 400), Line) if mark.paint.colour == "#D55E00"]
    assert [len(line.points) for line in lines] == [2, 2]


def test_stacked_bars_stand_on_each_other() -> None:
    figure = new_figure(300)
    for value in (2.0, 3.0):
        figure.add_bar(x=[value], y=[0], orientation="h")
    figure.update_layout(barmode="stack")
    first, second = _of(picture(figure, 400), Area)
    assert max(x for x, _ in first.points) == pytest.approx(min(x for x, _ in second.points))
    widths = [max(x for x, _ in bar.points) - min(x for x, _ in bar.points) for bar in (first, second)]
    assert widths[1] / widths[0] == pytest.approx(1.5)


def test_a_point_says_what_its_template_says() -> None:
    figure = new_figure(300)
    figure.add_scatter(
        x=[1200], y=[0.987], mode="markers", customdata=[["&lt;b&gt;", 7.0]], text=["t"],
        hovertemplate="%{customdata[0]} %{customdata[1]:.0f}: %{y:.2f} %, %{x:,}<br>%{text}<extra>name</extra>",
    )  # fmt: skip
    (symbol,) = _of(picture(figure, 400), Symbol)
    assert symbol.text == "<b> 7: 0.99 %, 1,200.0, t (name)"
    page = svg(picture(figure, 400), "d")
    assert "&lt;b&gt; 7" in page and "<b>" not in page


def test_ticks_are_round_and_few() -> None:
    layout = go.Figure().layout.xaxis
    for low, high in ((0.0, 1.0), (93.1, 98.7), (-3e-4, 8e-4), (0.0, 1e6)):
        values = [value for value, _ in ticks(Axis(low, high, 0, 500, False), layout, 6)]
        assert 2 <= len(values) <= 7
        assert all(low - 1e-9 <= value <= high + 1e-9 for value in values)
        assert np.allclose(np.diff(values), values[1] - values[0])
    assert ticks(Axis(3, 5, 0, 500, True), layout, 7)[0][1] == "1,000"
    narrow = ticks(Axis(np.log10(40), np.log10(62), 0, 500, True), layout, 6)
    assert [value for value, _ in narrow] == [40, 45, 50, 55, 60]
    assert shown(0) == "0"


def test_colours_keep_their_opacity() -> None:
    assert paint("rgba(0,114,178,0.5)", 0.5) == Paint("#0072B2", 0.25)
    assert paint("rgba(1,2,3,0)") is None and paint(None) is None


def test_svg_is_one_well_formed_file_with_its_description(tmp_path) -> None:
    path = tmp_path / "figure.svg"
    write_picture(path, picture(_figure(), 500), "accuracy <over> time")
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{SPACE}svg"
    assert root.find(f"{SPACE}title").text == "accuracy <over> time"
    assert len(root.findall(f".//{SPACE}circle")) == 3
    colours = re.findall(r'(?:fill|stroke)="([^"]*)"', path.read_text())
    assert set(colours) <= {"none", *re.findall(r"#[0-9A-F]{6}", " ".join(colours))}


def test_another_format_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match="svg, png, pdf"):
        write_picture(tmp_path / "figure.gif", picture(_figure(), 500), "")


def test_png_and_pdf_have_the_size_of_the_picture_and_do_not_change(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    drawn = picture(_figure(), 500)
    for form in ("png", "pdf"):
        for name in ("a", "b"):
            write_picture(tmp_path / f"{name}.{form}", drawn, "")
        assert (tmp_path / f"a.{form}").read_bytes() == (tmp_path / f"b.{form}").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1500, 3 * drawn.height)
        assert image.convert("L").getextrema() < (60, 256)  # something dark is on it
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
