"""After a search: finalists trained in full for the choice, and validation data that train once it is made."""

from pathlib import Path

import torch

import analognas
from analognas.evaluation.measure import drift_metrics
from analognas.progress.observer import Silent
from analognas.tasks import Split, Task
from analognas.tasks.digits import load_digits


def test_training_and_validation_inputs_become_one_split() -> None:
    x = torch.arange(10.0).view(10, 1, 1, 1)
    parts = [Split(x[rows], torch.arange(10)[rows]) for rows in (slice(6), slice(6, 8), slice(8, 10))]
    noisy, noisy_validation = x[None, :6] + 100, x[None, 6:8] + 200
    task = Task("t", *parts, ("a",) * 10, noisy=noisy, noisy_validation=noisy_validation)
    both = task.with_validation()
    assert both.train.x.flatten().tolist() == list(range(8))
    assert both.train.y.tolist() == list(range(8))
    assert both.noisy is not None
    assert both.noisy.flatten().tolist() == [100, 101, 102, 103, 104, 105, 206, 207]
    assert both.mean.item() == 3.5
    assert torch.equal(both.test.x, task.test.x)
    clean = Task("t", *parts, ("a",) * 10, noisy=noisy).with_validation()
    assert clean.noisy is not None
    assert clean.noisy.flatten().tolist() == [100, 101, 102, 103, 104, 105, 6, 7]


def test_the_final_training_takes_both_splits_and_reports_the_test_alone(tmp_path) -> None:
    config = {
        "task": {"kind": "digits"},
        "constraints": {"parameters": 60_000},  # ResNet-8 is reported, and not a finalist
        "space": {"kind": "resnet", "oc0": [8, 8], "m": [1, 1], "r": [1, 1], "b": [1, 2], "wf": [1, 1]},
        "training": {"digital": {"epochs": 1}, "hardware_aware": {"epochs": 0}},
        "evaluation": {"chips": 2},
        "search": {"trials": 3, "strategy": {"kind": "random"}},
        "final": {
            "digital_epochs": 1,
            "hardware_aware_epochs": 1,
            "chips": 2,
            "finalists": 2,
            "train_on": "train-and-validation",
        },
        "executor": {"kind": "serial", "threads": 1},
    }
    run = analognas.search(config, out=tmp_path / "run", observer=Silent())
    assert run.result is not None
    task = load_digits()
    for network in (run.result.network, *run.result.references):
        assert network.training["inputs"] == len(task.train) + len(task.validation)
        assert set(network.curves) == set(network.digital_accuracy) == {"test"}
    trials = run.directory.trials()
    by_accuracy = sorted(trials, key=lambda trial: -trial.metrics["accuracy_1d"])
    finalists = run.result.finalists
    assert [finalist.trial for finalist in finalists] == [trial.number for trial in by_accuracy[:2]]
    assert run.result.trial == max(finalists, key=lambda finalist: finalist.metrics["accuracy_1d"]).trial
    status, page = run.status(), run.directory.report.read_text(encoding="utf-8")
    assert status["best"]["number"] == run.result.trial
    assert run.result.winner is not None
    assert status["best"]["metrics"] == run.result.winner.metrics, "those of the race, at full budget"
    assert ">chosen</td>" in page
    assert "trained on the training and the validation split" in page
    again = run.validate()
    assert again.digital_accuracy == run.result.network.digital_accuracy["test"]
    assert again.curve == run.result.network.curves["test"]
    model = torch.export.load(run.path / "best" / "model.pt2").module()
    with torch.inference_mode():
        standardised = task.with_validation().standardise(task.test.x[:64])
        expected = run.best.network()(standardised)
    torch.testing.assert_close(model(task.test.x[:64]), expected, atol=1e-4, rtol=1e-4)


def test_the_network_that_won_the_race_is_the_one_that_is_exported(tmp_path) -> None:
    config = {
        "task": {"kind": "digits"},
        "space": {"kind": "resnet", "oc0": [8, 8], "m": [1, 1], "r": [1, 1], "b": [1, 2], "wf": [1, 1]},
        "training": {"digital": {"epochs": 1}, "hardware_aware": {"epochs": 0}},
        "evaluation": {"chips": 2},
        "search": {"trials": 3, "strategy": {"kind": "random"}},
        "final": {"digital_epochs": 1, "hardware_aware_epochs": 1, "chips": 2, "finalists": 2},
        "executor": {"workers": 1},
    }
    run = analognas.search(config, out=tmp_path / "run", observer=Silent())
    result = run.result
    assert result is not None
    raced = {finalist.reference or finalist.trial: finalist for finalist in result.finalists}
    won = raced[result.reference or result.trial]
    assert won.metrics["accuracy_1d"] == max(finalist.metrics["accuracy_1d"] for finalist in result.finalists)
    for network, finalist in ((result.network, won), (result.references[0], raced["resnet8"])):
        assert drift_metrics(network.curves["validation"])["accuracy_1d"] == finalist.metrics["accuracy_1d"]
        assert network.digital_accuracy["validation"] == finalist.metrics["digital_accuracy"]
    again = run.validate()
    assert again.curve == result.network.curves["test"]


def test_a_reference_that_is_the_winner_has_its_figures(tmp_path: Path) -> None:
    name = "analognas-cifar10-t100"
    config = {
        "task": {"kind": "digits"},
        "constraints": {},
        "references": [name],
        "training": {"digital": {"epochs": 1}, "hardware_aware": {"epochs": 0}},
        "evaluation": {"chips": 2},
        "search": {"trials": 1, "start_from": [name], "strategy": {"kind": "random"}},
        "final": {"digital_epochs": 1, "hardware_aware_epochs": 0, "chips": 2, "finalists": 1},
        "executor": {"kind": "serial", "threads": 1},
    }
    told = Told()
    result = analognas.search(config, out=tmp_path / "run", observer=told).result
    assert result is not None
    assert result.trial == 1
    (reference,) = result.references
    assert (reference.name, reference.architecture) == (name, {"name": name})
    assert reference.curves == result.network.curves
    assert sum(text.startswith("training ") for text in told.stages) == 1


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)
