"""What the values of `best/metrics.json` must fulfil: a file that somebody has edited is not believed.

Types and unknown keys of most of it are found when it is read; these are the bounds, what fields say of each other, and
the judgement of the surrogate, which the reader takes for any mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast

from analognas.record.strict import STRICT
from analognas.record.trial import DAY_S, METRICS
from analognas.record.trial_checks import BOUNDS, check_curve, check_metrics
from search_spaces import published_names

if TYPE_CHECKING:
    from analognas.record.correct_images import CorrectImages
    from analognas.record.trial import DriftRecord
    from analognas.record.validation import FinalResult, ValidatedNetwork


Values: TypeAlias = Annotated[list[float], FailFast()]


class _Judgement(BaseModel):
    """`FinalResult.surrogate` where it is not empty."""

    model_config: ClassVar[ConfigDict] = STRICT

    kind: str = ""
    tau: dict[str, float | None]
    undefined: dict[str, str] = {}
    trials: int
    folds: int
    measured: dict[str, Values]
    predicted: dict[str, Values]


class _Result(BaseModel):
    """So that a wrong type is told with the name of the section."""

    surrogate: _Judgement


def check_result(result: FinalResult) -> None:
    """Check the values of a final result.

    Raises:
        ValueError: with the rule that does not hold; pydantic's where a type is wrong.
    """
    for network in (result.network, *result.references):
        try:
            _check_network(network)
        except ValueError as error:
            raise ValueError(f"{network.name}: {error}") from None
    for finalist in result.finalists:
        if (finalist.trial is None) != bool(finalist.reference):
            raise ValueError("a finalist must have `trial` or `reference`, and not both")
        if not finalist.failure or finalist.metrics:
            _check_keys("finalists.metrics", finalist.metrics)
            check_metrics(finalist.metrics)
    if result.trial is None:
        _check_reference(result)
    if result.surrogate:
        _check_judgement(result.surrogate)
    try:
        result.to_json()  # an architecture may hold anything, and is written again with the rest
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _check_reference(result: FinalResult) -> None:
    """Check a result that no trial has: it must be that of a reference that won."""
    name = result.network.name
    if name not in published_names() or result.network.architecture != {"name": name}:
        raise ValueError("`trial` may be null only where `network` is a published network, by its name")
    if result.network not in result.references:
        raise ValueError(f"`trial` is null: `references` must hold {name}, as `network` has it")
    if result.winner is None or result.winner.failure:
        raise ValueError(f"`trial` is null: `finalists` must hold the reference {name}, with its metrics")


def _check_network(network: ValidatedNetwork) -> None:
    _check_keys("metrics", network.metrics)
    check_metrics(network.metrics)
    if network.metrics["parameters"] < 1:
        raise ValueError(f"metrics.parameters must be 1 or more, got {network.metrics['parameters']:g}")
    for name, found in (("digital_accuracy", network.digital_accuracy), ("curves", network.curves)):
        if "test" not in found:
            raise ValueError(f"`{name}` must hold test")
    for split, accuracy in network.digital_accuracy.items():
        if not 0 <= accuracy <= 1:
            raise ValueError(f"digital_accuracy.{split} must be from 0 to 1, got {accuracy:g}")
    for curve in network.curves.values():
        check_curve(curve)
    if network.correct_1d is not None:
        _check_images(network.correct_1d, network.curves["test"])


def _check_images(images: CorrectImages, curve: DriftRecord) -> None:
    """Check that the images can be unpacked, and are those that the accuracies of the curve count."""
    try:
        correct = images.unpacked()
    except ValueError as error:
        raise ValueError(f"correct_1d.{error}") from None
    if DAY_S not in curve.times_s:
        raise ValueError("`correct_1d` must not be there without a day in `curves.test.times_s`")
    accuracy = np.array(curve.accuracy[curve.times_s.index(DAY_S)])
    if len(correct) > len(accuracy):
        raise ValueError(
            f"correct_1d.bits must be of the {len(accuracy)} chips of the curve, got {len(correct)}"
        )
    if not np.allclose(correct.mean(axis=1), accuracy[: len(correct)], rtol=0, atol=1e-9):
        raise ValueError("correct_1d.bits must have the accuracies that `curves.test` has after a day")


def _check_keys(name: str, metrics: Mapping[str, float]) -> None:
    if metrics.keys() != BOUNDS.keys():
        raise ValueError(f"`{name}` must hold {', '.join(METRICS)} and no others")


def _check_judgement(surrogate: Mapping[str, object]) -> None:
    parts = (surrogate, *(part for part in surrogate.values() if isinstance(part, dict)))
    if any(len(part) > len(BOUNDS) for part in parts):
        raise ValueError("`surrogate`: has more keys than there are metrics")
    judgement = _Result.model_validate({"surrogate": surrogate}).surrogate
    measured, predicted = judgement.measured, judgement.predicted
    if (
        not judgement.tau.keys() == measured.keys() == predicted.keys()
        or not measured.keys() <= BOUNDS.keys()
    ):
        raise ValueError("`surrogate`: tau, measured and predicted must be of the same metrics")
    for name, tau in judgement.tau.items():
        if not len(measured[name]) == len(predicted[name]) == judgement.trials:
            raise ValueError(f"`surrogate`: measured and predicted {name} must have a value for each trial")
        if tau is not None and not -1 <= tau <= 1:
            raise ValueError(f"surrogate.tau.{name} must be from -1 to 1, got {tau:g}")
