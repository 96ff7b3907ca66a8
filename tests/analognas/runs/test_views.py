"""What is read of a run beside its report: a live view, figures as files, several runs on one page."""

from __future__ import annotations

import os
import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from analognas import Run
from analognas.errors import UserError
from analognas.progress.dashboard import render, sparkline
from analognas.record.journal import Journal
from analognas.runs.side_by_side import compare_runs
from analognas.runs.view import views
from tests.analognas.cli.command_line import invoke
from tests.analognas.runs.test_earlier_run import WRITTEN


@pytest.fixture
def run(tmp_path) -> Path:
    return shutil.copytree(WRITTEN, tmp_path / "run")


def _text(view) -> str:
    console = Console(width=100, record=True, file=StringIO())
    console.print(render(view))
    return console.export_text()


def test_a_view_follows_the_record_and_ends_with_the_run(run: Path) -> None:
    journal, report = run / "trials.jsonl", run / "report.html"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]))
    best = shutil.move(run / "best", run.parent / "best")
    shown = views(Run.open(run).directory)
    first = next(shown)
    assert (first.status["finished"], len(first.trials), len(first.best)) == (3, 3, 3)
    journal.write_bytes(b"".join(lines))
    assert next(shown).status["finished"] == len(lines)
    shutil.move(best, run / "best")
    report.write_text("")
    assert next(shown).status["state"] == "finished"
    assert next(shown, None) is None


def test_a_view_shows_the_last_trials_and_the_best(run: Path) -> None:
    view = next(views(Run.open(run).directory))
    text = _text(view)
    assert f"{len(view.trials)} of {view.status['trials']} trials" in text
    metrics = view.trials[-1].metrics
    assert f"{100 * metrics['accuracy_1d']:.2f} ± {100 * metrics['std_1d']:.2f}" in text
    assert sparkline(view.best, 64) in text


def test_a_record_of_a_stranger_is_neither_markup_nor_an_escape(run: Path) -> None:
    journal = run / "trials.jsonl"
    journal.write_text(journal.read_text().replace('"origin":"', '"origin":"[red]\\u001b[2J'))
    text = _text(next(views(Run.open(run).directory)))
    assert "[red]\ufffd[2J" in text and "\x1b" not in text


def test_watch_shows_a_run_once_where_there_is_no_terminal(run: Path) -> None:
    done = invoke("watch", run)
    assert done.exit_code == 0, done.stderr
    assert "trials, 0 failed" in done.stdout
    assert invoke("watch", run.parent).exit_code == 2


def test_watch_ends_when_nobody_works_on_a_run(run: Path, monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal for rich
    shutil.rmtree(run / "best")
    os.utime(run / "trials.jsonl", (0, 0))
    done = invoke("watch", run, "--interval", "0.2")
    assert done.exit_code == 0, done.stderr
    assert f"continue with: analognas resume {run}" in " ".join(done.stdout.split())
    assert "report:" not in done.stdout
    shown = views(Run.open(run).directory)
    with Journal(run / "trials.jsonl"):
        assert [next(shown).status["state"] for _ in range(3)] == ["running"] * 3
    os.utime(run / "trials.jsonl")  # ask and tell: a trial a moment ago
    assert [next(shown).status["state"] for _ in range(2)] == ["not finished"] * 2
    os.utime(run / "trials.jsonl", (0, 0))
    with monkeypatch.context() as elsewhere:  # whose locks do not show: its slow trials are waited for
        elsewhere.setattr("analognas.runs.view.node_name", lambda: "another")
        elsewhere.setattr("analognas.runs.view.ELSEWHERE", 1e12)
        assert [next(shown).status["state"] for _ in range(2)] == ["not finished"] * 2
    assert next(shown).status["state"] == "not finished"
    assert next(shown, None) is None


def test_figures_are_files_by_name(run: Path) -> None:
    done = invoke("report", run, "--figures", "svg")
    assert done.exit_code == 0, done.stderr
    names = {path.name for path in (run / "figures").iterdir()}
    assert {"drift.svg", "search.svg", "tiles.svg", "network.svg", "front-parameters.svg"} <= names
    for wrong in ("gif", "svg,eps"):
        assert "unknown format" in invoke("report", run, "--figures", wrong).stderr


def test_several_runs_are_one_page_of_their_own(run: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run, tmp_path / "deeper" / "run")
    out = tmp_path / "page.html"
    done = invoke("report", run, other, "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "The configurations are the same." in out.read_text()
    assert f"{tmp_path.name}/run" in out.read_text() and "deeper/run" in out.read_text()
    again = invoke("report", run, other, "--out", out)
    assert again.exit_code == 2 and "--force" in again.stderr
    assert invoke("report", run, other, "--out", out, "--force").exit_code == 0
    with pytest.raises(UserError, match="2 to 12 different runs"):
        compare_runs([run, run], tmp_path / "x.html")
    assert invoke("report", run, "--out", out).exit_code == 2
    assert invoke("report", run, other, "--sensitivity").exit_code == 2


def test_a_damaged_sensitivity_names_its_file(run: Path) -> None:
    (run / "sensitivity.json").write_text('{"layers": 3}')
    done = invoke("report", run)
    assert done.exit_code == 2
    assert "sensitivity.json: layers" in done.stderr and "--sensitivity" in done.stderr
