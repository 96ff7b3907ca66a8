"""best/metrics.json, which holds what was measured: whatever somebody made of it is read as it is or told in a line."""

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from io import StringIO
from typing import Any

import pytest

from analognas.cli.summary import print_result
from analognas.config.loader import dump_config, load_config
from analognas.errors import UserError
from analognas.record.directory import create_run
from analognas.record.journal import Journal
from analognas.record.validation import Finalist, FinalResult, ValidatedNetwork
from analognas.runs.run import Run
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import write_small


def network(name: str = "best") -> ValidatedNetwork:
    trial = a_trial()
    assert trial.curve is not None
    return ValidatedNetwork(
        name, trial.architecture, trial.metrics, {"test": 0.9}, {"test": trial.curve}, {"seed": 1}
    )


def judgement() -> dict[str, Any]:
    return {
        "kind": "committee",
        "tau": {"avm": None, "std_1d": 0.5},
        "undefined": {"avm": "every value is the same"},
        "trials": 2,
        "folds": 2,
        "measured": {"avm": [0.1, 0.1], "std_1d": [0.1, 0.2]},
        "predicted": {"avm": [0.1, 0.2], "std_1d": [0.1, 0.2]},
    }


def a_result(**changes: Any) -> FinalResult:
    finalists = (
        Finalist(1, network().metrics, ""),
        Finalist(2, {}, "diverged"),
        Finalist(None, network().metrics, "", reference="resnet8"),
    )
    values = {"references": (network("resnet8"),), "surrogate": judgement(), "finalists": finalists}
    return FinalResult(trial=1, network=network(), **{**values, **changes})


def a_reference() -> FinalResult:
    won = replace(network("resnet8"), architecture={"name": "resnet8"})
    return replace(a_result(), trial=None, network=won, references=(network("ds-cnn"), won))


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    values = asdict(a_result())
    change(values)
    return json.dumps(values)


def test_what_was_written_comes_back() -> None:
    for result in (a_result(), a_result(surrogate={}, finalists=(), references=())):
        assert FinalResult.from_json(result.to_json()).to_json() == result.to_json()


def test_a_reference_that_won_comes_back_once_in_every_list() -> None:
    result = FinalResult.from_json(a_reference().to_json())
    assert (result.trial, result.reference, result.network.name) == (None, "resnet8", "resnet8")
    assert [network.name for network in result.others] == ["ds-cnn"]
    assert [network.name for network in result.networks] == ["resnet8", "ds-cnn"]
    assert result.winner == result.finalists[2]
    lost = a_result()
    assert lost.reference is None
    assert [network.name for network in lost.networks] == ["best", "resnet8"]
    assert lost.winner == lost.finalists[0]
    assert a_result(finalists=()).winner is None


def test_a_file_from_before_references_were_finalists_is_read() -> None:
    values = asdict(a_result())
    values["finalists"] = [
        {"trial": 1, "metrics": dict(network().metrics), "failure": ""},
        {"trial": 2, "metrics": {}, "failure": "diverged"},
    ]
    assert FinalResult.from_json(json.dumps(values)).finalists == a_result().finalists[:2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda values: values["network"].update(name="best"), "a published network, by its name"),
        (lambda values: values["network"].update(architecture={}), "a published network, by its name"),
        (
            lambda values: values.update(references=values["references"][:1]),
            "`references` and `finalists` must hold resnet8",
        ),
        (
            lambda values: values.update(finalists=values["finalists"][:2]),
            "`references` and `finalists` must hold resnet8",
        ),
        (
            lambda values: values["finalists"][2].update(metrics={}, failure="diverged"),
            "`references` and `finalists` must hold resnet8",
        ),
        (lambda values: values["finalists"][2].update(trial=1), "`trial` or `reference`, and not both"),
        (lambda values: values["finalists"][0].update(trial=None), "`trial` or `reference`, and not both"),
    ],
)
def test_a_reference_that_cannot_have_won_is_told(change, told) -> None:
    values = asdict(a_reference())
    change(values)
    with pytest.raises(ValueError, match=f"^not a final result: .*{told}"):
        FinalResult.from_json(json.dumps(values))


def _of_surrogate(key: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda values: values["surrogate"].update({key: value})


def _of_network(part: str, key: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda values: values["network"][part].update({key: value})


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (_of_surrogate("tau", None), r"surrogate: tau: "),
        (_of_surrogate("tau", {"avm": "x", "std_1d": 0.1}), r"surrogate: tau\.avm: "),
        (_of_surrogate("tau", {"\x1b[2J": 0.1}), "surrogate: tau, measured"),
        (_of_surrogate("measured", [1]), r"surrogate: measured: "),
        (_of_surrogate("measured", {"avm": [[1]], "std_1d": [1, 2]}), r"surrogate: measured\.avm\.0: "),
        (_of_surrogate("predicted", {"avm": [1], "std_1d": [1, 2]}), "surrogate: measured and predicted"),
        (_of_surrogate("trials", "many"), r"surrogate: trials: "),
        (lambda values: values["surrogate"].pop("folds"), r"surrogate: folds: "),
        (_of_network("metrics", "accuracy_1d", -7), r"network\.metrics: accuracy_1d .*-7"),
        (_of_network("metrics", "avm", float("nan")), r"network\.metrics\.avm: .*finite"),
        (_of_network("metrics", "beauty", 1), r"network\.metrics: .*beauty"),
        (_of_network("digital_accuracy", "test", 3), r"network\.digital_accuracy\.test: .*got 3"),
        (
            _of_network("curves", "test", {"times_s": [2, 1], "accuracy": [[1], [1]]}),
            r"network\.curves\.test: times_s",
        ),
        (
            _of_network("curves", "test", {"times_s": [1, 2], "accuracy": [[1], []]}),
            r"network\.curves\.test\.accuracy\.1",
        ),
        (lambda values: values["network"]["curves"].clear(), "best: .*`curves`"),
        (lambda values: values["finalists"][0]["metrics"].pop("avm"), r"finalists\.0\.metrics: .*avm"),
        (lambda values: values["finalists"][0]["metrics"].clear(), r"a finalist must have `metrics`"),
        (lambda values: values.update(trial=True), "trial: "),
        (lambda values: values.update(more=1), "more: "),
    ],
)
def test_what_cannot_be_is_told_with_its_place(change, place) -> None:
    with pytest.raises(ValueError, match=f"^not a final result: {place}"):
        FinalResult.from_json(changed(change))


def test_names_in_a_result_give_the_terminal_no_orders(tmp_path) -> None:
    config = load_config(write_small(tmp_path))[0]
    run = create_run(tmp_path / "run", dump_config(config), {})
    result = a_result(references=(network("\x1b]0;mine\x07"),))
    run.best.mkdir()
    run.metrics.write_text(result.to_json())
    with redirect_stdout(StringIO()) as told:
        print_result(Run(run), as_json=False)
    assert "\ufffd]0;mine\ufffd" in told.getvalue()
    assert not {"\x1b", "\x07"} & set(told.getvalue())


def test_a_result_of_another_record_is_refused(tmp_path) -> None:
    run = create_run(tmp_path / "run", dump_config(load_config(write_small(tmp_path))[0]), {})
    with Journal(run.journal) as journal:
        journal.append(a_trial(1))
        journal.append(a_trial(2, architecture={"OC0": 9}))
    first = run.trial_of(a_result())
    assert first is not None
    assert first.number == 1
    assert run.trial_of(a_reference()) is None
    other = FinalResult(trial=2, network=network(), references=(), surrogate={})
    with pytest.raises(UserError, match=r"another architecture than trial 2 of .*remove .*best.* resume"):
        run.trial_of(other)
