"""Every suite accepts what is built in, and names what is wrong with broken implementations."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from analognas.executors.executor import ExecutorState
from analognas.executors.limits import Limits
from analognas.executors.processes import ProcessExecutor
from analognas.executors.serial import SerialExecutor
from analognas.export import FORMATS, Format
from analognas.progress.audience import EVENTS
from analognas.progress.observer import Silent
from analognas.progress.specs import OBSERVERS
from analognas.record.trial import Failure, Trial
from analognas.record.validation import FinalResult
from analognas.report.html import Html, element
from analognas.report.report import SECTIONS
from analognas.tasks import Split, Task
from analognas.tasks.digits import load_digits
from analognas.testing import (
    BrokenExecutorError,
    BrokenFormatError,
    BrokenObserverError,
    BrokenSectionError,
    BrokenSurrogateError,
    BrokenTaskError,
    check_executor,
    check_format,
    check_observer,
    check_section,
    check_surrogate,
    check_task,
    made_up,
)
from surrogates import GaussianProcessSurrogate, Prediction, load_surrogate
from surrogates.specs import SURROGATES

TRACKERS = ("tensorboard", "mlflow", "wandb")
"""Observers whose packages are extras."""


def test_made_up_records_are_valid_ones() -> None:
    for trial in (made_up.trial(1), made_up.trial(2, failed=True, text=made_up.HOSTILE)):
        assert Trial.from_json(trial.to_json()) == trial
    text = made_up.result().to_json()
    assert FinalResult.from_json(text).to_json() == text


# surrogates


@pytest.mark.parametrize("kind", SURROGATES)
def test_built_in_surrogates_keep_their_contract(kind: str) -> None:
    check_surrogate(SURROGATES[kind]().build(), load_surrogate)


class Fitted:
    """A Gaussian process with a mistake in one method."""

    def __init__(self, fitted: Any, mistake: str, features: Any) -> None:
        self.fitted, self.mistake, self.columns = fitted, mistake, list(features.columns)

    def predict(self, features: Any) -> Any:
        if self.mistake == "tolerant":
            features = features.reindex(columns=self.columns, fill_value=0.0)
        if self.mistake == "by place":
            features = features.set_axis(self.columns, axis=1)
        found = self.fitted.predict(features)
        mean, std = found.mean, found.std
        return {
            "a table": mean,
            "fewer": Prediction(mean[:-1], std),
            "another target": Prediction(mean.rename(columns={"avm": "drift"}), std),
            "no index": Prediction(mean.reset_index(drop=True), std.reset_index(drop=True)),
            "not a number": Prediction(mean * np.nan, std),
            "negative": Prediction(mean, std - 1.0),
            "no order": Prediction(-mean, std),
            "in company": Prediction(mean + len(mean), std),
        }.get(self.mistake, found)

    def save(self, folder: Path) -> None:
        if self.mistake == "nothing":
            folder.mkdir()
            return
        self.fitted.save(folder)
        if self.mistake == "beside":
            (folder.parent / "other.json").write_text("{}")
        if self.mistake == "pickle":
            torch.save({}, folder / "model.bin")


@dataclass
class Wrong:
    """A surrogate with a mistake."""

    mistake: str

    def fit(self, features: Any, targets: Any, rng: np.random.Generator) -> Any:
        if self.mistake == "mends":
            targets = targets.fillna(0.0)
        if self.mistake == "crashes":
            raise KeyError("depth")
        if self.mistake == "no methods":
            return object()
        fitted = GaussianProcessSurrogate().fit(features, targets, rng)
        if self.mistake == "changes":
            features["depth"] = 0.0
        if self.mistake == "moody":
            shift = np.random.default_rng().random()
            fitted = GaussianProcessSurrogate().fit(features, targets + shift, rng)
        return Fitted(fitted, self.mistake, features)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("crashes", "`fit` must not fail, got KeyError"),
        ("no methods", "`fit` must return an object with the method `predict`"),
        ("changes", "`fit` must leave its tables alone"),
        ("moody", "`fit` must return equal models for equal tables and generators"),
        ("mends", "`fit` must raise ValueError for NaN among the targets, got no error"),
        ("a table", "`predict` must return 40 rows of accuracy_1d, std_1d, avm as `mean`"),
        ("fewer", "`predict` must return 40 rows"),
        ("another target", "`predict` must return 40 rows of accuracy_1d, std_1d, avm"),
        ("no index", "`predict` must keep the index of the features"),
        ("not a number", "`predict` must return finite values as `mean`, got nan"),
        ("negative", "`predict` must return 0 or more as `std`"),
        ("no order", "`predict` must order the trials of the fit"),
        ("in company", "`predict` must predict a row alone as in company"),
        ("by place", "`predict` must find features by their names"),
        ("tolerant", "`predict` must raise ValueError for a missing feature, got no error"),
        ("nothing", "`save` must create the folder and write files into it"),
        ("beside", r"`save` must write nothing beside its folder, got \['other.json'\]"),
        ("pickle", r"`save` must write open formats, never pickle, got \['model.bin'\]"),
    ],
)
def test_a_broken_surrogate_is_found(mistake: str, message: str) -> None:
    with pytest.raises(BrokenSurrogateError, match=message):
        check_surrogate(Wrong(mistake))


def test_a_surrogate_that_forgets_what_it_was_saved_with_is_found() -> None:
    with pytest.raises(
        BrokenSurrogateError, match="`load` must return a surrogate that predicts what it did"
    ):
        check_surrogate(GaussianProcessSurrogate(), lambda folder: Shifted(load_surrogate(folder)))


@dataclass
class Shifted:
    """Predicts a little more than what it has."""

    fitted: Any

    def predict(self, features: Any) -> Prediction:
        found = self.fitted.predict(features)
        return Prediction(found.mean + 0.1, found.std)


# executors


@pytest.mark.parametrize(
    "make",
    [
        SerialExecutor,
        lambda evaluate: ProcessExecutor(
            evaluate, workers=2, max_in_flight=4, max_retries=1, limits=Limits(None, None, 1)
        ),
    ],
    ids=["serial", "processes"],
)
def test_built_in_executors_keep_their_contract(make: Any) -> None:
    check_executor(make)


class WrongExecutor(SerialExecutor):
    """An executor with a mistake."""

    mistake = ""

    @property
    def state(self) -> ExecutorState:
        state = super().state
        return {
            "no room": replace(state, capacity=0),
            "forgotten": replace(state, queued=5),
            "negative": replace(state, nodes=-1),
        }.get(self.mistake, state)

    def next_outcome(self) -> Any:
        if self.mistake == "twice":
            job = self._jobs[0]
            outcome = super().next_outcome()
            self._jobs.append(job)
            return outcome
        outcome = super().next_outcome()
        return {
            "a number": 0.5,
            "another job": replace(outcome, job=replace(outcome.job, position=77)),
            "another result": replace(outcome, result=Failure("lost", "")),
            "no start": replace(outcome, attempts=0),
        }.get(self.mistake, outcome)

    def close(self) -> None:
        if self.mistake == "close":
            raise OSError("no such process")


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("no room", "`state` must have room for a job"),
        ("forgotten", "`state` must tell at most the 0 jobs"),
        ("negative", "`state` must have 0 or more everywhere"),
        ("twice", "`next_outcome` must return each submitted job once|`state` must tell at most"),
        ("a number", "`next_outcome` must return an Outcome, got float"),
        ("another job", "`next_outcome` must return the job that was submitted"),
        ("another result", "`next_outcome` must return what the evaluation gave"),
        ("no start", "`next_outcome` must count one start or more"),
        ("close", "`close` must not fail, got OSError"),
    ],
)
def test_a_broken_executor_is_found(mistake: str, message: str) -> None:
    kind = type("Kind", (WrongExecutor,), {"mistake": mistake})
    with pytest.raises(BrokenExecutorError, match=message):
        check_executor(kind)


# observers


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


# export formats


@pytest.mark.parametrize("name", FORMATS)
def test_built_in_formats_keep_their_contract(name: str) -> None:
    needs = FORMATS[name].needs
    if needs is not None:
        pytest.importorskip(needs.module, reason=f"{needs.module} is not installed ({needs.command})")
    check_format(FORMATS[name])


def _write(folder: Path, name: str = "model.txt", content: str = "layers") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def _changes(artefact: Any, folder: Path) -> tuple[Path, ...]:
    artefact.model.mean.add_(1.0)
    return (_write(folder),)


def _evaluates(artefact: Any, folder: Path) -> tuple[Path, ...]:
    artefact.model.eval()
    return (_write(folder),)


def _beside(artefact: Any, folder: Path) -> tuple[Path, ...]:
    _write(folder.parent, "log.txt")
    return (_write(folder),)


def _traces(artefact: Any, folder: Path) -> tuple[Path, ...]:
    torch.fx.symbolic_trace(artefact.model)
    return (_write(folder),)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Format("", lambda artefact, folder: (_write(folder),)), "`summary` must be one line"),
        (Format("text", lambda artefact, folder: ()), "`write` must write a file, got none"),
        (Format("text", lambda artefact, folder: [_write(folder)]), "`write` must return the paths"),
        (Format("text", lambda artefact, folder: (folder / "no.txt",)), "`write` must return the paths"),
        (Format("text", lambda artefact, folder: (_write(folder, content=""),)), "files with content"),
        (Format("text", lambda artefact, folder: (artefact.nothing,)), "`write` must not fail"),
        (Format("text", _beside), "and write nothing else"),
        (
            Format("text", lambda artefact, folder: (_write(folder),), files=("other.txt",)),
            "`files` must name what is written",
        ),
        (Format("text", _changes), "`write` must leave the network alone, got a changed mean"),
        (Format("text", _evaluates), "`write` must leave the mode of the network alone"),
        (Format("text", _traces), "`write` must raise ExportError where it cannot write a network"),
    ],
)
def test_a_broken_format_is_found(broken: Format, message: str) -> None:
    with pytest.raises(BrokenFormatError, match=message):
        check_format(broken)


# report sections


@pytest.mark.parametrize("title", SECTIONS)
def test_built_in_sections_keep_their_contract(title: str) -> None:
    check_section(SECTIONS[title])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda data: str(data.name), "must be Html or None before the first trial, got str"),
        (lambda data: element("p", {}, data.trials[0].origin), "must not fail before the first trial"),
        (
            lambda data: element("p", {}, data.best_trial.origin) if data.trials else None,
            "every trial failed",
        ),
        (lambda data: element("p", {}, str(np.random.default_rng().random())), "the same for the same run"),
        (lambda data: Html(f"<p>{data.name}</p>"), "must escape texts and have no script"),
        (lambda data: Html("<p><b>open</p>"), "must end every element"),
        (lambda data: Html(""), "must say something or be None"),
    ],
)
def test_a_broken_section_is_found(broken: Any, message: str) -> None:
    with pytest.raises(BrokenSectionError, match=message):
        check_section(broken)


# tasks


def test_a_built_in_task_keeps_its_contract() -> None:
    check_task(load_digits)


def _task(seed: int = 0, **changes: Any) -> Task:
    generator = torch.Generator().manual_seed(seed)
    splits = [Split(torch.rand(6, 1, 4, 4, generator=generator), torch.arange(6) % 2) for _ in range(3)]
    return replace(Task("mine", *splits, ("cat", "dog")), **changes)


def test_a_users_task_keeps_its_contract() -> None:
    check_task(_task)
    check_task(lambda: _task(noisy=torch.full((2, 6, 1, 4, 4), 0.5)))


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda: 1 / 0, "loading must not fail, got ZeroDivisionError"),
        (lambda: "digits", "loading must return an analognas.tasks.Task, got str"),
        (lambda: _task(class_names=("cat",)), "needs two classes at least"),
        (lambda: _task(torch.seed() % 1000), "loading must give the same data"),
        (lambda: _task(test=_task().train), "`test` must hold inputs that `train` lacks, got none of 6"),
    ],
)
def test_a_broken_task_is_found(load: Any, message: str) -> None:
    with pytest.raises(BrokenTaskError, match=message):
        check_task(load)
