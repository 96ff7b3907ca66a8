"""Bits of test images in best/metrics.json: they come back as they were, and what cannot be is told."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

import hwsim
from analognas.record.correct_images import CorrectImages
from analognas.record.trial import DriftRecord
from analognas.record.validation import FinalResult
from analognas.specs.durations import DAY_S
from tests.analognas.record.test_validation import a_result

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(1, 1), (3, 8), (25, 361), (2, 1000)])
def test_what_was_packed_comes_back(shape) -> None:
    correct = RNG.random(shape) < 0.7
    packed = CorrectImages.packed(correct)
    assert np.array_equal(packed.unpacked(), correct)
    assert len(packed.bits) <= 4 * -(-shape[0] * -(-shape[1] // 8) // 3)


def test_a_curve_without_images_has_no_record() -> None:
    curve = hwsim.DriftCurve((1.0, DAY_S), np.ones((2, 3)))
    assert CorrectImages.of(curve, DAY_S) is None
    known = hwsim.DriftCurve((1.0, DAY_S), np.ones((2, 3)), np.arange(24).reshape(2, 3, 4) > 11)
    record = CorrectImages.of(known, DAY_S)
    assert record is not None
    assert record.unpacked().all()


def with_images(correct: np.ndarray) -> FinalResult:
    result = a_result()
    curve = DriftRecord((1.0, DAY_S), (tuple(correct.mean(1).tolist()),) * 2)
    network = replace(result.network, curves={"test": curve}, correct_1d=CorrectImages.packed(correct))
    return replace(result, network=network)


def test_a_result_keeps_its_images() -> None:
    result = with_images(RNG.random((5, 37)) < 0.8)
    assert FinalResult.from_json(result.to_json()) == result


def test_a_result_of_many_chips_and_images_can_be_read_again() -> None:
    result = with_images(RNG.random((1000, 12_000)) < 0.8)
    result = replace(result, references=(result.network,) * 3)
    assert len(result.to_json()) > 4_000_000
    assert FinalResult.from_json(result.to_json()) == result


def test_a_result_of_a_time_without_images_is_read() -> None:
    values = asdict(a_result())
    for network in (values["network"], *values["references"]):
        del network["correct_1d"]
    assert FinalResult.from_json(json.dumps(values)).network.correct_1d is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"images": 0}, r"images"),
        ({"images": "many"}, r"images"),
        ({"images": 9}, ""),
        ({"bits": "???"}, ""),
        ({"bits": "é"}, ""),
        ({"more": 1}, "more"),
    ],
)
def test_images_that_cannot_be_are_told(change, place) -> None:
    values = json.loads(with_images(RNG.random((3, 8)) < 2).to_json())
    values["network"]["correct_1d"].update(change)
    with pytest.raises(ValueError, match=rf"^not a final result: network\.correct_1d.*{place}"):
        FinalResult.from_json(json.dumps(values))
