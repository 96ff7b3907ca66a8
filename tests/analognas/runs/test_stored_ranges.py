"""A network whose ranges were learned keeps them on chips, in its files, and when others validate it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analognas
import hwsim
from analognas.progress.observer import Silent
from tests.analognas.evaluation.test_training_of_candidates import with_one_gain
from tests.analognas.runs.test_chips import SHORT
from tests.analognas.small_search import SMALL, write_small

LEARNED = [*SHORT, "training.hardware_aware.epochs=1", "final.hardware_aware_epochs=1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> analognas.Run:
    folder = tmp_path_factory.mktemp("learned")
    path = write_small(folder, with_one_gain(SMALL))
    overrides = ["search.strategy.kind=random", *LEARNED]
    return analognas.search(path, out=folder / "run", overrides=overrides, observer=Silent())


def stored_in(folder: Path) -> dict[str, dict[str, Any]]:
    layers: dict[str, dict[str, Any]] = json.loads((folder / "analog.json").read_text())["layers"]["layers"]
    return layers


def test_chips_and_validation_have_the_ranges_of_the_file(run: analognas.Run) -> None:
    stored, recorded = stored_in(run.best.folder), run.result.network.curves["test"]
    assert len({layer["out_bound"] for layer in stored.values()}) == 1
    assert hwsim.analog_parameters(run.chips(1).net)["layers"] == stored
    assert run.validate(chips=3, times_s=recorded.times_s).curve == recorded


def test_hardware_of_other_gains_is_calibrated(run: analognas.Run) -> None:
    other = run.config.hardware.replace({"converters.adc_gain": "layer"})
    found = hwsim.analog_parameters(run.chips(1, hardware=other).net)["layers"]
    assert len({layer["out_bound"] for layer in found.values()}) > 1
    accuracy = run.validate("pcm-analognas", chips=2, times_s=["1 day"]).curve.accuracy
    assert np.array(accuracy).shape == (1, 2)


def test_what_is_lost_is_exported_again_and_lost_ranges_are_learned_again(
    run: analognas.Run, tmp_path: Path
) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    best = tmp_path / "run" / "best"
    for name in ("architecture.json", "analog.json"):
        (best / name).unlink()
        analognas.resume(tmp_path / "run", observer=Silent())
        assert (best / name).exists()
        assert stored_in(best) == stored_in(run.best.folder)
