"""What suits inputs of a shape in a first search."""

from __future__ import annotations

import pytest
import yaml

from analognas.config.suited import augmentation_for
from analognas.config.template import template


@pytest.mark.parametrize(
    ("inputs", "shape", "found"),
    [
        ("images", (3, 32, 48), {"crop": 4}),
        ("images", (1, 32, 96), {"crop": 4}),
        ("images", (1, 8, 8), {}),
        ("anything", (1, 49, 10), {}),  # may be a spectrogram
        ("anything", (4, 32, 32), {}),
        ("anything", (3, 16, 16), {"crop": 2}),
        ("spectra", (1, 199, 10), {"time_shift": 5}),
        ("spectra", (1, 9, 10), {"time_shift": 1}),
        ("spectra", (1, 7, 10), {}),
        ("symbols", (1, 1, 64), {}),
    ],
)
def test_what_is_changed_at_random_in_inputs(inputs, shape, found) -> None:
    assert augmentation_for(inputs, shape) == found


@pytest.mark.parametrize(
    ("task", "reference", "found"),
    [
        ("digits", "resnet8", None),
        ("arrays", "resnet8", None),
        ("image-folder", "resnet8", {"crop": 4}),
        ("wav-folder", "ds-cnn", {"time_shift": 5}),
    ],
)
def test_what_is_written_for_data_that_nobody_has_looked_at(task, reference, found) -> None:
    written = yaml.safe_load(template(task))
    assert written["references"] == [reference]
    assert written["training"].get("augmentation") == found
    assert ("noise" in written["task"]) == (task == "wav-folder")
