"""What follows the trials: which trainings there are, and which of them run side by side."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from analognas.final.ending import Ending
from analognas.final.time_needed import AFTERWARDS_S, TimeNeeded
from tests.analognas.evaluation.test_training_of_candidates import composition
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import TINY

TRIALS = [a_trial(number, wall_time_s=10.0) for number in range(1, 4)]
TOO_LARGE = {"references: []": "references: [resnet8]"}
"""ResNet-8 breaks the bound of the small search, and is trained for the report alone."""
ADMITTED = {**TOO_LARGE, "parameters: 20000": "parameters: 80000"}


def ending_of(changes: Mapping[str, str]) -> Ending:
    text = TINY
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    return composition(text).ending


@pytest.mark.parametrize(
    ("changes", "workers", "trainings"),
    [
        ({}, 1, 1),  # no race: one network
        (TOO_LARGE, 1, 2),
        (TOO_LARGE, 2, 1),  # side by side
        (ADMITTED, 1, 2),
        ({"final: {": "final: {finalists: 3, "}, 1, 3),
        ({"final: {": "final: {finalists: 3, "}, 2, 1.5),
        (
            {**TOO_LARGE, "final: {": "final: {finalists: 3, "},
            2,
            1.5 + 1,
        ),  # ResNet-8 alone, after the race
        ({**ADMITTED, "final: {": "final: {finalists: 3, seeds: 3, shortlist: 2, "}, 1, 4 + 2 * 3),
        ({"final: {": "final: {train_on: train-and-validation, finalists: 3, "}, 1, 3 + 1),
    ],
)
def test_every_training_counts_once(monkeypatch, changes, workers, trainings) -> None:
    monkeypatch.setattr(TimeNeeded, "_longer", 1.0)
    needed = TimeNeeded(ending_of(changes), workers)
    assert needed([]) == 0
    assert needed(TRIALS) == pytest.approx(10 * trainings + AFTERWARDS_S)


def test_a_promoted_trial_took_what_it_took_on_lower_rungs(monkeypatch) -> None:
    monkeypatch.setattr(TimeNeeded, "_longer", 1.0)
    ending = ending_of({})
    lower = replace(TRIALS[0], number=1, budget=0.5, wall_time_s=4.0)
    promoted = replace(TRIALS[0], number=2, rung=1, wall_time_s=6.0)
    assert TimeNeeded(ending, 1, continues=True)([lower, promoted]) == pytest.approx(10 + AFTERWARDS_S)
    assert TimeNeeded(ending, 1)([lower, promoted]) == pytest.approx(6 + AFTERWARDS_S)
