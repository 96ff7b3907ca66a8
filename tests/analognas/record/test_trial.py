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
