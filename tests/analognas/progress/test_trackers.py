"""Runs in the real TensorBoard, MLflow and Weights & Biases, offline; what is not installed is skipped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analognas.config.sections import SearchConfig
from analognas.progress.observer import RunEnd, RunStart
from analognas.progress.observers import opened
from analognas.testing import made_up

pytestmark = pytest.mark.filterwarnings("ignore")  # what these packages warn of is theirs

TRIALS = [made_up.trial(1, failed=True), made_up.trial(2), made_up.trial(3)]
TOLD = [(TRIALS[0], None), (TRIALS[1], TRIALS[1]), (TRIALS[2], TRIALS[1])]


def config(n_trials: int) -> dict[str, Any]:
    content = {"name": "made-up", "task": {"kind": "digits"}, "search": {"trials": n_trials}}
    return SearchConfig.model_validate(content).model_dump(mode="json")


def tell(name: str, folder: Path, earlier: int, until: int, status: str = "completed") -> None:
    """Tell the observer `name` of a run that has `earlier` trials, and ends after `until`."""
    (folder / "best").mkdir(parents=True, exist_ok=True)
    (folder / "best" / "network.py").write_text("made-up")
    (folder / "report.html").write_text("<html>")
    with opened(name) as observer:
        observer.begin(RunStart(folder, config(40 + until), 3, TOLD[:earlier]))
        for trial, best in TOLD[earlier:until]:
            observer.trial(trial, 3, best)
        if status == "completed":
            observer.result(made_up.result())
        observer.end(RunEnd(status, "", (folder / "report.html", folder / "best")))


def interrupt_and_resume(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell(name, folder, 0, 2, "interrupted")
    time.sleep(1.1 if name.startswith("wandb") else 0)  # its folders have names by the second
    tell(name, folder, 2, 3)
    assert "observer failed" not in capsys.readouterr().err


def test_tensorboard(tmp_path: Path, capsys) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    interrupt_and_resume(f"tensorboard(folder={tmp_path / 'logs'})", tmp_path / "run", capsys)
    events = accumulator.EventAccumulator(str(tmp_path / "logs" / "run"))
    events.Reload()
    scalars = {
        tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }
    accuracy = [(n, pytest.approx(made_up.metrics_of(n)["accuracy_1d"])) for n in (2, 3)]
    assert scalars["trial/accuracy_1d"] == accuracy
    assert scalars["best/accuracy_1d"] == [(2, accuracy[0][1]), (3, accuracy[0][1])]
    assert scalars["search/failed"] == [(1, 1.0), (2, 1.0), (3, 1.0)]
    assert scalars["final/avm"] == [(3, pytest.approx(made_up.result().network.metrics["avm"]))]
    assert [step for step, _ in scalars["reference/resnet8/avm"]] == [3]
    (told,) = events.Tensors("config/text_summary")
    assert b"kind: digits" in told.tensor_proto.string_val[0]
    assert "_hparams_/session_start_info" in events.summary_metadata


def test_tensorboard_writes_into_the_run_directory_by_default(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    tell("tensorboard", tmp_path / "run", 0, 3)
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))


def test_mlflow(tmp_path: Path, monkeypatch, capsys) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    interrupt_and_resume(f"mlflow(experiment=kws, tracking_uri='{uri}')", tmp_path / "run", capsys)
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("kws")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    assert run.data.params["task.kind"] == "digits"
    assert run.data.params["search.trials"] == "42"  # as it began; the artefact has what it is now
    history = client.get_metric_history(run.info.run_id, "trial/accuracy_1d")
    assert [(point.step, point.value) for point in history] == [
        (n, made_up.metrics_of(n)["accuracy_1d"]) for n in (2, 3)
    ]
    assert run.data.metrics["final/avm"] == made_up.result().network.metrics["avm"]
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert names == {"report.html", "best"}
    assert [file.path for file in client.list_artifacts(run.info.run_id, "best")] == ["best/network.py"]
    assert mlflow.active_run() is None  # the program's own run is none of ours


def test_mlflow_begins_again_where_the_run_is_gone(tmp_path: Path, monkeypatch, capsys) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    tell("mlflow", tmp_path / "run", 0, 2, "interrupted")
    client = mlflow.MlflowClient()
    (experiment,) = [one for one in client.search_experiments() if one.name == "analognas"]
    (first,) = client.search_runs([experiment.experiment_id])
    assert first.info.status == "KILLED"
    client.delete_run(first.info.run_id)
    tell("mlflow", tmp_path / "run", 2, 3, "failed")
    (second,) = client.search_runs([experiment.experiment_id])
    assert second.info.status == "FAILED"
    assert len(client.get_metric_history(second.info.run_id, "search/failed")) == 3
    assert "observer failed" not in capsys.readouterr().err


BLOCK = 32_768


def records(folder: Path) -> Iterator[Any]:
    """Yield what offline runs of Weights & Biases wrote: protobuf records in LevelDB's log format."""
    from wandb.proto import wandb_internal_pb2

    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        content, place, whole = path.read_bytes(), 7, b""  # seven bytes are the head of the file
        while place + 7 <= len(content):
            if BLOCK - place % BLOCK < 7:  # no head of a record fits into the rest of a block
                place += BLOCK - place % BLOCK
                continue
            length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
            whole += content[place + 7 : place + 7 + length]
            place += 7 + length
            if kind in (1, 4):  # a whole record, or the last part of one
                record = wandb_internal_pb2.Record()
                record.ParseFromString(whole)
                yield record
                whole = b""


def test_wandb(tmp_path: Path, monkeypatch, capsys) -> None:
    wandb = pytest.importorskip("wandb")
    wandb.teardown()  # it keeps the folder of the first run of a process
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
    interrupt_and_resume("wandb(project=kws, mode=offline)", tmp_path / "run", capsys)
    wandb.teardown()  # its own process may still be writing
    found = list(records(tmp_path))
    runs = [record.run for record in found if record.WhichOneof("record_type") == "run"]
    assert len({run.run_id for run in runs}) == 1
    assert (runs[0].project, runs[0].display_name) == ("kws", "run")
    assert any(item.key == "task" and "digits" in item.value_json for item in runs[0].config.update)
    steps, accuracy = [], []
    for record in found:
        if record.WhichOneof("record_type") == "history":
            values = {"/".join(item.nested_key) or item.key: item.value_json for item in record.history.item}
            steps.append(record.history.step.num)
            accuracy += [float(values[key]) for key in values if key == "trial/accuracy_1d"]
    assert steps == [1, 2, 3]
    assert accuracy == [made_up.metrics_of(n)["accuracy_1d"] for n in (2, 3)]
    assert [record.exit.exit_code for record in found if record.HasField("exit")] == [130, 0]
    artifacts = [record.request for record in found if record.HasField("artifact")]
    assert len(artifacts) == 2
