"""An interrupted race: what it has trained is not trained again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from analognas.evaluation.full_training import FullTraining, FullyTrained
from analognas.executors.executor import Outcome
from analognas.executors.serial import SerialExecutor
from analognas.final.finalists import Race, choose_finalist
from analognas.final.kept_trainings import KeptTrainings
from tests.analognas.final.test_finalists import TRIALS, Told, accuracy, measuring, parts

FIGURES = {"1": accuracy(0.8), "2": None, "3": accuracy(0.85), "resnet8": accuracy(0.9)}
Train = Callable[[FullTraining], Outcome[FullTraining, FullyTrained]]


def counted(trained: list[str], *, until: int = 99) -> Train:
    """Return a training that is interrupted after so many."""
    train = measuring(FIGURES)

    def one(job: FullTraining) -> Outcome[FullTraining, FullyTrained]:
        if len(trained) == until:
            raise KeyboardInterrupt
        trained.append(job.key)
        return train(job)

    return one


def raced(folder: Path, train: Train, changes: str = "finalists: 3, ") -> Race:
    ending = parts({"final: {": f"final: {{{changes}"}).ending
    return choose_finalist(ending, KeptTrainings(SerialExecutor(train), folder), TRIALS, TRIALS[0], Told())


def test_a_race_goes_on_where_it_was_interrupted(tmp_path) -> None:
    whole = raced(tmp_path / "whole", counted([]))
    first: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        raced(tmp_path / "race", counted(first, until=3))
    assert first == ["finalist-1", "finalist-2", "finalist-3"]
    second: list[str] = []
    race = raced(tmp_path / "race", counted(second))
    assert second == ["finalist-2", "finalist-resnet8"], "a training that failed is tried again"
    assert (race.winner, race.finalists, race.trained) == (whole.winner, whole.finalists, whole.trained)
    KeptTrainings(SerialExecutor(counted([])), tmp_path / "race").remove()
    assert not (tmp_path / "race").exists()


@pytest.mark.parametrize("damaged", ["finalist-1.json", "finalist-1.safetensors"])
def test_what_is_damaged_is_trained_again(tmp_path, damaged) -> None:
    raced(tmp_path, counted([]))
    (tmp_path / damaged).write_bytes(b"{}")
    again: list[str] = []
    raced(tmp_path, counted(again))
    assert again == ["finalist-1", "finalist-2"]


def test_another_budget_is_another_training(tmp_path) -> None:
    raced(tmp_path, counted([]))
    again: list[str] = []
    raced(tmp_path, counted(again), "finalists: 3, digital_updates: 500, ")
    assert len(again) == 4
