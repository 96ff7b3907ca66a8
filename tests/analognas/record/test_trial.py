import json

import pytest

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
    ("change", "message"),
    [
        ('"metrics":null', "metrics"),
        ('"metrics":{"accuracy_1d":"x"}', "metrics.accuracy_1d"),
        ('"metrics":{}', "a completed trial has a curve and every metric"),
        ('"architecture":null', "architecture"),
        ('"wall_time_s":"x"', "wall_time_s"),
        ('"status":"lost"', "status"),
        ('"metrics":' + "[" * 5000, "not a trial record"),
    ],
)
def test_a_damaged_field_is_named(change: str, message: str) -> None:
    raw = json.loads(a_trial().to_json())
    key = change.split(":")[0].strip('"')
    del raw[key]
    line = json.dumps(raw)[:-1] + "," + change + "}"
    with pytest.raises(ValueError, match=f"not a trial record.*{message}|{message}"):
        Trial.from_json(line)
