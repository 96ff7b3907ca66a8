from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from analognas.record.trial import Failure
from analognas.record.validation import Finalist
from analognas.report import ReportData, write_report
from analognas.report.html import element, table
from analognas.report.report import report_html
from analognas.report.sections.finalists import finalists_section
from analognas.report.wording import amount, architecture_text
from analognas.strategies.problem import Objective

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "</style></title></pre><h1>owned",
    "' onmouseover='alert(1)",
    "&lt;b&gt; &amp; \u202e\x00\ud800 \u2028",
    '<a href="javascript:alert(1)">click</a>',
    "x" * 3000,
)


class _Outline(HTMLParser):
    """Records every element with the names of its attributes, the text, and the scripts."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.drawn: set[tuple[str, tuple[str, ...]]] = set()
        self.in_drawing = False
        self.links: list[str] = []
        self.text: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self.policy = ""
        self.drawings: list[str] = []
        self._script: str | None = None
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = tuple(name for name, _ in attributes)
        if self.in_drawing:
            self.drawn.add((tag, names))
        else:
            self.elements.append((tag, names))
        self.in_drawing = self.in_drawing or tag == "svg"
        values = dict(attributes)
        self.links += [value or "" for name, value in attributes if name in ("src", "href", "action", "data")]
        if tag == "svg":
            self.drawings.append(values["class"] or "")
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""
        self._script = (values.get("type") or "text/javascript") if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self.in_drawing = self.in_drawing and tag != "svg"
        if not self.in_drawing:
            self.elements.append((f"/{tag}", ()))
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.text.append(data)
        else:
            self.scripts.append((self._script, data))


def _of(data: ReportData) -> _Outline:
    return _Outline(report_html(data))


def _with_text(runs: ModuleType, text: str) -> ReportData:
    """A run in which every text that somebody else may have written is `text`."""
    base = runs.report_data(30, failed=0.0, seed=2)
    trials = [
        replace(trial, origin=f"{text}{trial.origin}", architecture={text: text, "blocks": [{text: text}]})
        for trial in base.trials
    ]
    trials.append(
        replace(
            trials[-1],
            number=30,
            status="failed",
            metrics={},
            curve=None,
            predicted={},
            failure=Failure(text, text),
        )
    )
    networks = [
        replace(network, name=f"{text}{network.name}", architecture={text: text}) for network in base.networks
    ]
    return replace(
        base,
        name=text,
        trials=trials,
        result=replace(base.result, network=networks[0], references=tuple(networks[1:])),
        tile_map={
            "tile_rows": 64,
            "tile_columns": 64,
            "n_tiles": 1,
            "n_weights": 9,
            "utilisation": 0.1,
            "layers": {
                text: {"rows": 9, "columns": 4, "groups": 1, "utilisation": 0.1, "tiles": [[0, 9, 0, 4]]}
            },
        },
        config_text=text,
        environment={text: text, "packages": {text: text}},
        command=text,
    )


@pytest.fixture(scope="module")
def harmless(runs: ModuleType) -> _Outline:
    return _of(_with_text(runs, "harmless"))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_html_or_script(text: str, runs: ModuleType, harmless: _Outline) -> None:
    hostile = _of(_with_text(runs, text))
    assert hostile.elements == harmless.elements
    assert hostile.drawn <= harmless.drawn | {("polyline", ("points", "fill", "stroke", "stroke-width"))}
    assert hostile.links == harmless.links
    assert "".join(text.replace("\x00", "\ufffd").split())[:5] in "".join("".join(hostile.text).split())
    assert [kind for kind, _ in hostile.scripts] == ["text/javascript"]


def test_only_the_script_of_the_page_may_run(runs: ModuleType) -> None:
    document = report_html(runs.report_data())
    outline = _Outline(document)
    ((kind, script),) = outline.scripts
    assert kind == "text/javascript" and "ArrowRight" in script
    (allowed,) = re.findall(r"script-src ([^;]*)", outline.policy)
    assert allowed == f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    assert outline.policy.startswith("default-src 'none';")


def test_the_file_needs_no_other_file(runs: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, runs.report_data())
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    outline = _Outline(path.read_text(encoding="utf-8"))
    assert all(link.startswith("#") for link in outline.links)
    assert not {"link", "iframe", "object", "embed", "base", "form", "img"} & {
        tag for tag, _ in outline.elements
    }
    assert path.stat().st_size < 4e5


def test_the_main_figures_of_best_and_reference_are_in_the_text(runs: ModuleType) -> None:
    data = runs.report_data()
    text = "\n".join(_of(data).text)
    for network in data.networks:
        metrics = network.metrics
        assert f"{100 * metrics['accuracy_1d']:.2f} ± {100 * metrics['std_1d']:.2f} %" in text
        for metric in ("digital_accuracy", "avm", "parameters", "tiles"):
            assert amount(metric, metrics[metric]) in text
    for section in (
        "Accuracy over drift time",
        "Course of the search",
        "Predicted against measured",
        "Accuracy against cost",
        "Ten best trials",
        "Constraints",
        "Failed trials",
        "Reproduce",
    ):
        assert section in text
    assert "Kendall τ" in text
    assert data.command in text
    assert data.config_text in text
    assert "torch 2.13.0" in text
    assert f"{data.n_feasible} of {len(data.completed)} completed trials met all of them." in text
    assert all(trial.failure.reason in text for trial in data.failed)


def _plots(outline: _Outline) -> int:
    """Return how many figures there are; a telephone's drawings of them do not count."""
    return sum(kinds in ("wide", "") for kinds in outline.drawings)


@pytest.mark.parametrize(
    ("make", "plots", "words"),
    [
        (lambda runs: runs.report_data(48), 9, "the best is trial"),
        (lambda runs: runs.report_data(20, finished=False), 9, "Unfinished run: 20 trials"),
        (lambda runs: runs.report_data(3, finished=False, failed=0.0), 4, "Unfinished run: 3 trials"),
        (lambda runs: replace(runs.report_data(), trials=[], result=None), 0, "No trial has finished yet."),
        (lambda runs: runs.report_data(12, failed=1.0, finished=False), 1, "No result so far: 12 trials"),
        (lambda runs: replace(runs.report_data(), upper_bounds={}), 9, "The search had no constraints."),
        (lambda runs: replace(runs.report_data(), trials=[]), 4, "its record of trials is empty."),
        (
            lambda runs: replace(
                runs.report_data(30, finished=False), upper_bounds={"avm": 0.0, "parameters": 1.0}
            ),
            9,
            "No trial met all constraints; these are the best compromises.",
        ),
        (lambda runs: replace(runs.report_data(), environment={}), 9, "Not recorded."),
    ],
)
def test_a_run_in_any_state_has_a_report(
    runs: ModuleType, make: Callable[[ModuleType], ReportData], plots: int, words: str
) -> None:
    outline = _of(make(runs))
    assert words in "".join(outline.text)
    assert _plots(outline) == plots


def test_a_trial_that_lacks_a_metric_is_not_feasible(runs: ModuleType) -> None:
    data = runs.report_data(10, failed=0.0, finished=False)
    lacking = replace(data.trials[0], metrics={"accuracy_1d": 0.99})
    changed = replace(data, trials=[lacking, *data.trials[1:]])
    assert not changed.feasible(lacking)
    assert lacking not in changed.ranked
    assert _plots(_of(changed)) == 8


def test_many_reasons_of_failure_are_grouped(runs: ModuleType) -> None:
    base = runs.report_data(60, failed=1.0, finished=False)
    trials = [
        replace(trial, failure=Failure("common" if trial.number < 30 else f"rare {trial.number}", ""))
        for trial in base.trials
    ]
    text = "\n".join(_of(replace(base, trials=trials)).text)
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …" in text
    assert "11 more reasons are in trials.jsonl" in text


def test_importing_the_package_is_light() -> None:
    heavy = "[m for m in ('plotly', 'pandas', 'torch', 'scipy') if m in sys.modules]"
    code = f"import sys, analognas.report, analognas.export; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_text_and_attributes_are_escaped() -> None:
    assert element("p", {"title": 'a"b'}, "<i>", element("b", {}, "&")) == (
        '<p title="a&quot;b">&lt;i&gt;<b>&amp;</b></p>'
    )
    assert '<td class="number">&lt;1</td>' in table(["a", "b"], [["x", "<1"]], (1,))


def test_an_endless_architecture_is_cut() -> None:
    assert len(architecture_text({"layers": list(range(10_000))})) < 500


def test_the_head_says_what_was_searched_on_what(runs: ModuleType) -> None:
    assert "task digits · hardware pcm-analognas" in report_html(runs.report_data(5))


def test_every_figure_of_a_finalist_is_right_aligned(runs: ModuleType) -> None:
    data = runs.report_data()
    result = replace(data.result, finalists=(Finalist(data.result.trial, {"avm": 0.01, "tiles": 4.0}, ""),))
    shown = finalists_section(replace(data, result=result, objectives=[Objective("tiles", -1)]))
    assert shown.count('<th class="number">') == shown.count('<td class="number">') == 4


def test_the_finalists_tell_whether_the_network_of_the_race_was_exported(runs: ModuleType) -> None:
    data = runs.report_data()
    network = data.result.network
    raced = runs.metrics_of(network.curves["validation"], network.digital_accuracy["validation"], 1)
    won = replace(data.result, finalists=(Finalist(data.result.trial, raced, ""),))
    assert "The very network that was chosen is the one above" in finalists_section(replace(data, result=won))
    other = replace(won, finalists=(Finalist(won.trial, {**raced, "accuracy_1d": 0.5}, ""),))
    assert "trained once more" in finalists_section(replace(data, result=other))
    both_splits = replace(won, network=replace(network, curves={"test": network.curves["test"]}))
    assert "trained once more" in finalists_section(replace(data, result=both_splits))
