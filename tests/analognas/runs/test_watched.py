"""A real search tells its observers everything, in order, once and resumed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analognas
from analognas.config.sections import SearchConfig
from analognas.driver.selection import better_of
from analognas.progress.audience import EVENTS
from analognas.record.trial import Trial
from analognas.runs.watched import _each_with_the_best
from analognas.strategies.problem import SearchProblem
from analognas.testing import made_up
from tests.analognas.cli.command_line import invoke
from tests.analognas.small_search import write_small

QUICK = (
    "search.strategy.kind=random",
    "search.batch=1",
    "references=[]",
    "space.oc0=[8, 8]",
    "space.m=[1, 1]",
    "training.digital={epochs: 1, updates: 0}",
    "training.hardware_aware={epochs: 1, updates: 0}",
    "evaluation.chips=2",
    "final={digital_epochs: 1, hardware_aware_epochs: 1, chips: 2}",
)


class Notes:
    """Notes what it is told, and stops the run at a trial."""

    def __init__(self, stop_at: int = 0) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.stop_at = stop_at

    def __getattr__(self, event: str) -> Any:
        if event not in EVENTS:
            raise AttributeError(event)

        def note(*about: Any) -> None:
            self.heard.append((event, about[0] if about else None))
            if event == "trial" and about[0].number == self.stop_at:
                raise KeyboardInterrupt

        return note

    @property
    def events(self) -> list[str]:
        """Without stages, which may be told at any time."""
        return [event for event, _ in self.heard if event != "stage"]

    def told(self, event: str) -> Any:
        """Return what it was told of once."""
        (about,) = [about for name, about in self.heard if name == event]
        return about


class Fails:
    def __init__(self) -> None:
        self.calls = 0

    def trial(self, *_: object) -> None:
        self.calls += 1
        raise RuntimeError("no network")


def trial_numbers(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["trial"] for row in csv.DictReader(file)]


def test_a_search_that_is_interrupted_resumed_and_reported_again(tmp_path: Path, capsys) -> None:
    out, fails = tmp_path / "run", Fails()
    first = Notes(stop_at=2)
    changes = ["search.trials=3", *QUICK]
    with pytest.raises(KeyboardInterrupt):
        analognas.search(write_small(tmp_path), out=out, overrides=changes, observer=[fails, "csv", first])
    assert first.events == ["begin", "progress", "trial", "progress", "trial", "end", "close"]
    start, end = first.told("begin"), first.told("end")
    assert (start.path, start.n_trials, start.earlier) == (out, 3, ())
    assert start.config["task"]["kind"] == "digits"
    assert start.config["constraints"]["parameters"] == 20_000
    assert (end.status, end.reason) == ("interrupted", "")
    assert fails.calls == 1
    assert capsys.readouterr().err.count("observer failed: Fails.trial (test_watched.py:") == 1
    assert trial_numbers(out / "trials.csv") == ["1", "2"]

    second, partial = Notes(), tmp_path / "all.csv"
    run = analognas.resume(out, observer=[second, "csv", f"csv(path={partial})"])
    assert second.events == ["begin", "progress", "trial", "result", "end", "close"]
    assert [trial.number for trial, _ in second.told("begin").earlier] == [1, 2]
    assert second.told("trial").number == 3
    assert second.told("result") == run.result
    end = second.told("end")
    assert end.status == "completed"
    assert [path.name for path in end.files] == ["config.yaml", "summary.csv", "report.html", "best"]
    assert trial_numbers(out / "trials.csv") == trial_numbers(partial) == ["1", "2", "3"]

    third = Notes()
    analognas.finish(out, observer=third)
    assert third.events == ["begin", "result", "end", "close"]
    assert len(third.told("begin").earlier) == 3

    assert invoke("resume", out, "--progress", "silent").exit_code == 0  # without those of before


def test_a_search_without_a_trial_that_completes_has_failed(tmp_path: Path) -> None:
    notes = Notes()
    changes = ["search.trials=1", *QUICK, "training.digital.epochs=2"]
    changes += ["training.early_stop={epoch: 1, accuracy: 0.999}"]
    with pytest.raises(analognas.NoFeasibleArchitectureError):
        analognas.search(write_small(tmp_path), out=tmp_path / "run", overrides=changes, observer=notes)
    assert notes.events == ["begin", "progress", "trial", "end", "close"]
    end = notes.told("end")
    assert end.status == "failed"
    assert "all 1 trials failed" in end.reason
    assert "report.html" in {path.name for path in end.files}


@pytest.mark.parametrize("observer", ["csvs", "csv(path=/no/such/folder/a.csv)", "csv(pth=1)"])
def test_a_wrong_observer_ends_every_command_before_it_begins(
    tmp_path: Path, observer: str, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = write_small(tmp_path)
    for command in (["search", config], ["compare", config], ["resume", "run"], ["finish", "run"]):
        result = invoke(*command, "--observer", "silent", "--observer", observer)
        assert result.exit_code == 2
        assert ("csv" in result.stderr) == (len(result.stderr.splitlines()) == 1)
    with pytest.raises(analognas.UserError):
        analognas.search(config, out="run", observer=observer)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.yaml"]


def test_the_best_of_earlier_trials_is_what_the_search_told() -> None:
    config = SearchConfig.model_validate(
        {"task": {"kind": "digits"}, "constraints": {"avm": 0.03, "std_1d": 0.02, "parameters": 10**6}}
    )
    problem = SearchProblem(None, config.objectives[0], config.constraints.upper_bounds())  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    trials: list[Trial] = []
    for number in range(1, 60):
        one = made_up.trial(number, failed=bool(rng.integers(4) == 0))
        if one.metrics:
            one.metrics.update(  # type: ignore[attr-defined]  # the records of made_up are dictionaries
                accuracy_1d=rng.integers(1, 5) / 5, avm=rng.uniform(0, 0.06), parameters=rng.integers(1, 4)
            )
        trials.append(one)
    best = None
    for trial, (told, best_told) in zip(trials, _each_with_the_best(config, trials), strict=True):
        best = better_of(problem, best, trial)
        assert told is trial
        assert best_told is best
    assert best is not trials[1]
