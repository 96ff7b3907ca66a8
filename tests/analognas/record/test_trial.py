import json
import re
from dataclasses import replace

import pytest

from analognas.metrics import OPTIONAL_METRICS, TABLE, Metric
from analognas.record import trial as record
from analognas.record.trial import Trial
from tests.analognas.record.builders import a_trial


@pytest.mark.parametrize("trial", [a_trial(), a_trial(3, failed=True)])
def test_a_trial_survives_its_line(trial: Trial) -> None:
    line = trial.to_json()
    assert "\n" not in line
    assert Trial.from_json(line) == trial


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", "null", "3", '{"number": 1}', '{"genotype": "x", "curve": null}', "{"]
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a trial record"):
        Trial.from_json(line)


def test_a_record_never_holds_nan() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        a_trial(metrics={"accuracy_1d": float("nan")}).to_json()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ('"metrics":null', "metrics"),
        ('"metrics":{"accuracy_1d":"x"}', "metrics.accuracy_1d"),
        ('"metrics":{}', "a completed trial"),
        ('"threads":"2"', "threads"),
        ('"number":true', "number"),
        ('"wall_time_s":NaN', "wall_time_s"),
        ('"wall_time_s":-1.5', "wall_time_s"),
        ('"wall_time_s":"x"', "wall_time_s"),
        ('"attempts":0', "attempts"),
        ('"asked_after":1', "asked_after"),
        ('"genotype":[]', "genotype"),
        ('"budget":0.0', "budget"),
        ('"failure":{"reason":"x","traceback":""}', "a completed trial"),
        ('"note":"mine"', "note: unknown key"),
        ('"curve":{"times_s":[1.0],"accuracy":[[0.9]],"x":1}', "curve.x: unknown key"),
        ('"curve":{"times_s":[2.0,1.0],"accuracy":[[0.9],[0.9]]}', "curve: times_s"),
        ('"curve":{"times_s":[1.0,2.0],"accuracy":[[0.9]]}', "curve: accuracy"),
        ('"curve":{"times_s":[1.0],"accuracy":[[0.9,5.0]]}', "curve.accuracy.0.1"),
        ('"ask":{"n":0,"proposals":[]}', "ask.n"),
        ('"ask":{"n":1,"proposals":[{"genotype":[1],"origin":"x","why":1}]}', "ask.proposals.0.why"),
        ('"architecture":null', "architecture"),
        ('"status":"lost"', "status"),
        ('"metrics":' + "[" * 5000, ""),
    ],
)
def test_a_damaged_field_is_named(change: str, place: str) -> None:
    raw = json.loads(a_trial().to_json())
    key = change.split(":")[0].strip('"')
    raw.pop(key, None)
    line = json.dumps(raw)[:-1] + "," + change + "}"
    with pytest.raises(ValueError, match=f"^not a trial record: {re.escape(place)}"):
        Trial.from_json(line)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("accuracy_1d", 5.0, "from 0 to 1, got 5"),
        ("std_1d", -0.1, "from 0 to 1, got -0.1"),
        ("avm", 1.5, "from -1 to 1, got 1.5"),
        ("parameters", -1.0, "from 0 to 1e+15, got -1"),
        ("utilisation", 1.01, "from 0 to 1, got 1.01"),
    ],
)
def test_a_metric_out_of_its_bounds_is_refused(name: str, value: float, rule: str) -> None:
    raw = json.loads(a_trial().to_json())
    raw["metrics"][name] = value
    with pytest.raises(ValueError, match=re.escape(f"metrics: {name} must be {rule}")):
        Trial.from_json(json.dumps(raw))


def test_a_metric_that_nobody_knows_is_refused() -> None:
    raw = json.loads(a_trial().to_json())
    raw["metrics"]["beauty"] = 1.0
    with pytest.raises(ValueError, match=r"metrics: .*beauty"):
        Trial.from_json(json.dumps(raw))


def test_a_failed_trial_has_no_measurements() -> None:
    raw = json.loads(a_trial(failed=True).to_json())
    raw["metrics"] = {"accuracy_1d": 0.9}
    with pytest.raises(ValueError, match=r"metrics: .*avm"):
        Trial.from_json(json.dumps(raw))


def test_a_record_of_before_a_metric_was_added_can_be_read(monkeypatch) -> None:
    added = Metric("conversions", "AD conversions", -1, "", 0.0, 1e15, optional=True)
    monkeypatch.setattr(record, "TABLE", {**TABLE, added.name: added})
    line = a_trial(1).to_json()
    with pytest.raises(ValueError, match="must hold every metric and no others, wrong: conversions"):
        Trial.from_json(line)
    monkeypatch.setattr(record, "OPTIONAL_METRICS", OPTIONAL_METRICS | {added.name})
    assert Trial.from_json(line) == a_trial(1)
    more = a_trial(1, metrics={**a_trial(1).metrics, added.name: 5.0})
    assert Trial.from_json(more.to_json()) == more


def test_bits_of_every_chip_survive_and_must_fit_the_accuracies() -> None:
    trial = a_trial()
    assert trial.curve is not None
    assert '"bits"' not in trial.to_json()
    rows = tuple(tuple(2.5 for _ in row) for row in trial.curve.accuracy)
    with_bits = replace(trial, curve=replace(trial.curve, bits=rows))
    assert Trial.from_json(with_bits.to_json()) == with_bits
    damaged = replace(trial, curve=replace(trial.curve, bits=rows[:-1]))
    with pytest.raises(ValueError, match="bits must have the rows and columns of accuracy"):
        Trial.from_json(damaged.to_json())
