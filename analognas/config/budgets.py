"""How much work a network gets: its trainings, the chips and times it is judged at, and the full budget at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from analognas.specs.base import MismatchError, Seconds, Spec
from analognas.specs.durations import DAY_S, HOUR_S, MONTH_S, SECOND_S, YEAR_S
from analognas.specs.problems import nearest
from analognas.training.in_memory_spec import InMemorySpec
from analognas.training.specs import AugmentationSpec, EarlyStopSpec

STANDARD_TIMES_S: Final = (SECOND_S, HOUR_S, DAY_S, MONTH_S, YEAR_S)
REQUIRED_TIMES_S: Final = {SECOND_S: "1 s", DAY_S: "1 day", MONTH_S: "1 month"}


UPDATES: Final = "fewest updates: small data sets get more epochs; 0 where only the epochs are given"


def _epochs_alone(values: Any, pairs: Mapping[str, str]) -> Any:
    """Return the values of a section with no floor of updates where its epochs were chosen and the floor was not."""
    if not isinstance(values, Mapping):
        return values
    alone = {updates: 0 for epochs, updates in pairs.items() if epochs in values and updates not in values}
    return {**values, **alone}


class _PassesSpec(Spec):
    """What both trainings have."""

    epochs: int = Field(default=10, ge=1, le=1_000_000, description="passes over the training split")
    updates: int = Field(default=400, ge=0, le=100_000_000, description=UPDATES)
    epoch_size: int | None = Field(
        default=None,
        ge=2,
        le=1_000_000_000,
        description="inputs of an epoch, others in each until all were seen: fresh inputs at the same price; null: all",
    )
    batch_size: int = Field(default=32, ge=2, le=1_000_000, description="images a step")
    optimizer: Literal["adam", "sgd"] = Field(
        default="adam", description="AdamW, or SGD with Nesterov momentum 0.9"
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="share of the target that is spread over all classes"
    )

    clip_gradient: float | None = Field(
        default=None,
        gt=0,
        description="largest norm of the gradient of a step, such as 5 for an LSTM; null: no limit",
    )

    @model_validator(mode="before")
    @classmethod
    def _floor(cls, values: Any) -> Any:
        return _epochs_alone(values, {"epochs": "updates"})


class DigitalTrainingSpec(_PassesSpec):
    """Training in floating point, before any analog hardware is simulated."""

    learning_rate: float = Field(default=0.01, gt=0, description="peak; a cosine takes it to zero")
    warmup: float = Field(
        default=0.1, ge=0, lt=1, description="fraction of the steps that ramps the learning rate up"
    )
    weight_decay: float = Field(default=1e-3, ge=0, description="decoupled for adam")
    average_last: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="fraction of the steps, at the end, whose weights are averaged; 0: those of the last step",
    )
    clip_sigma: float | None = Field(
        default=None,
        gt=0,
        description="clip weights at this many standard deviations of the layer after each update; null: no clipping",
    )


class DistillationSpec(Spec):
    """Learning from the digitally trained network as well as from the labels."""

    temperature: float = Field(
        default=10.0, gt=0, le=1000, description="softens the outputs of both networks"
    )
    teacher_share: float = Field(
        default=0.75, ge=0, le=1, description="weight of the digital network's outputs against the labels"
    )


class HardwareAwareTrainingSpec(_PassesSpec):
    """Training with the analog hardware in the forward pass, from the digitally trained weights."""

    epochs: int = Field(
        default=10, ge=0, le=1_000_000, description="passes over the training split; 0 skips this training"
    )
    learning_rate: float = Field(
        default=0.006,
        gt=0,
        description="peak; a cosine takes it to zero; a tenth of the digital one or less for long trainings",
    )
    warmup: float = Field(
        default=0.0, ge=0, lt=1, description="fraction of the steps that ramps the learning rate up"
    )
    weight_decay: float = Field(default=0.0, ge=0, description="decoupled for adam")
    weight_noise: float = Field(
        default=0.15,
        ge=0,
        description="strength of the weight noise, in units of what `modifier` says",
    )
    modifier: Literal["gaussian", "device"] = Field(
        default="gaussian",
        description="gaussian: weight noise in units of the largest weight of a column; device: in multiples of the "
        "device's own programming error",
    )
    noise_ramp: float = Field(
        default=0.2, ge=0, le=1, description="fraction of the steps that ramps the noise up"
    )
    clip_sigma: float | None = Field(
        default=2.5,
        gt=0,
        description="clip weights at this many standard deviations of the layer; null: no clipping",
    )
    clip_value: float | None = Field(
        default=None, gt=0, description="clip weights at this fixed magnitude; null: no fixed clipping"
    )
    learn_scales: bool = Field(
        default=False, description="train a factor on the digital scale of each column with the weights"
    )
    learn_ranges: bool = Field(
        default=False,
        description="train input ranges, and ADC gains that are not fixed, with the weights; chips keep them",
    )
    range_decay: float = Field(
        default=1e-3,
        ge=0,
        le=1,
        description="relative decay of a learned input range after an update where more than 95 % of inputs fit",
    )
    freeze_scales: bool = Field(
        default=False,
        description="the scale of each layer stays that of the digital training, clipped once at `clip_sigma`; for "
        "hardware with `converters.weight_scaling: layer`",
    )
    distillation: DistillationSpec | None = Field(
        default=None,
        description="learn from the digitally trained network as well; null: from the labels alone",
    )

    @model_validator(mode="after")
    def _smoothed_once(self) -> HardwareAwareTrainingSpec:
        if self.distillation is not None and self.label_smoothing:
            raise MismatchError(
                f"`label_smoothing` must be 0 with `distillation`, whose teacher softens the labels, got "
                f"{self.label_smoothing:g}",
                ("label_smoothing",),
                ("distillation",),
            )
        return self


class TrainingSpec(Spec):
    """The budget of one trial."""

    digital: DigitalTrainingSpec = DigitalTrainingSpec()
    hardware_aware: HardwareAwareTrainingSpec = HardwareAwareTrainingSpec()
    augmentation: AugmentationSpec = AugmentationSpec()
    mixed_precision: bool = Field(
        default=False,
        description="digital training with convolutions and matrix products in bfloat16, for GPUs; off for the chip",
    )
    early_stop: EarlyStopSpec | None = Field(
        default=None, description="gives up trials that are hopeless; null: every trial is trained to its end"
    )
    in_memory: InMemorySpec | None = Field(
        default=None,
        description="candidates learn in the array, by pulses, for as long as `digital` says, and are judged on the "
        "chips that learned; `hardware_aware` is left out; null: they are trained before they are programmed",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_training(cls, values: Any) -> Any:
        """Leave hardware-aware training out where chips learn and nobody asked for it."""
        if not isinstance(values, Mapping) or values.get("in_memory") is None or "hardware_aware" in values:
            return values
        return {**values, "hardware_aware": {"epochs": 0}}

    @model_validator(mode="after")
    def _arrays_can_do_it(self) -> TrainingSpec:
        if self.in_memory is None:
            return self
        digital = self.digital
        refused = {
            ("hardware_aware",): (self.hardware_aware.epochs > 0, "chips learn with their own errors"),
            ("mixed_precision",): (self.mixed_precision, "arrays have converters of their own"),
            ("digital", "average_last"): (digital.average_last > 0, "no array holds an average"),
            ("digital", "clip_sigma"): (digital.clip_sigma is not None, "cells have bounds of their own"),
        }
        for place, (written, why) in refused.items():
            if written:
                raise MismatchError(
                    f"`{'.'.join(place)}` must be left out with `in_memory`: {why}", place, ("in_memory",)
                )
        return self

    @model_validator(mode="after")
    def _stop_is_early(self) -> TrainingSpec:
        if self.early_stop is not None and self.early_stop.epoch >= self.digital.epochs:
            raise MismatchError(
                "`early_stop.epoch < digital.epochs` must hold, "
                f"got {self.early_stop.epoch} and {self.digital.epochs}",
                ("early_stop", "epoch"),
            )
        return self


class EvaluationSpec(Spec):
    """How a trained candidate is judged."""

    chips: int = Field(
        default=8, ge=2, le=1000, description="chips programmed for each trial; the spread needs 2"
    )
    times: tuple[Seconds, ...] = Field(
        default=STANDARD_TIMES_S,
        description="times since programming; 1 s, 1 day and 1 month must be among them",
    )

    @field_validator("times")
    @classmethod
    def _has_required_times(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        missing = [name for time_s, name in REQUIRED_TIMES_S.items() if time_s not in times]
        if missing:
            raise ValueError(
                f"must contain 1 s, 1 day and 1 month (1-day accuracy and AVM need them); add {', '.join(missing)}"
            )
        return tuple(sorted(set(times)))


def _optional_formats(names: tuple[str, ...]) -> tuple[str, ...]:
    from analognas.export.formats import FORMATS

    optional = [name for name, entry in FORMATS.items() if entry.bundled and not entry.needed]
    for name in names:
        if name not in optional:
            raise ValueError(
                f"must be formats of `best/` that a run may do without, got {name!r:.40}{nearest(name, optional)}; "
                "`analognas export` writes others"
            )
    return tuple(dict.fromkeys(names))


class FinalSpec(Spec):
    """The full budget, for the best candidate and the reference networks; `final: none` trains none of them."""

    train: bool = Field(
        default=True,
        description="false, as `final: none` says it: the run ends with its trials, and trains no network",
    )
    digital_epochs: int = Field(default=30, ge=1, le=1_000_000, description="epochs of digital training")
    digital_updates: int = Field(default=1200, ge=0, le=100_000_000, description=UPDATES)
    hardware_aware_epochs: int = Field(
        default=30, ge=0, le=1_000_000, description="epochs of hardware-aware training"
    )
    hardware_aware_updates: int = Field(default=1200, ge=0, le=100_000_000, description=UPDATES)
    chips: int = Field(default=25, ge=2, le=1000, description="chips programmed for the validation")
    finalists: int = Field(
        default=1,
        ge=1,
        le=100,
        description="best trials raced in full with the references on the validation split; the winner is exported",
    )
    seeds: int = Field(
        default=1,
        ge=1,
        le=20,
        description="trainings of each reference and each network of the second round; one is exported",
    )
    shortlist: int = Field(
        default=3, ge=1, le=100, description="finalists of the second round, where `seeds` is above 1"
    )
    train_on: Literal["train", "train-and-validation"] = Field(
        default="train",
        description="train-and-validation: the choice is made, so its data train too, the references likewise",
    )
    formats: Annotated[tuple[str, ...], AfterValidator(_optional_formats)] | None = Field(
        default=None,
        description="what `best/` has besides architecture, weights and analog state, such as [onnx]; null: all of "
        "model.py, pt2 and onnx. `analognas export` writes others",
    )

    @model_validator(mode="before")
    @classmethod
    def _floor(cls, values: Any) -> Any:
        return _epochs_alone(
            values,
            {"digital_epochs": "digital_updates", "hardware_aware_epochs": "hardware_aware_updates"},
        )


def _none_trains_nothing(value: Any) -> Any:
    if isinstance(value, str) and value != "none":
        raise ValueError(f"must be a section (`key: value`) or `none`, got {value!r:.40}")
    return {"train": False} if value == "none" else value


FinalSection = Annotated[
    FinalSpec, BeforeValidator(_none_trains_nothing, json_schema_input_type=FinalSpec | Literal["none"])
]
"""The section `final`, which may be `none`."""
