"""A report of a run of which a part is missing or damaged says so, on the page and on the error stream."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from analognas import Run
from analognas.export.checksums import write_checksums
from analognas.runs.damage import damage_of, n_missing
from tests.analognas.cli.command_line import invoke
from tests.analognas.runs.test_earlier_run import WRITTEN


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A whole run that has ended; its weights and models count as never written."""
    path = shutil.copytree(WRITTEN, tmp_path / "run")
    (path / "best" / "SHA256SUMS").unlink()
    write_checksums(path / "best")
    return path


def _keep(n: int) -> Callable[[Path], None]:
    def cut(run: Path) -> None:
        journal = run / "trials.jsonl"
        journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:n]))

    return cut


def _halve(run: Path) -> None:
    path = run / "best" / "analog.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _chosen(run: Path) -> int:
    return json.loads((run / "best" / "metrics.json").read_text())["trial"]


def _page(run: Path) -> str:
    return (run / "report.html").read_text(encoding="utf-8")


def test_a_whole_run_has_no_damage(run: Path) -> None:
    done = invoke("report", run)
    assert (done.exit_code, done.stderr) == (0, "")
    opened = Run.open(run)
    assert damage_of(opened.directory, opened.directory.trials(), opened.result) == []
    assert 'class="warning">' + str(run) not in _page(run)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_halve, ("analog.json", "the diagram", "analognas resume")),
        (lambda run: (run / "best" / "metrics.json").unlink(), ("metrics.json", "analognas resume")),
        (lambda run: (run / "best" / "SHA256SUMS").unlink(), ("SHA256SUMS", "analognas resume")),
    ],
)
def test_damage_of_the_best_network_is_told_twice(
    damage: Callable[[Path], object], words: tuple[str, ...], run: Path
) -> None:
    damage(run)
    done = invoke("report", run)
    assert done.exit_code == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{run / 'best'}: ")
    for word in words:
        assert word in line and word in _page(run)


def test_a_record_without_the_trial_of_the_result_is_refused(run: Path) -> None:
    _keep(_chosen(run) - 1)(run)
    done = invoke("report", run)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{run / 'trials.jsonl'}: has no trial {_chosen(run)}")
    assert not (run / "report.html").exists()


def test_a_record_that_was_cut_is_told_again_and_again(run: Path) -> None:
    assert invoke("report", run).exit_code == 0
    before = (run / "summary.csv").read_bytes()
    kept = _chosen(run)
    assert kept < 8
    _keep(kept)(run)
    for _ in range(2):
        done = invoke("report", run)
        assert done.exit_code == 0
        assert f"has {kept} trials, the run had 8 or more" in done.stderr
        assert f"has {kept} trials, the run had 8 or more" in _page(run)
        assert (run / "summary.csv").read_bytes() == before


def test_an_end_of_the_search_knows_how_many_trials_there_were(run: Path) -> None:
    shutil.rmtree(run / "best")
    (run / "search_end.json").write_text('{"reason": "", "trials": 8}')
    _keep(5)(run)
    opened = Run.open(run)
    assert n_missing(opened.directory, opened.directory.trials(), opened.result) == 3


def test_a_page_of_several_runs_tells_the_damage_of_each(run: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run, tmp_path / "other")
    _halve(other)
    done = invoke("report", run, other, "--out", tmp_path / "page.html")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{other / 'best'}: ")
    assert "analog.json" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_run_that_has_not_ended_may_have_begun_again(run: Path) -> None:
    assert invoke("report", run).exit_code == 0
    shutil.rmtree(run / "best")
    _keep(0)(run)
    done = invoke("report", run, "--figures", "svg")
    assert (done.exit_code, done.stderr) == (
        0, f"{run}: no trial has finished, so there is no figure to write\n",
    )  # fmt: skip
    assert "No trial has finished yet." in _page(run)
