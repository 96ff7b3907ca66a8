"""A disk that fills up at any write of a whole run. Run with `pytest -m faults`; needs the right to mount a tmpfs."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from analognas.api.searches import resume
from analognas.errors import UserError
from analognas.executors.serial import SerialExecutor
from analognas.progress.observer import Silent
from analognas.record.journal import read_trials
from tests.analognas.executors import evaluations
from tests.analognas.executors.drive import check_run, drive, search_loop
from tests.analognas.small_search import analognas_process as analognas
from tests.analognas.small_search import write_small

pytestmark = pytest.mark.faults

PAGE = 4096
QUICK = ("--set", "references=[]", "--set", "search.trials=6")


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 8 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path], check=False)
    if mounted.returncode:
        pytest.skip("no right to mount")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def leave_free(disk: Path, n_bytes: int) -> None:
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    free = int(subprocess.check_output(["df", "--output=avail", "-B1", str(disk)]).split()[-1])
    filler.write_bytes(bytes(max(0, free - n_bytes)))


def test_a_disk_that_is_full_at_any_write_costs_nothing(disk, tmp_path) -> None:
    run = disk / "run"
    config = write_small(tmp_path)
    leave_free(disk, 0)
    done = analognas("search", config, "--out", run, *QUICK)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert not run.exists()

    leave_free(disk, 24_000)
    done = analognas("search", config, "--out", run, *QUICK)
    assert_clear(done, run)
    kept = [trial.number for trial in read_trials(run / "trials.jsonl")]
    assert kept == list(range(1, len(kept) + 1))
    n_kept = [len(kept)]
    for free in (8_000, 40_000, 150_000, 300_000):
        leave_free(disk, free)
        done = analognas("resume", run)
        assert_clear(done, run)
        n_kept.append(len(read_trials(run / "trials.jsonl")))
    assert n_kept == sorted(n_kept)
    (disk / "filler").unlink()
    done = analognas("resume", run, "--json")
    assert done.returncode == 0, done.stderr
    trials = read_trials(run / "trials.jsonl")
    assert [trial.number for trial in trials] == [1, 2, 3, 4, 5, 6]
    assert len({trial.genotype for trial in trials}) == 6
    best = json.loads(done.stdout)["best_trial"]
    assert trials[best - 1].metrics["accuracy_1d"] == max(trial.metrics["accuracy_1d"] for trial in trials)
    leftovers = [path.name for path in run.iterdir() if path.name.startswith(".")]
    assert not leftovers


def test_a_disk_that_is_full_at_every_page_of_the_journal_costs_nothing(disk) -> None:
    """A tmpfs gives out pages: every page that the journal needs is missing once."""
    journal = disk / "trials.jsonl"
    n_trials, kept, stops = 40, b"", 0
    leave_free(disk, 0)
    while True:
        try:
            drive(disk, search_loop(n_trials), SerialExecutor(evaluations.instant))
        except UserError as error:
            assert "No space left on device" in str(error)
            assert f"make room and run `analognas resume {disk}`" in str(error)
        else:
            break
        content = journal.read_bytes()
        assert content.startswith(kept)
        assert content.endswith(b"\n") or not content
        kept = content
        stops += 1
        leave_free(disk, PAGE)
    assert stops == -(-journal.stat().st_size // PAGE)
    check_run(disk, n_trials)


def test_a_disk_that_is_full_at_any_file_of_the_end_costs_nothing(disk, tmp_path) -> None:
    run, plenty = disk / "run", tmp_path / "plenty"
    done = analognas("search", write_small(tmp_path), "--out", plenty, *QUICK)
    assert done.returncode == 0, done.stderr
    run.mkdir()
    for name in ("config.yaml", "environment.json", "trials.jsonl"):
        (run / name).write_bytes((plenty / name).read_bytes())
    free, places = PAGE, set()
    while True:
        leave_free(disk, free)
        try:
            resume(run, observer=Silent())
        except UserError as error:
            said = str(error)
        else:
            break
        assert "No space left on device" in said
        assert str(run) in said
        assert (run / "trials.jsonl").read_bytes() == (plenty / "trials.jsonl").read_bytes()
        assert not list(run.glob(".*")), "a half-written file was left behind"
        places.add("best" if not (run / "best").exists() else "report")
        free = free * 3 // 2
    assert places == {"best", "report"}
    for name in ("summary.csv", "pareto.csv"):
        assert (run / name).read_bytes() == (plenty / name).read_bytes()
    best = json.loads((run / "best" / "metrics.json").read_text())["trial"]
    trials = read_trials(run / "trials.jsonl")
    assert trials[best - 1].metrics["accuracy_1d"] == max(trial.metrics["accuracy_1d"] for trial in trials)


def assert_clear(done: subprocess.CompletedProcess[str], run: Path) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "No space left on device" in last
    assert str(run) in last


def test_missing_and_truncated_derived_files_are_made_again(tmp_path) -> None:
    run = tmp_path / "run"
    done = analognas("search", write_small(tmp_path), "--out", run, *QUICK)
    assert done.returncode == 0, done.stderr
    whole = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    for damage in ("missing", "truncated"):
        for name in ("summary.csv", "pareto.csv", "report.html", "environment.json"):
            if damage == "missing":
                (run / name).unlink()
            else:
                (run / name).write_bytes(whole[name][: len(whole[name]) // 2])
        with (run / "trials.jsonl").open("ab") as file:
            file.write(b'{"number": 7, "geno')
        assert analognas("resume", run).returncode == 0
        assert (run / "trials.jsonl").read_bytes() == whole["trials.jsonl"]
        assert (run / "summary.csv").read_bytes() == whole["summary.csv"]
        assert (run / "pareto.csv").read_bytes() == whole["pareto.csv"]
        assert (run / "report.html").read_bytes().endswith(b"</html>\n")
