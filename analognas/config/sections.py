"""The sections of a search: what is searched, how candidates are trained and judged, what is reported."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

import hwsim
from analognas.config.quantity import Count, Share
from analognas.config.spec import MismatchError, Seconds, Spec
from analognas.executors.specs import ExecutorSpec, SerialSpec
from analognas.halving import Halving, RungPlan, reduced_chips, reduced_epochs
from analognas.record.trial import DAY_S, HOUR_S, MONTH_S, SECOND_S, YEAR_S
from analognas.spaces.specs import ResNetSpec, SpaceSpec
from analognas.strategies.problem import SIGNS, Choice, MetricName, Objective
from analognas.strategies.specs import (
    MULTI_OBJECTIVE,
    NSGA2Spec,
    RegularizedEvolutionSpec,
    StrategySpec,
    SurrogateGuidedSpec,
)
from analognas.tasks.specs import TaskSpec
from analognas.training.specs import AugmentationSpec, EarlyStopSpec
from search_spaces import published_names

STANDARD_TIMES_S: Final = (SECOND_S, HOUR_S, DAY_S, MONTH_S, YEAR_S)
REQUIRED_TIMES_S: Final = {SECOND_S: "1 s", DAY_S: "1 day", MONTH_S: "1 month"}


class DigitalTrainingSpec(Spec):
    """Training in floating point, before any analog hardware is simulated."""

    epochs: int = Field(default=10, ge=1, le=1_000_000, description="passes over the training split")
    batch_size: int = Field(default=64, ge=2, le=1_000_000, description="images a step")
    optimizer: Literal["adam", "sgd"] = Field(
        default="adam", description="AdamW, or SGD with Nesterov momentum 0.9"
    )
    learning_rate: float = Field(default=3e-3, gt=0, description="peak; a cosine takes it to zero")
    warmup: float = Field(
        default=0.1, ge=0, lt=1, description="fraction of the steps that ramps the learning rate up"
    )
    weight_decay: float = Field(default=1e-3, ge=0, description="decoupled for adam")


class HardwareAwareTrainingSpec(Spec):
    """Training with the analog hardware in the forward pass, from the digitally trained weights."""

    epochs: int = Field(
        default=5, ge=0, le=1_000_000, description="passes over the training split; 0 skips this training"
    )
    batch_size: int = Field(default=64, ge=2, le=1_000_000, description="images a step")
    optimizer: Literal["adam", "sgd"] = Field(
        default="adam", description="AdamW, or SGD with Nesterov momentum 0.9"
    )
    learning_rate: float = Field(
        default=1e-3, gt=0, description="peak; about a tenth of the digital one for long trainings"
    )
    warmup: float = Field(
        default=0.0, ge=0, lt=1, description="fraction of the steps that ramps the learning rate up"
    )
    weight_decay: float = Field(default=0.0, ge=0, description="decoupled for adam")
    weight_noise: float = Field(
        default=0.06,
        ge=0,
        description="standard deviation of the weight noise, in units of the largest weight",
    )
    noise_ramp: float = Field(
        default=0.2, ge=0, le=1, description="fraction of the steps that ramps the noise up"
    )
    clip_sigma: float | None = Field(
        default=2.5,
        gt=0,
        description="clip weights at this many standard deviations of the layer; null: no clipping",
    )


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


class ConstraintsSpec(Spec):
    """Upper bounds; a bound that is absent is free."""

    parameters: Count | None = Field(
        default=None,
        description="trainable parameters, such as 40000 or 40 k (hard: checked before training)",
    )
    macs: Count | None = Field(
        default=None, description="multiply-accumulates an inference, such as 1.5 M (hard)"
    )
    avm: Share | None = Field(
        default=None, description="accuracy at 1 s minus at 1 month, 0.03 or 3 points (soft: measured)"
    )
    std_1d: Share | None = Field(
        default=None,
        description="standard deviation over chips of the 1-day accuracy, 0.005 or 0.5 points (soft)",
    )

    def upper_bounds(self) -> dict[str, float]:
        """Return the bounds that are set, by metric name."""
        return {name: float(value) for name, value in self.model_dump().items() if value is not None}


class HalvingSpec(Spec):
    """Asynchronous successive halving: all candidates at a small budget, the best again at larger ones (ASHA)."""

    eta: int = Field(
        default=3,
        ge=2,
        le=10,
        description="of so many candidates of a rung one is promoted; epochs and chips grow by the same factor",
    )
    rungs: int = Field(default=3, ge=2, le=6, description="budgets, the last one the full one")

    @property
    def schedule(self) -> Halving:
        """The budgets of the rungs."""
        return Halving(self.eta, self.rungs)


def _name_or_architecture(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise ValueError(
            "must be the name of a published network or an architecture "
            f"(a mapping, as in architecture.json), got {value!r:.60}"
        )
    return value


GivenCandidate = Annotated[str | dict[str, Any], BeforeValidator(_name_or_architecture)]


class SearchSpec(Spec):
    """How many candidates are tried and who proposes them."""

    trials: int = Field(default=48, ge=1, le=1_000_000, description="candidates trained and validated")
    batch: int = Field(
        default=6,
        ge=1,
        le=100_000,
        description="candidates proposed at a time, before the surrogate sees their results",
    )
    strategy: StrategySpec = Field(default_factory=SurrogateGuidedSpec)
    halving: HalvingSpec | None = Field(
        default=None,
        description="successive halving over epochs and chips; null: every candidate gets the full budget",
    )
    start_from: tuple[GivenCandidate, ...] = Field(
        default=(),
        description="candidates evaluated first: names of published networks, or architectures as in architecture.json",
    )

    @model_validator(mode="after")
    def _trials_cover_the_given(self) -> SearchSpec:
        if len(self.start_from) > self.trials:
            raise MismatchError(
                f"must have at most `search.trials` entries, they are the first trials; got {len(self.start_from)} > "
                f"{self.trials}: remove some, or raise `search.trials`",
                ("start_from", self.trials),
                ("start_from",),
            )
        return self

    @property
    def n_evaluations(self) -> int:
        """Evaluations that a search takes on all rungs together, none failing."""
        return self.trials if self.halving is None else self.halving.schedule.evaluations(self.trials)


class FinalSpec(Spec):
    """The full budget, for the best candidate and the reference networks."""

    digital_epochs: int = Field(default=40, ge=1, le=1_000_000, description="epochs of digital training")
    hardware_aware_epochs: int = Field(
        default=20, ge=0, le=1_000_000, description="epochs of hardware-aware training"
    )
    chips: int = Field(default=25, ge=2, le=1000, description="chips programmed for the validation")
    finalists: int = Field(
        default=1,
        ge=1,
        le=100,
        description="best trials, trained at full budget and judged on validation data; the winner is trained anew",
    )
    train_on: Literal["train", "train-and-validation"] = Field(
        default="train",
        description="train-and-validation: the choice is made, so its data train too, the references likewise",
    )


def _merge_preset(value: Any) -> Any:
    if isinstance(value, str):
        value = {"preset": value}
    if isinstance(value, dict) and "preset" in value:
        changes = {key: change for key, change in value.items() if key != "preset"}
        if not isinstance(value["preset"], str):
            raise ValueError(
                f"`preset` must be a name ({', '.join(hwsim.preset_names())}), got {value['preset']!r}"
            )
        return _merged(hwsim.preset(value["preset"]).model_dump(), changes)
    return value


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, change in changes.items():
        below = merged.get(key)
        same_kind = (
            isinstance(below, dict)
            and isinstance(change, dict)
            and change.get("kind") in (None, below.get("kind"))
        )
        merged[key] = _merged(below, change) if same_kind and isinstance(below, dict) else change
    return merged


HardwareSection = Annotated[
    hwsim.Hardware,
    BeforeValidator(_merge_preset, json_schema_input_type=hwsim.Hardware | str | dict[str, Any]),
]
"""Hardware written out, or a preset by name, with any of its values replaced."""


class SearchConfig(Spec):
    """A whole search: everything that decides its result."""

    name: str = Field(
        default="search", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="names the run directory"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of every random draw of the run")
    task: TaskSpec
    space: SpaceSpec = Field(default_factory=ResNetSpec)
    hardware: HardwareSection = Field(
        default_factory=lambda: hwsim.preset("pcm-analognas"),
        description="a preset by name, with any of its values replaced: {preset: pcm-analognas, tile: {rows: 512}}",
    )
    constraints: ConstraintsSpec = ConstraintsSpec()
    objective: Literal["accuracy_1d", "accuracy_1s", "digital_accuracy"] = Field(
        default="accuracy_1d", description="what to maximise"
    )
    further_objectives: tuple[MetricName, ...] = Field(
        default=(),
        description="more objectives: accuracies and utilisation are raised, everything else is lowered",
    )
    choice: Choice = Field(
        default="best",
        description="the network that is trained at full budget: the best in `objective`, or the knee of the front",
    )
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    search: SearchSpec = Field(default_factory=SearchSpec)
    final: FinalSpec = FinalSpec()
    references: tuple[str, ...] = Field(
        default=("resnet8",), description="networks trained and validated next to the best"
    )
    executor: ExecutorSpec = SerialSpec()

    @field_validator("references")
    @classmethod
    def _references_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in published_names():
                raise ValueError(f"unknown network {name!r}; known: {', '.join(published_names())}")
        return names

    @field_validator("further_objectives")
    @classmethod
    def _objectives_differ(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        all_names = [info.data.get("objective"), *names]
        twice = sorted({str(name) for name in all_names if all_names.count(name) > 1})
        if twice:
            raise ValueError(f"objectives must differ, `objective` included; twice: {', '.join(twice)}")
        return names

    @model_validator(mode="after")
    def _strategy_takes_the_objectives(self) -> SearchConfig:
        kind = self.search.strategy.kind
        if self.further_objectives and kind not in MULTI_OBJECTIVE:
            raise MismatchError(
                f"`search.strategy.kind: {kind}` improves one objective alone; remove `further_objectives` or choose "
                f"of {', '.join(MULTI_OBJECTIVE)}",
                ("further_objectives",),
            )
        if self.choice == "knee" and not self.further_objectives:
            raise MismatchError("`knee` needs `further_objectives`, such as [parameters]", ("choice",))
        return self

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Every objective, the first one first."""
        return tuple(Objective(name, SIGNS[name]) for name in (self.objective, *self.further_objectives))

    @model_validator(mode="after")
    def _halving_reaches_the_full_budget(self) -> SearchConfig:
        halving = self.search.halving
        if halving is not None and self.search.trials < halving.eta ** (halving.rungs - 1):
            raise MismatchError(
                "`search.trials >= eta^(rungs - 1)` of `search.halving` must hold, or no candidate reaches the full "
                f"budget, got {self.search.trials} < {halving.eta ** (halving.rungs - 1)}",
                ("search", "trials"),
                ("search", "halving"),
            )
        if halving is not None:
            for rung, (lower, upper) in enumerate(pairwise(plan.budget for plan in self.rungs)):
                if lower == upper:
                    raise MismatchError(
                        f"the rungs {rung} and {rung + 1} would be equal: {lower[0]} + {lower[1]} epochs, "
                        f"{lower[2]} chips; give more epochs or chips, or fewer rungs",
                        ("search", "halving", "rungs"),
                        ("search", "halving"),
                    )
        return self

    @property
    def rungs(self) -> tuple[RungPlan, ...]:
        """The rungs of a search, the full budget last; a single one without halving."""
        halving = Halving(eta=2, rungs=1) if self.search.halving is None else self.search.halving.schedule
        shares = [halving.budget(rung) for rung in range(halving.rungs)]
        return tuple(
            RungPlan(
                candidates=self.search.trials // halving.eta**rung,
                digital_epochs=reduced_epochs(self.training.digital.epochs, share),
                hardware_aware_epochs=reduced_epochs(self.training.hardware_aware.epochs, share),
                chips=reduced_chips(self.evaluation.chips, share),
            )
            for rung, share in enumerate(shares)
        )

    @model_validator(mode="after")
    def _finalists_are_trials(self) -> SearchConfig:
        most = self.rungs[-1].candidates
        if self.final.finalists > most:
            which = "search.trials" if self.search.halving is None else "candidates of the last rung"
            raise MismatchError(
                f"`final.finalists <= {which}` must hold, got {self.final.finalists} > {most}",
                ("final", "finalists"),
                ("search", "trials"),
            )
        return self

    @model_validator(mode="after")
    def _budget_covers_initial_design(self) -> SearchConfig:
        strategy, trials = self.search.strategy, self.search.trials
        # The population of a surrogate's strategy is predicted, that of these two is trained.
        trained = "population" if isinstance(strategy, NSGA2Spec | RegularizedEvolutionSpec) else "initial"
        first = getattr(strategy, trained, None)
        if first is not None and first > trials:
            raise MismatchError(
                f"`search.strategy.{trained} <= search.trials` must hold, got {first} > {trials}: "
                "nothing but the first, random trials would be left",
                ("search", "strategy", trained),
                ("search", "trials"),
            )
        return self
