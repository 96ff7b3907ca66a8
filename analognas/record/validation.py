"""What is known of a fully trained network: the content of `best/metrics.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError

from analognas.metrics import TABLE
from analognas.record.correct_images import CorrectImages
from analognas.record.trial import Curve, Fraction, Metrics
from analognas.specs.strict import STRICT, first_problem
from search_spaces import published_names

BEST: Final = "best"
"""The name of a trial's candidate among the networks at full budget."""

RUNNER_UP: Final = "runner-up"
"""That of the best trial's candidate of a race that a reference won."""


def _check_bits(images: CorrectImages) -> CorrectImages:
    images.unpacked()
    return images


@dataclass(frozen=True)
class ValidatedNetwork:
    """A network trained at full budget and validated on chips.

    Attributes:
        name: `best`, `runner-up`, or the name of a reference network, one that won included.
        architecture: in the literature's symbols; for a reference network its name.
        metrics: the figures of `analognas.record.trial` on the test split.
        digital_accuracy: floating-point accuracy of the exported weights, by split: `test`, and `validation` where its
            inputs were not trained on.
        curves: accuracy of every chip at every time, by split.
        training: what was done: epochs, seed, inputs, accuracy before hardware-aware training.
        correct_1d: which test images each chip classifies correctly one day after programming; None in a record of a
            time that did not keep it.
        repeat: which of several trainings it is, with seeds of their own, from 0.
    """

    name: str
    architecture: Mapping[str, Any]
    metrics: Metrics
    digital_accuracy: Mapping[str, Fraction]
    curves: Mapping[str, Curve]
    training: Mapping[str, Any]
    correct_1d: Annotated[CorrectImages, AfterValidator(_check_bits)] | None = None
    repeat: int = 0


@dataclass(frozen=True)
class Finalist:
    """A network trained at full budget for the choice: a trial's candidate, or a reference.

    Attributes:
        trial: the trial's number, from 1; None for a reference.
        metrics: the figures of `analognas.record.trial` on the validation split; empty when it failed.
        failure: why; empty when it did not.
        reference: its name; empty for a trial's candidate.
        repeat: which of its trainings it is, from 0; those after the first are of the second round.
    """

    trial: int | None
    metrics: Metrics
    failure: str
    reference: str = ""
    repeat: int = 0


@dataclass(frozen=True)
class RunnerUp:
    """The best trial of a race that a reference won: what the search itself has found.

    Attributes:
        trial: its number, from 1.
        trainings: at full budget, on the test split, in order of their numbers; one at least.
    """

    trial: int
    trainings: tuple[ValidatedNetwork, ...]


class _Judgement(BaseModel):
    """`FinalResult.surrogate` where it is not empty."""

    model_config: ClassVar[ConfigDict] = STRICT

    kind: str = ""
    tau: dict[str, float | None]
    undefined: dict[str, str] = {}
    trials: int
    folds: int
    measured: dict[str, list[float]]
    predicted: dict[str, list[float]]


def _check_judgement(surrogate: Mapping[str, Any]) -> Mapping[str, Any]:
    if not surrogate:
        return surrogate
    try:
        judgement = _Judgement.model_validate(surrogate)
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None
    names, lists = judgement.tau.keys(), (judgement.measured, judgement.predicted)
    if not names <= TABLE.keys() or any(values.keys() != names for values in lists):
        raise ValueError("tau, measured and predicted must be of the same metrics")
    if any(len(column) != judgement.trials for values in lists for column in values.values()):
        raise ValueError("measured and predicted must have a value for each trial")
    return surrogate


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
        further: more trainings of the chosen network and of the references, with other seeds (`final.seeds`).
        runner_up: the best trial where a reference won; None where a trial did, or its network was not trained.
    """

    trial: int | None
    network: ValidatedNetwork
    references: tuple[ValidatedNetwork, ...]
    surrogate: Annotated[Mapping[str, Any], AfterValidator(_check_judgement)]
    finalists: tuple[Finalist, ...] = ()
    further: tuple[ValidatedNetwork, ...] = ()
    runner_up: RunnerUp | None = None

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
        won = (self.trial, self.reference or "", self.network.repeat)
        return next(
            (
                finalist
                for finalist in self.finalists
                if (finalist.trial, finalist.reference, finalist.repeat) == won
            ),
            None,
        )

    def trainings(self, name: str) -> tuple[ValidatedNetwork, ...]:
        """Return every training of a network on the test split, by its name, in order."""
        own = () if self.runner_up is None else self.runner_up.trainings
        networks = (*self.further, *self.networks, *own)
        found = {network.repeat: network for network in networks if network.name == name}
        return tuple(found[repeat] for repeat in sorted(found))

    def pairs(self, reference: str, name: str = "") -> list[tuple[ValidatedNetwork, ValidatedNetwork]]:
        """Return the trainings with the same number of a network, the chosen one by default, and of a reference."""
        others = {network.repeat: network for network in self.trainings(reference)}
        trainings = self.trainings(name or self.network.name)
        return [(network, others[network.repeat]) for network in trainings if network.repeat in others]

    def to_json(self) -> str:
        """Return the result as indented JSON."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> FinalResult:
        """Read what `to_json` wrote.

        Raises:
            ValueError: when the text is not such a result.
        """
        try:
            return _READER.validate_json(text)
        except ValidationError as error:
            raise ValueError(f"not a final result: {first_problem(error)}") from None


def _check_result(result: FinalResult) -> FinalResult:
    """Check what the parts of a result say of each other."""
    for network in (result.network, *result.references):
        if not network.metrics or "test" not in network.digital_accuracy or "test" not in network.curves:
            raise ValueError(
                f"{network.name}: must have metrics, and `test` in `digital_accuracy` and `curves`"
            )
    for finalist in result.finalists:
        if (finalist.trial is None) != bool(finalist.reference):
            raise ValueError("a finalist must have `trial` or `reference`, and not both")
        if not finalist.failure and not finalist.metrics:
            raise ValueError("a finalist must have `metrics` or a `failure`")
    if result.trial is None:
        _check_reference(result)
    if result.runner_up is not None and (result.trial is not None or not result.runner_up.trainings):
        raise ValueError("`runner_up` must have trainings, and be there only where a reference won")
    return result


def _check_reference(result: FinalResult) -> None:
    """Check a result that no trial has: it must be that of a reference that won."""
    name = result.network.name
    if name not in published_names() or result.network.architecture != {"name": name}:
        raise ValueError("`trial` may be null only where `network` is a published network, by its name")
    if result.network not in result.references or result.winner is None or result.winner.failure:
        raise ValueError(f"`trial` is null: `references` and `finalists` must hold {name}, with its metrics")


_READER: Final = TypeAdapter(Annotated[FinalResult, AfterValidator(_check_result)])
