import json
import re

import pytest

from analognas.record.trial import Ask, Trial
from analognas.strategies.strategy import Proposal
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
    ("change", "message"),
    [
        ('"metrics":null', "metrics"),
        ('"metrics":{"accuracy_1d":"x"}', "metrics.accuracy_1d"),
        ('"metrics":{}', "a completed trial has a curve and every metric"),
        ('"threads":"2"', "threads"),
        ('"number":true', "number"),
        ('"wall_time_s":NaN', "wall_time_s: Input should be a finite number"),
        ('"wall_time_s":-1.5', "wall_time_s must be 0 or more, got -1.5"),
        ('"attempts":0', "attempts must be 1 or more, got 0"),
        ('"asked_after":1', "asked_after must be below the number 1, got 1"),
        ('"genotype":[]', "genotype must have 1 gene or more"),
        ('"device":"tpu"', "device must be cpu or cuda:N, got 'tpu'"),
        (
            '"finished_at":"yesterday"',
            "finished_at must be a time with its zone, as in ISO 8601, got 'yesterday'",
        ),
        ('"finished_at":"2026-01-01T00:00:00"', "finished_at must be a time with its zone"),
        ('"genotype":[1' + "0" * 30 + "]", "genotype must have genes of 53 bits, got 10"),
        (
            '"ask":{"n":1,"proposals":[{"genotype":[1' + "0" * 30 + '],"origin":"","predicted":{}}]}',
            "ask.proposals.genotype must have genes of 53 bits, got 10",
        ),
        ('"ask":{"n":1' + "0" * 30 + ',"proposals":[]}', "ask.n must be at most 10000000, got 10"),
        ('"budget":0.0', "budget must be above 0 and at most 1, got 0"),
        ('"failure":{"reason":"x","traceback":""}', "failure must be null in a completed trial"),
        ('"note":"mine"', "note: unknown key"),
        ('"curve":{"times_s":[1.0],"accuracy":[[0.9]],"x":1}', "curve.x: unknown key"),
        (
            '"curve":{"times_s":[2.0,1.0],"accuracy":[[0.9],[0.9]]}',
            "curve.times_s must be seconds that ascend",
        ),
        (
            '"curve":{"times_s":[1.0,2.0],"accuracy":[[0.9]]}',
            "a row for each time and a column for each chip",
        ),
        ('"curve":{"times_s":[1.0],"accuracy":[[0.9,5.0]]}', "curve.accuracy must be from 0 to 1, got 5"),
        ('"ask":{"n":0,"proposals":[]}', "ask.n must be 1 or more, got 0"),
        ('"ask":{"n":1,"proposals":[{"genotype":[1],"origin":"x","why":1}]}', "ask.proposals.0.why: unknown"),
        ('"architecture":null', "architecture"),
        ('"wall_time_s":"x"', "wall_time_s"),
        ('"status":"lost"', "status"),
        ('"metrics":' + "[" * 5000, "not a trial record"),
    ],
)
def test_a_damaged_field_is_named(change: str, message: str) -> None:
    raw = json.loads(a_trial().to_json())
    key = change.split(":")[0].strip('"')
    raw.pop(key, None)
    line = json.dumps(raw)[:-1] + "," + change + "}"
    with pytest.raises(ValueError, match=f"not a trial record.*{message}|{message}"):
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
    with pytest.raises(ValueError, match=re.escape(f"metrics.{name} must be {rule}")):
        Trial.from_json(json.dumps(raw))


def test_a_metric_that_nobody_knows_is_refused() -> None:
    raw = json.loads(a_trial().to_json())
    raw["metrics"]["beauty"] = 1.0
    with pytest.raises(ValueError, match="every metric and no others: beauty"):
        Trial.from_json(json.dumps(raw))


def test_a_failed_trial_has_no_measurements() -> None:
    raw = json.loads(a_trial(failed=True).to_json())
    raw["metrics"] = {"accuracy_1d": 0.9}
    with pytest.raises(ValueError, match="metrics must be empty in a failed trial, got 1 metrics"):
        Trial.from_json(json.dumps(raw))


def a_long_line() -> str:
    proposals = tuple(Proposal((8, 3, number), "latin-hypercube" * 10, {}) for number in range(7_000))
    trial = a_trial(ask=Ask(7_000, proposals))
    line = trial.to_json()
    assert Trial.from_json(line) == trial
    return line


def test_a_long_line_names_the_proposal_that_is_wrong() -> None:
    line = a_long_line()
    for wrong, told in (
        ('"genotype":[8,3,"x"]', r"ask\.proposals\.6999: genotype\.2: Input should be a valid integer"),
        ('"genotype":[8,3,6999],"mine":1', r"ask\.proposals\.6999: mine: unknown key"),
    ):
        with pytest.raises(ValueError, match=told):
            Trial.from_json(line.replace('"genotype":[8,3,6999]', wrong))


@pytest.mark.parametrize("key", ["genotype", "metrics", "mine", "ask"])
def test_millions_of_wrong_values_are_refused_by_their_length(key) -> None:
    values = json.loads(a_trial().to_json())
    values[key] = {"n": 1, "proposals": [[0] * 500_000]} if key == "ask" else [0] * 500_000
    with pytest.raises(ValueError, match="more than the 1000000 characters"):
        Trial.from_json(json.dumps(values))
