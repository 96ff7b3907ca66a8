"""The sections of a search: what is searched, how candidates are trained and judged, what is reported."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

import hwsim
from analognas.config.budgets import EvaluationSpec, FinalSection, FinalSpec, TrainingSpec
from analognas.config.chip_section import ChipSection, chip_from, other_tiles
from analognas.config.constraints import ConstraintsSpec
from analognas.config.hardware_section import HardwareSection
from analognas.driver.successive_halving import Halving, RungPlan, reduced_chips, reduced_epochs
from analognas.executors.specs import AutoSpec, ExecutorSpec
from analognas.metrics import SIGNS, TABLE
from analognas.spaces.resnet import ResNetSpec
from analognas.spaces.specs import SpaceSection
from analognas.specs.base import AnchoredPath, MismatchError, Spec
from analognas.specs.metric_name import MetricName
from analognas.specs.problems import nearest
from analognas.strategies.costs import CHIP_COSTS, COSTS
from analognas.strategies.problem import Choice, Objective
from analognas.strategies.specs import SELECTABLE, StrategySection
from analognas.strategies.surrogate_guided import SurrogateGuidedSpec
from analognas.strategies.worth import EXPORTED, TRIAL, Fidelity, SoftBound, soft_bounds
from analognas.tasks.specs import TaskSection
from search_spaces import published_names

if TYPE_CHECKING:
    ObjectiveName = str
else:
    ObjectiveName = Literal[
        tuple(
            name
            for name, metric in TABLE.items()
            if (metric.sign > 0 and name not in COSTS) or metric.of_steps
        )
    ]
"""A measured accuracy, or bits per character."""


class HalvingSpec(Spec):
    """Asynchronous successive halving: all candidates at a small budget, the best again at larger ones (ASHA)."""

    eta: int = Field(
        default=3,
        ge=2,
        le=10,
        description="of so many candidates of a rung one is promoted; epochs and chips grow by the same factor",
    )
    rungs: int = Field(default=3, ge=2, le=6, description="budgets, the last one the full one")
    continues: bool = Field(
        default=False,
        description="digital training of a promoted candidate goes on from the rung below; false: it begins again",
    )

    @property
    def schedule(self) -> Halving:
        """The budgets of the rungs."""
        return Halving(self.eta, self.rungs, self.continues)


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
    minutes: float | None = Field(
        default=None,
        gt=0,
        le=10_000_000,
        description="time for trials, race and final trainings together; `trials` bounds it as well; null: any",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="ends the search after so many trials in a row without a better one; null: never",
    )
    strategy: StrategySection = Field(default_factory=SurrogateGuidedSpec)
    halving: HalvingSpec | None = Field(
        default=None,
        description="successive halving over epochs and chips; null: every candidate gets the full budget",
    )
    start_from: tuple[GivenCandidate, ...] = Field(
        default=(),
        description="candidates evaluated first: names of published networks, or architectures as in architecture.json",
    )

    warm_start: tuple[AnchoredPath, ...] = Field(
        default=(),
        description="directories of other runs, whose trials the strategy knows from the start and never repeats",
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


class SearchConfig(Spec):
    """A whole search: everything that decides its result."""

    name: str = Field(
        default="search", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="names the run directory"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of every random draw of the run")
    task: TaskSection
    space: SpaceSection = Field(default_factory=ResNetSpec)
    hardware: HardwareSection = Field(
        default_factory=lambda: hwsim.preset("pcm-analognas"),
        description="a preset by name or a YAML file, any of whose values may be replaced: "
        "{preset: pcm-analognas, tile: {rows: 512}}",
    )
    chip: ChipSection | None = Field(
        default=None,
        description="what networks cost: a described chip by name or a YAML file, any of whose variables may be "
        "replaced: {chip: hermes-64core, tiles: 16}; its `hardware` is taken where none is written",
    )
    constraints: ConstraintsSpec = ConstraintsSpec()
    objective: ObjectiveName = Field(default="accuracy_1d", description="what is improved; bits are lowered")
    further_objectives: tuple[MetricName, ...] = Field(
        default=(),
        description="more objectives: accuracies, utilisation and inferences_per_j are raised, everything else is "
        "lowered",
    )
    choice: Choice = Field(
        default="best",
        description="the network that is trained at full budget: the best in `objective`, or the knee of the front",
    )
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    search: SearchSpec = Field(default_factory=SearchSpec)
    final: FinalSection = FinalSpec()
    references: tuple[str, ...] = Field(
        default=("resnet8",),
        description="published networks: first trials where `space` has them, finalists, reported next to the best",
    )
    executor: ExecutorSpec = AutoSpec()

    @field_validator("references")
    @classmethod
    def _references_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = published_names()
        for name in names:
            if name not in known:
                raise ValueError(f"unknown network {name!r}{nearest(name, known)}")
        return tuple(dict.fromkeys(names))

    @field_validator("further_objectives")
    @classmethod
    def _objectives_differ(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        all_names = [info.data.get("objective"), *names]
        twice = sorted({str(name) for name in all_names if all_names.count(name) > 1})
        if twice:
            raise ValueError(f"objectives must differ, `objective` included; twice: {', '.join(twice)}")
        return names

    @model_validator(mode="before")
    @classmethod
    def _hardware_of_the_chip(cls, values: Any, info: ValidationInfo) -> Any:
        """Take the hardware that a chip describes, or the tiles of one that describes none."""
        if not isinstance(values, Mapping) or values.get("chip") is None or "hardware" in values:
            return values
        try:
            chip = chip_from(values["chip"], (info.context or {}).get("folder"))
        except ValueError:  # told with the section
            return values
        hardware = chip.hardware or hwsim.preset("pcm-analognas").replace({"tile": chip.tile.model_dump()})
        return {**values, "hardware": hardware.model_dump()}

    @model_validator(mode="after")
    def _hardware_has_the_tiles_of_the_chip(self) -> SearchConfig:
        other = "" if self.chip is None else other_tiles(self.chip, self.hardware)
        if self.chip is not None and other:
            tile = self.chip.tile
            raise MismatchError(
                f"{other}: leave `hardware` out, or write `tile: {{rows: {tile.rows}, columns: {tile.columns}, "
                f"mapping: {tile.mapping}}}`",
                ("hardware",),
                ("chip",),
            )
        return self

    @model_validator(mode="after")
    def _costs_of_a_chip_need_one(self) -> SearchConfig:
        objectives, bounds = self.further_objectives, self.constraints.written
        places = [(name, ("further_objectives",)) for name in objectives]
        for name, place in [*places, *((name, ("constraints", name)) for name in bounds)]:
            if name in CHIP_COSTS and self.chip is None:
                raise MismatchError(
                    f"`{name}` needs a section `chip`, such as `chip: hermes-64core`", place, ("chip",)
                )
            if name == "area_mm2" and self.chip is not None and self.chip.area.core is None:
                raise MismatchError(
                    f"the chip {self.chip.name} has no `area.core`, which `area_mm2` needs", place, ("chip",)
                )
        return self

    @model_validator(mode="after")
    def _augmentation_suits_the_inputs(self) -> SearchConfig:
        augmentation = self.training.augmentation
        if augmentation.time_shift and self.task.inputs == "images":
            raise MismatchError(
                f"`time_shift` moves the frames of spectrograms, `task.kind: {self.task.kind}` has images; "
                "leave it out, `crop` moves images",
                ("training", "augmentation", "time_shift"),
            )
        if self.task.inputs == "symbols" and augmentation != type(augmentation)():
            raise MismatchError(
                f"`augmentation` changes images and spectrograms, `task.kind: {self.task.kind}` has "
                "symbols; leave it out",
                ("training", "augmentation"),
            )
        if augmentation.flip and self.task.inputs == "spectra":
            raise MismatchError(
                f"`flip` mirrors images, `task.kind: {self.task.kind}` has spectrograms; "
                "leave it out, `time_shift` moves spectrograms",
                ("training", "augmentation", "flip"),
            )
        return self

    @model_validator(mode="after")
    def _hardware_has_what_is_trained(self) -> SearchConfig:
        trained, scaling = self.training.hardware_aware, self.hardware.converters.weight_scaling
        needs = ""
        if trained.learn_scales and scaling == "layer":
            option, needs = "learn_scales", "`hardware.converters.weight_scaling: column`"
        elif trained.freeze_scales and scaling == "column":
            option, needs = "freeze_scales", "`hardware.converters.weight_scaling: layer`"
        elif trained.learn_ranges and not self.hardware.needs_input_range:
            option, needs = "learn_ranges", "hardware with static input ranges that change outputs"
        elif trained.learn_ranges and self.hardware.digital.kind == "fixed-point":
            option, needs = (
                "learn_ranges",
                "`hardware.digital.kind: floating-point`: folding sets other ranges",
            )
        if needs:
            raise MismatchError(
                f"`{option}` needs {needs}; leave it out", ("training", "hardware_aware", option)
            )
        return self

    @model_validator(mode="after")
    def _strategy_takes_the_objectives(self) -> SearchConfig:
        strategy = self.search.strategy
        if self.further_objectives and not strategy.multi_objective:
            several = ", ".join(kind for kind, spec in SELECTABLE.items() if spec.multi_objective)
            raise MismatchError(
                f"`search.strategy.kind: {strategy.kind}` improves one objective alone; remove `further_objectives` "
                f"or choose of {several}",
                ("further_objectives",),
            )
        if self.choice == "knee" and not self.further_objectives:
            raise MismatchError("`knee` needs `further_objectives`, such as [parameters]", ("choice",))
        return self

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Every objective, the first one first."""
        return tuple(Objective(name, SIGNS[name]) for name in (self.objective, *self.further_objectives))

    @property
    def fidelity(self) -> Fidelity:
        """What trials say of the networks at the end: where none is trained again, they are those of the trials."""
        return TRIAL if self.final.train else EXPORTED

    @property
    def soft_bounds(self) -> tuple[SoftBound, ...]:
        """The bounds on what trials measure."""
        return soft_bounds(self.constraints.upper_bounds(), self.fidelity)

    def with_bounds(self, bounds: Mapping[str, float | None]) -> SearchConfig:
        """Return the same search with these bounds, as if they were written; None is free."""
        return self.model_copy(update={"constraints": self.constraints.model_copy(update=dict(bounds))})

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
        if halving is not None and halving.continues and self.training.in_memory is not None:
            raise MismatchError(
                "`search.halving.continues` must be false with `training.in_memory`: every rung has chips of its own "
                "that learn from the beginning",
                ("search", "halving", "continues"),
                ("training", "in_memory"),
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
                share=share,
                digital_epochs=reduced_epochs(self.training.digital.epochs, share),
                hardware_aware_epochs=reduced_epochs(self.training.hardware_aware.epochs, share),
                chips=reduced_chips(self.evaluation.chips, share),
                goes_on_from=shares[rung - 1] if rung and halving.continues else 0.0,
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
        option = strategy.learns_after
        # the first design may be among the trials of other runs
        if option and strategy.design > trials and not self.search.warm_start:
            raise MismatchError(
                f"`search.strategy.{option} <= search.trials` must hold, got {strategy.design} > {trials}: the first "
                f"{strategy.design} trials are drawn before {strategy.kind} looks at any result, and no others would "
                f"follow; lower `{option}`, or raise `search.trials`",
                ("search", "strategy", option),
                ("search", "trials"),
            )
        return self
