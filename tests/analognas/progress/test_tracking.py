"""What a tracker is told of a run, from its begin to its end, once and resumed."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analognas.progress.observer import RunEnd, RunStart
from analognas.progress.tracking import MEMORY, Figures, TrackingObserver, flat
from analognas.testing import made_up

TRIALS = [made_up.trial(1, failed=True), made_up.trial(2), made_up.trial(3)]
TOLD = [(TRIALS[0], None), (TRIALS[1], TRIALS[1]), (TRIALS[2], TRIALS[1])]


@dataclass
class Notes:
    """A tracker that notes what it is told."""

    names: list[str] = field(default_factory=lambda: ["first"])
    known: list[str] = field(default_factory=list)
    logged: dict[int, Figures] = field(default_factory=dict)
    ends: list[tuple[str, Figures]] = field(default_factory=list)

    def open(self, start: RunStart, known: str) -> str:
        self.known.append(known)
        return self.names[-1]

    def log(self, step: int, figures: Figures) -> None:
        assert step not in self.logged, "a trial twice"
        self.logged[step] = figures

    def close(self, end: RunEnd, figures: Figures) -> None:
        self.ends.append((end.status, figures))


def run(tracker: Notes, folder: Path, earlier: int, until: int) -> None:
    """Tell of a run that has `earlier` trials and is stopped after `until`."""
    observer = TrackingObserver("notes", tracker)
    observer.begin(RunStart(folder, {}, 3, TOLD[:earlier]))
    for trial, best in TOLD[earlier:until]:
        observer.trial(trial, 3, best)
    if until == 3:
        observer.result(made_up.result())
    observer.end(RunEnd("completed" if until == 3 else "interrupted"))


def test_figures_of_trials_best_and_final_network(tmp_path: Path) -> None:
    tracker = Notes()
    run(tracker, tmp_path, 0, 3)
    assert tracker.logged[1] == {"search/failed": 1.0}
    third = tracker.logged[3]
    assert third["trial/accuracy_1d"] == TRIALS[2].metrics["accuracy_1d"]
    assert third["best/accuracy_1d"] == TRIALS[1].metrics["accuracy_1d"]
    assert (third["trial/wall_time_s"], third["trial/budget"], third["search/failed"]) == (1.5, 1.0, 1.0)
    ((status, final),) = tracker.ends
    result = made_up.result()
    assert status == "completed"
    assert final["final/avm"] == result.network.metrics["avm"]
    assert final["reference/resnet8/avm"] == result.others[0].metrics["avm"]


@pytest.mark.parametrize("stopped", [0, 1, 2])
def test_a_run_that_goes_on_is_continued(tmp_path: Path, stopped: int) -> None:
    tracker = Notes()
    run(tracker, tmp_path, 0, stopped)
    run(tracker, tmp_path, stopped, 3)
    assert tracker.known == ["", "first"]
    assert sorted(tracker.logged) == [1, 2, 3]
    assert tracker.logged[3]["search/failed"] == 1.0
    assert [status for status, _ in tracker.ends] == ["interrupted", "completed"]
    assert tracker.ends[0][1] == {}


def test_trials_that_nobody_told_of_are_told_later(tmp_path: Path) -> None:
    tracker = Notes()
    run(tracker, tmp_path, 0, 1)
    run(tracker, tmp_path, 2, 3)  # the second trial was made without the tracker
    assert sorted(tracker.logged) == [1, 2, 3]


def test_a_run_that_the_tracker_lost_is_told_whole(tmp_path: Path) -> None:
    run(Notes(), tmp_path, 0, 2)
    tracker = Notes(names=["second"])
    run(tracker, tmp_path, 2, 3)
    assert tracker.known == ["first"]
    assert sorted(tracker.logged) == [1, 2, 3]


@pytest.mark.parametrize("content", ["", "[]", '{"notes": 3}', '{"notes": {"run": 1, "trials": 2}}', "\0"])
def test_a_damaged_memory_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / MEMORY).write_text(content)
    tracker = Notes()
    run(tracker, tmp_path, 2, 3)
    assert tracker.known == [""]
    assert sorted(tracker.logged) == [1, 2, 3]
    assert json.loads((tmp_path / MEMORY).read_text()) == {"notes": {"run": "first", "trials": 3}}


def test_trackers_share_the_memory(tmp_path: Path) -> None:
    (tmp_path / MEMORY).write_text('{"other": {"run": "x", "trials": 1}}')
    run(Notes(), tmp_path, 0, 3)
    assert json.loads((tmp_path / MEMORY).read_text())["other"] == {"run": "x", "trials": 1}


def test_a_configuration_is_flat_numbers_and_texts() -> None:
    config = {"a": {"b": 1.5, "c": {"d": None}}, "e": True, "f": [1, "x"], "g": {}}
    assert flat(config) == {"a.b": 1.5, "a.c.d": "null", "e": True, "f": '[1, "x"]'}
