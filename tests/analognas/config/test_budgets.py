"""Epochs and floors of updates in a configuration."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from analognas.compose import final_budget, training_budget
from analognas.config.budgets import FinalSpec, TrainingSpec
from analognas.errors import UserError
from tests.analognas.parse import parse_config


def test_without_a_word_both_trainings_have_a_floor_of_updates() -> None:
    budget = training_budget(TrainingSpec())
    assert budget.digital.updates > 0
    assert budget.hardware_aware.updates > 0
    final = final_budget(TrainingSpec(), FinalSpec())
    assert final.digital.updates > budget.digital.updates
    assert final.hardware_aware.updates > budget.hardware_aware.updates


def test_epochs_that_are_given_alone_are_meant() -> None:
    training = TrainingSpec.model_validate({"digital": {"epochs": 3}, "hardware_aware": {"epochs": 2}})
    assert training.digital.updates == training.hardware_aware.updates == 0
    final = FinalSpec.model_validate({"digital_epochs": 4})
    assert final.digital_updates == 0
    assert final.hardware_aware_updates > 0


def test_a_floor_that_is_given_holds_with_epochs() -> None:
    training = TrainingSpec.model_validate({"digital": {"epochs": 3, "updates": 70}})
    assert (training.digital.epochs, training.digital.updates) == (3, 70)


def test_a_written_configuration_reads_as_itself() -> None:
    for spec in (TrainingSpec(), TrainingSpec.model_validate({"digital": {"epochs": 3}})):
        assert TrainingSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_a_part_of_a_budget_has_that_part_of_the_floor() -> None:
    training = TrainingSpec.model_validate({"digital": {"epochs": 9, "updates": 90}})
    reduced = training_budget(training).reduced(1 / 3)
    assert (reduced.digital.epochs, reduced.digital.updates) == (3, 30)


@pytest.mark.parametrize("updates", [-1, 1.5, "many"])
def test_a_floor_is_a_count(updates) -> None:
    with pytest.raises(ValidationError):
        TrainingSpec.model_validate({"digital": {"updates": updates}})


def test_formats_are_those_that_a_run_may_do_without() -> None:
    assert FinalSpec().formats is None
    assert FinalSpec.model_validate({"formats": ["onnx", "onnx"]}).formats == ("onnx",)
    for wrong in ("onx", "json"):
        with pytest.raises(ValueError, match=rf"may do without, got '{wrong}'"):
            FinalSpec.model_validate({"formats": [wrong]})


def test_the_section_final_is_a_section_or_none(tmp_path) -> None:
    with pytest.raises(UserError, match=r"final: must be a section \(`key: value`\) or `none`, got 'never'"):
        parse_config("task: {kind: digits}\nfinal: never\n", tmp_path)
    assert not parse_config("task: {kind: digits}\nfinal: none\n", tmp_path).final.train
