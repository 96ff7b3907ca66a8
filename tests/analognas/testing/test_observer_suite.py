"""The suite of observers accepts what is built in, and names what is wrong with broken ones."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analognas.progress.audience import EVENTS
from analognas.progress.observer import Silent
from analognas.progress.specs import OBSERVERS
from analognas.testing import (
    BrokenObserverError,
    check_observer,
)

TRACKERS = ("tensorboard", "mlflow", "wandb")
"""Observers whose packages are extras."""


@pytest.mark.parametrize("name", OBSERVERS)
def test_built_in_observers_keep_their_contract(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with warnings.catch_warnings():
        if name in TRACKERS:
            warnings.simplefilter("ignore")  # what those packages warn of is theirs
            pytest.importorskip(name)
        check_observer(OBSERVERS[name]().build())


class Deaf:
    stage = None


class Mute:
    progress = "25 %"


class Formats(Silent):
    def trial(self, trial: Any, n_trials: int, best: Any) -> None:
        self.shown = f"{trial.metrics['accuracy_1d']:.2f}"  # a failed one has none


class Impatient(Silent):
    def progress(self, progress: Any) -> None:
        progress.time_left_s + 1  # None before the first trial


class Meddles(Silent):
    def trial(self, trial: Any, n_trials: int, best: Any) -> None:
        trial.metrics["avm"] = 0.0


class Configures(Silent):
    def begin(self, start: Any) -> None:
        start.config["search"].clear()


class Answers(Silent):
    def stage(self, name: str) -> Any:
        return name


class Once(Silent):
    def __init__(self) -> None:
        self.runs = []

    def begin(self, start: Any) -> None:
        assert not start.earlier, "a run that goes on"


class Opens:
    def close(self) -> None:
        raise OSError("closed already")


@pytest.mark.parametrize(
    ("observer", "message"),
    [
        (Deaf(), "at least one of the methods begin, stage, progress, trial, result, end, close"),
        (Silent, "must be an object, got the class Silent"),
        (Mute(), "`progress` must be a method, got '25 %'"),
        (Formats(), "`trial` must not fail, got KeyError"),
        (Impatient(), "`progress` must not fail, got TypeError"),
        (Meddles(), "`trial` must leave what it is told alone"),
        (Configures(), "`begin` must leave what it is told alone"),
        (Answers(), "`stage` must return nothing, got 'run directory"),
        (Once(), "`begin` must not fail, got AssertionError: a run that goes on"),
        (Opens(), "`close` must not fail, got OSError"),
    ],
)
def test_a_broken_observer_is_found(observer: Any, message: str) -> None:
    with pytest.raises(BrokenObserverError, match=message):
        check_observer(observer)


@pytest.mark.parametrize("event", EVENTS)
def test_an_observer_with_one_method_is_one(event: str) -> None:
    heard = []
    check_observer(SimpleNamespace(**{event: lambda *about: heard.append(about)}))
    assert heard
