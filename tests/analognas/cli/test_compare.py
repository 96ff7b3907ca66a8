"""`analognas compare`: whole small searches, interrupted and continued; mistakes in one line."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

import analognas
from analognas.progress.observer import Silent
from analognas.record.journal import read_trials
from tests.analognas.cli.test_commands import invoke
from tests.analognas.small_search import TINY, command, environment
from tests.analognas.small_search import analognas as run_command

SEARCH = TINY.replace("references: []", "references: [resnet8]").replace("trials: 5", "trials: 4")
TWO = ("--seeds", "2", "--strategies", "surrogate-guided,random")


def digest(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("trials.jsonl"))}


@pytest.mark.slow
def test_a_comparison_is_interrupted_and_continued_and_read_again(tmp_path) -> None:
    config, out = tmp_path / "tiny.yaml", tmp_path / "out"
    config.write_text(SEARCH)
    process = subprocess.Popen(
        command("compare", config, *TWO, "--out", out),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    second = out / "random" / "seed-0" / "trials.jsonl"
    deadline = time.monotonic() + 120
    while not (second.exists() and second.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert f"analognas compare {config} --seeds 2 --strategies surrogate-guided,random --out {out}" in told
    partial = json.loads((out / "comparison.json").read_text())
    states = [run["state"] for run in partial["runs"]]
    assert states == ["finished", "open", "open", "open"]
    assert [run["note"] for run in partial["runs"]] == ["", "not finished", "not begun", "not begun"]
    kept = second.read_bytes()
    assert partial["runs"][1]["trials"] == kept.count(b"\n") >= 1

    done = run_command("compare", config, *TWO, "--out", out)
    assert done.returncode == 0, done.stderr
    assert second.read_bytes().startswith(kept)
    assert "1 of 4 searches have ended already" in done.stderr
    assert "random, seed 2 of 2: " in done.stderr
    assert "surrogate-guided, seed 1 of 2: " not in done.stderr
    for strategy in ("surrogate-guided", "random"):
        for seed in (0, 1):
            run = analognas.Run.open(out / strategy / f"seed-{seed}")
            assert run.status()["state"] == "finished"
            assert (run.config.search.strategy.kind, run.config.seed) == (strategy, seed)
            assert len(read_trials(run.directory.journal)) == 4
    assert "2 seeds, each with its 2 chips, and 359 test images" in done.stdout
    root = ElementTree.fromstring((out / "comparison.svg").read_text())
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2

    before = digest(out)
    again = invoke("compare", config, *TWO, "--out", out, "--json")
    assert again.exit_code == 0
    values = json.loads(again.stdout)
    assert values == json.loads((out / "comparison.json").read_text())
    assert digest(out) == before
    for run in values["runs"]:
        metrics = json.loads((Path(run["run"]) / "best" / "metrics.json").read_text())
        assert run["network"]["metrics"] == metrics["network"]["metrics"]
        reference = metrics["references"][0]["metrics"]
        expected = metrics["network"]["metrics"]["accuracy_1d"] - reference["accuracy_1d"]
        assert run["differences"]["resnet8"]["mean"] == pytest.approx(expected, abs=1e-6)

    refused = invoke("compare", config, *TWO, "--out", out, "--set", "evaluation.chips=4")
    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "this run began as another search: evaluation.chips: 2 in the run, now 4" in refused.stderr
    assert digest(out) == before


@pytest.mark.slow
def test_a_search_in_which_every_trial_fails_is_a_row_with_a_note(tmp_path) -> None:
    out = tmp_path / "out"
    hopeless = SEARCH.replace("learning_rate: 0.01", "learning_rate: 1.0e+30")
    assert hopeless != SEARCH
    (tmp_path / "tiny.yaml").write_text(hopeless)
    several = ("--strategies", "random,regularized-evolution(population=3, tournament=2)")
    done = invoke("compare", tmp_path / "tiny.yaml", "--seeds", "4,", *several, "--out", out)
    assert done.exit_code == 3
    assert "random, seed 4: " in done.stdout
    assert "regularized-evolution(population=3, tournament=2), seed 4: " in done.stdout
    assert (out / "regularized-evolution-population-3-tournament-2" / "seed-4" / "trials.jsonl").exists()
    assert "all 4 trials failed" in done.stdout
    run, _ = json.loads((out / "comparison.json").read_text())["runs"]
    assert (run["state"], run["trials"], run["seed"]) == ("failed", 4, 4)
    again = analognas.compare(
        tmp_path / "tiny.yaml", seeds=[4], strategies=several[1:], out=out, observer=Silent()
    )
    assert again.runs[0].state == "failed"
    assert again.runs[0].trials == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seeds", "0"), "--seeds: must be how many, 1 to 1000, got 0; the seed 0 alone is --seeds 0,"),
        (("--seeds", "-1"), "--seeds: must be how many, 1 to 1000, got -1"),
        (("--seeds", "1001"), "got 1001; the seed 1001 alone is --seeds 1001,"),
        (("--seeds", "many"), "--seeds: must be how many, such as 5, or a list such as 3,7,11, got 'many'"),
        (("--seeds", "1,1"), "got [1, 1]"),
        (("--strategies", ""), "--strategies must be a list of names"),
        (("--strategies", "randon"), "--strategies: unknown strategy 'randon', did you mean random?"),
        (("--strategies", "collection"), "--strategies: collection is no search; choose of random, "),
        (("--strategies", "random", "--strategies", "random"), "each must be named once, got random, random"),
        (("--strategies", "optuna-tpe(initial=4"), "--strategies: optuna-tpe(initial=4: `)` is missing"),
        (
            ("--strategies", "random,optuna-tpe(initial=40)"),
            "optuna-tpe(initial=40), seed 0: strategy optuna-tpe(",
        ),
        (("--out", "tiny.yaml"), "tiny.yaml: is a file; choose another directory with --out"),
        (("--out", "."), "is in use, and no comparison (comparison.json); choose another with --out"),
        (("--set", "search.strategy.initail=4"), "unknown key, did you mean `initial`?"),
        (("--set", "search.trials=3"), "`search.strategy.initial <= search.trials` must hold, got 4 > 3"),
        (("--executor", "serail"), "unknown kind 'serail', did you mean `serial`?"),
    ],
)
def test_mistakes_are_told_in_one_line_before_anything_is_created(
    tmp_path, monkeypatch, arguments, told
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(SEARCH)
    before = sorted(tmp_path.rglob("*"))
    done = invoke("compare", "tiny.yaml", *arguments)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_is_not_there_is_told() -> None:
    done = invoke("compare", "nowhere.yaml")
    assert done.exit_code == 2
    assert done.stderr.startswith("nowhere.yaml: no such file")
