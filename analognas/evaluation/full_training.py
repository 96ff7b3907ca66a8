"""A training at full budget, as work for an executor: what is trained, on what it is measured, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from analognas.evaluation.in_memory import LearnedChip
from analognas.evaluation.training import TrainingBudget
from analognas.record.correct_images import CorrectImages
from analognas.record.trial import DriftRecord
from search_spaces import Genotype

SplitName: TypeAlias = Literal["validation", "test"]


@dataclass(frozen=True)
class Measured:
    """What chips make of a network on one split.

    Attributes:
        metrics: the figures of `analognas.record.trial`.
        curve: accuracy of every chip at every time.
        correct_1d: whether each chip finds the class of each image after a day; None where that is not known.
    """

    metrics: Mapping[str, float]
    curve: DriftRecord
    correct_1d: CorrectImages | None


@dataclass(frozen=True)
class FullyTrained:
    """A network at full budget.

    Attributes:
        weights: a safetensors file of the state dict.
        training: what was done, for the record.
        measured: by split.
        ranges: learned ranges, as hwsim.analog_parameters gives them; None where they are calibrated.
        learned: chips that learned in the array, on which it is measured; none where no chip did.
    """

    weights: bytes
    training: Mapping[str, Any]
    measured: Mapping[SplitName, Measured]
    ranges: Mapping[str, Any] | None = None
    learned: tuple[LearnedChip, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class FullTraining:
    """A network to be trained at full budget and measured.

    Attributes:
        key: names the work and its log.
        genotype: of a candidate; None for a published network.
        architecture: for the record; `{"name": ...}` for a published network.
        budget: of the training.
        chips: programmed for each split.
        seed: of the training.
        splits: that it is measured on.
        trains_on_validation: whether the validation images are among the training images.
        allowance: how many times the time limit of a trial it may take.
        trained: what was trained and measured already, which is not done again.
    """

    key: str
    genotype: Genotype | None
    architecture: Mapping[str, Any]
    budget: TrainingBudget
    chips: int
    seed: int
    splits: tuple[SplitName, ...]
    trains_on_validation: bool = False
    allowance: float = 1.0
    trained: FullyTrained | None = field(default=None, repr=False)
