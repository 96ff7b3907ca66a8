"""Records that are made up for the suites."""

from __future__ import annotations

from analognas.record.trial import Trial
from analognas.record.validation import FinalResult
from analognas.testing import (
    made_up,
)


def test_made_up_records_are_valid_ones() -> None:
    for trial in (made_up.trial(1), made_up.trial(2, failed=True, text=made_up.HOSTILE)):
        assert Trial.from_json(trial.to_json()) == trial
    text = made_up.result().to_json()
    assert FinalResult.from_json(text).to_json() == text
