"""What is known of a fully trained network: the content of `best/metrics.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final

from analognas.record.correct_images import MOST_CHARACTERS, CorrectImages
from analognas.record.strict import STRICT, bounded_json, first_problem
from analognas.record.trial import DriftRecord

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

        from analognas.record.validation_checks import check_result

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
