"""What is known of a fully trained network: the content of `best/metrics.json`.

A file that somebody has edited is not believed. Types and unknown keys of most of it are found when it is read;
`check_result` has the bounds, what fields say of each other, and the judgement of the surrogate, which the reader takes
for any mapping.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, ClassVar, Final, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast

from analognas.metrics import METRICS, TABLE
from analognas.record.correct_images import MOST_CHARACTERS, CorrectImages
from analognas.record.strict import STRICT, bounded_json, first_problem
from analognas.record.trial import DriftRecord, check_curve, check_metrics
from analognas.specs.durations import DAY_S
from search_spaces import published_names

BEST: Final = "best"
"""The name of a trial's candidate among the networks at full budget."""

LONG: Final = 4_000_000
"""Characters. Nothing makes the file longer but the judgement of the surrogate, which has a number for each trial, and
the test images of large data sets on many chips."""


@dataclass(frozen=True)
class ValidatedNetwork:
    """A network trained at full budget and validated on chips.

    Attributes:
        name: `best`, or the name of a reference network, one that won included.
        architecture: in the literature's symbols; for a reference network its name.
        metrics: the figures of `analognas.record.trial` on the test split.
        digital_accuracy: floating-point accuracy of the exported weights, by split: `test`, and `validation` where its
            inputs were not trained on.
        curves: accuracy of every chip at every time, by split.
        training: what was done: epochs, seed, inputs, accuracy before hardware-aware training.
        correct_1d: which test images each chip classifies correctly one day after programming; None in a record of a
            time that did not keep it.
    """

    name: str
    architecture: Mapping[str, Any]
    metrics: Mapping[str, float]
    digital_accuracy: Mapping[str, float]
    curves: Mapping[str, DriftRecord]
    training: Mapping[str, Any]
    correct_1d: CorrectImages | None = None


@dataclass(frozen=True)
class Finalist:
    """A network trained at full budget for the choice: a trial's candidate, or a reference.

    Attributes:
        trial: the trial's number, from 1; None for a reference.
        metrics: the figures of `analognas.record.trial` on the validation split; empty when it failed.
        failure: why; empty when it did not.
        reference: its name; empty for a trial's candidate.
    """

    trial: int | None
    metrics: Mapping[str, float]
    failure: str
    reference: str = ""


@dataclass(frozen=True)
class FinalResult:
    """The end of a run.

    Attributes:
        trial: number (from 1) of the trial whose candidate was retrained; None where a reference won.
        network: that candidate, or that reference, at full budget.
        references: the reference networks under the same budget and hardware, one that won included.
        surrogate: how well the surrogate predicted held-out trials:
            `{"kind": name, "tau": {metric: Kendall tau or null}, "undefined": {metric: why}, "trials": n, "folds": k,
            "measured": {metric: [...]}, "predicted": {metric: [...]}}`; empty when the run had no surrogate.
        finalists: the networks that were trained at full budget for the choice; empty where the best trial was chosen.
    """

    trial: int | None
    network: ValidatedNetwork
    references: tuple[ValidatedNetwork, ...]
    surrogate: Mapping[str, Any]
    finalists: tuple[Finalist, ...] = ()

    __pydantic_config__: ClassVar = STRICT  # handed on to the records inside

    @property
    def reference(self) -> str | None:
        """The name of the reference that won; None where a trial did."""
        return self.network.name if self.trial is None else None

    @property
    def others(self) -> tuple[ValidatedNetwork, ...]:
        """The references that the network can be compared with: all but itself."""
        return tuple(network for network in self.references if network.name != self.reference)

    @property
    def networks(self) -> tuple[ValidatedNetwork, ...]:
        """Every network, the one that was chosen first."""
        return (self.network, *self.others)

    @property
    def winner(self) -> Finalist | None:
        """The chosen network as a finalist, None where the best trial was chosen without a race."""
        won = (self.trial, self.reference or "")
        return next(
            (finalist for finalist in self.finalists if (finalist.trial, finalist.reference) == won), None
        )

    def to_json(self) -> str:
        """Return the result as indented JSON."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> FinalResult:
        """Read what `to_json` wrote.

        Raises:
            ValueError: when the text is not such a result.
        """
        from pydantic import TypeAdapter, ValidationError
        from pydantic_core import from_json

        try:
            values = from_json(text)
            surrogate = values.get("surrogate") if isinstance(values, dict) else None
            if isinstance(surrogate, dict):
                values["surrogate"] = {}
            limit = LONG + (_length_of_images(values) if isinstance(values, dict) else 0)
            result = TypeAdapter(cls).validate_json(bounded_json(values, limit))
            if isinstance(surrogate, dict):
                result = replace(result, surrogate=surrogate)
            check_result(result)
        except ValidationError as error:
            raise ValueError(f"not a final result: {first_problem(error)}") from None
        except ValueError as error:
            raise ValueError(f"not a final result: {error}") from None
        return result


def _length_of_images(values: Mapping[str, Any]) -> int:
    """Return the characters of a result that are nothing but bits of test images: one text a network, quickly read."""
    references = values.get("references")
    networks = [values.get("network"), *(references if isinstance(references, list) else ())]
    kept = [network.get("correct_1d") for network in networks if isinstance(network, dict)]
    bits = [images.get("bits") for images in kept if isinstance(images, dict)]
    return sum(len(text) for text in bits if isinstance(text, str) and len(text) <= MOST_CHARACTERS)


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
    if metrics.keys() != TABLE.keys():
        raise ValueError(f"`{name}` must hold {', '.join(METRICS)} and no others")


def _check_judgement(surrogate: Mapping[str, object]) -> None:
    parts = (surrogate, *(part for part in surrogate.values() if isinstance(part, dict)))
    if any(len(part) > len(TABLE) for part in parts):
        raise ValueError("`surrogate`: has more keys than there are metrics")
    judgement = _Result.model_validate({"surrogate": surrogate}).surrogate
    measured, predicted = judgement.measured, judgement.predicted
    if not judgement.tau.keys() == measured.keys() == predicted.keys() or not measured.keys() <= TABLE.keys():
        raise ValueError("`surrogate`: tau, measured and predicted must be of the same metrics")
    for name, tau in judgement.tau.items():
        if not len(measured[name]) == len(predicted[name]) == judgement.trials:
            raise ValueError(f"`surrogate`: measured and predicted {name} must have a value for each trial")
        if tau is not None and not -1 <= tau <= 1:
            raise ValueError(f"surrogate.tau.{name} must be from -1 to 1, got {tau:g}")
