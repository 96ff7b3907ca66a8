"""The device of an evaluation: named, looked up once on the worker, recorded; a missing one is told before anything."""

import dataclasses
import pickle
import re
from pathlib import Path

import pytest
import torch

from analognas.errors import UserError
from analognas.executors.device import described, resolve_device
from analognas.executors.executor import Measurement
from analognas.record.trial import Failure
from tests.analognas.evaluation.test_training_of_candidates import composition, job
from tests.analognas.parse import parse_config
from tests.analognas.small_search import SMALL, analognas, write_small

CPU = torch.device("cpu")


def gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def test_names_mean_what_the_machine_has(monkeypatch) -> None:
    gpus(monkeypatch, 0)
    assert resolve_device("auto") == resolve_device("cpu") == CPU
    with pytest.raises(UserError, match=r"cuda is not on this machine: torch \S+ sees no GPU; choose"):
        resolve_device("cuda")
    gpus(monkeypatch, 2)
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda", 0)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    assert resolve_device("cpu") == CPU
    with pytest.raises(UserError, match=r"cuda:2 .* sees cuda:0 to cuda:1;"):
        resolve_device("cuda:2")
    with pytest.raises(UserError, match=r"must be cpu, cuda, cuda:N or auto, got 'tpu'"):
        resolve_device("tpu")
    with pytest.raises(UserError, match=r"must be cpu, cuda, cuda:N or auto, got 3"):
        resolve_device(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{device: gpu}", "must be cpu, cuda, cuda:N or auto, got 'gpu'"),
        ("{kind: ray, device: cuda}", "`device: cuda` needs `num_gpus > 0`, got 0"),
        ("{kind: ray, num_gpus: 1, device: 'cuda:1'}", "Ray assigns GPUs"),
    ],
)
def test_sections_that_cannot_work_are_refused(section, message) -> None:
    with pytest.raises(UserError, match=message):
        parse_config(f"task: {{kind: digits}}\nexecutor: {section}\n", Path())


def test_several_evaluations_share_a_gpu() -> None:
    text = "task: {kind: digits}\nexecutor: {kind: ray, num_gpus: 0.25, device: cuda}\n"
    assert parse_config(text, Path()).executor.device == "cuda"


def test_a_missing_device_ends_the_search_before_anything_starts(tmp_path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    for kind in ("serial", "processes"):
        executor = f"{{kind: {kind}, threads: 1, device: cuda}}"
        path = write_small(tmp_path, SMALL.replace("{kind: serial, threads: 1}", executor))
        done = analognas("search", path, "--out", tmp_path / "run")
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert re.search(r"small.yaml:\d+:\d+: executor.device: cuda is not on this machine", done.stderr)
        assert not (tmp_path / "run").exists()
    done = analognas("validate", tmp_path / "run", "--device", "cuda")
    assert done.returncode == 2
    assert "--device: cuda is not on this machine" in done.stderr


def test_the_record_says_where_it_ran() -> None:
    parts = composition()
    outcome = parts.evaluator.evaluate(job(parts))
    assert outcome.device == described(CPU) == "cpu"
    assert isinstance(outcome.result, Measurement)


def test_a_worker_without_the_device_fails_the_trial_with_the_reason(monkeypatch) -> None:
    gpus(monkeypatch, 0)
    parts = composition()
    outcome = dataclasses.replace(parts.evaluator, device="cuda").evaluate(job(parts))
    assert outcome.device == ""
    assert isinstance(outcome.result, Failure)
    assert "cuda is not on this machine" in outcome.result.reason


def test_data_that_were_moved_stay_where_they_are_when_an_evaluation_is_sent_away() -> None:
    evaluator = composition().evaluator
    assert evaluator.data is evaluator.task
    assert "data" in vars(evaluator)
    assert "data" not in vars(pickle.loads(pickle.dumps(evaluator)))


@pytest.mark.gpu
def test_an_evaluation_runs_on_a_gpu_and_agrees_with_the_processor() -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no GPU")
    text = SMALL.replace("{epochs: 2, learning_rate: 0.01}", "{epochs: 20, learning_rate: 0.01}")
    parts = composition(text)
    here = parts.evaluator.evaluate(job(parts)).result
    for mixed in (False, True):
        budget = dataclasses.replace(parts.evaluator.budget, mixed_precision=mixed)
        outcome = dataclasses.replace(parts.evaluator, device="cuda", budget=budget).evaluate(job(parts))
        assert outcome.device.startswith("cuda:0 ")
        assert isinstance(outcome.result, Measurement), outcome.result
        assert isinstance(here, Measurement)
        for name in ("digital_accuracy", "accuracy_1d"):
            assert abs(outcome.result.metrics[name] - here.metrics[name]) < 0.06
