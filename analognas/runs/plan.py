"""Everything a search would do, before it begins: what `analognas search --dry-run` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import hwsim
from analognas.compose import final_budget
from analognas.final.references import broken_by
from analognas.metrics import COST_BOUNDS
from analognas.report.wording import amount, label
from analognas.runs.outlook import Outlook, outlook
from analognas.strategies.start_from import given_candidate, reference_candidate
from search_spaces import Genotype

if TYPE_CHECKING:
    from analognas.compose import Composition
    from analognas.driver.successive_halving import RungPlan
    from analognas.evaluation.training import TrainingBudget


@dataclass(frozen=True)
class Plan:
    """What a search would do.

    Attributes:
        content: everything by name, JSON-able.
        sizes: of admissible candidates, in a line.
        expected_time: in a line.
    """

    content: Mapping[str, Any]
    sizes: str
    expected_time: str

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-able."""
        return dict(self.content)

    def __str__(self) -> str:
        """Return a line for each thing that there is to know."""
        shown = {**self.content, "sizes": self.sizes, "expected_time": self.expected_time}
        return "\n".join(
            f"{'' if number else self._head(key, value):18}{text}"
            for key, value in shown.items()
            if not self._is_left_out(key, value)
            for number, text in enumerate(self._lines(key, value))
        )

    def _head(self, key: str, value: Any) -> str:
        return "each trial" if key == "rungs" and len(value) == 1 else _LABELS.get(key, key)

    def _is_left_out(self, key: str, value: Any) -> bool:
        return (
            key in ("expected_time_unknown", "warm_start")  # the notes tell of a warm start
            or (key in _LEFT_OUT and not value)
            or (key == "to_maximum" and value is None)
        )

    def _lines(self, key: str, value: Any) -> list[str]:
        return [_shown(self.content, key, line) for line in (value if key in _ONE_A_LINE else [value])]


def plan_of(composition: Composition) -> Plan:
    """Return what a composed search would do."""
    known = outlook(composition)
    known.check_minutes(composition.config)
    return Plan(search_plan(composition, known), known.size_text(), known.time_text(composition.config))


def search_plan(composition: Composition, known: Outlook) -> dict[str, Any]:
    """Return what a search would do, JSON-able."""
    config, task = composition.config, composition.task
    learning = config.training.in_memory
    plan: dict[str, Any] = {
        "name": config.name,
        "seed": config.seed,
        "task": task.name,
        "notes": list(composition.notes),
        "inputs": {"train": len(task.train), "validation": len(task.validation), "test": len(task.test)},
        "input_shape": list(task.input_shape),
        "classes": task.n_classes,
        "space": config.space.kind,
        "to_maximum": getattr(config.space, "to_maximum", None),
        "admissible_share": composition.probe.share,
        "sizes": known.sizes_json(),
        "hardware": hwsim.label(config.hardware),
        **({} if config.chip is None else {"chip": _chip(config.chip)}),
        "constraints": dict(composition.problem.upper_bounds),
        "objectives": [objective.metric for objective in config.objectives],
        "choice": config.choice,
        "strategy": config.search.strategy.kind,
        "trials": config.search.trials,
        "batch": config.search.batch,
        "start_from": _given(composition),
        "warm_start": [run.to_json() for run in composition.warm_start.runs],
        "rungs": [_rung(rung, composition) for rung in config.rungs],
        "evaluations": config.search.n_evaluations,
        "expected_time": known.time_json(),
        "expected_time_unknown": known.time if isinstance(known.time, str) else None,
        "mixed_precision": config.training.mixed_precision,
        **({} if learning is None else {"in_memory": f"{learning.algorithm} on {learning.device}"}),
        "early_stop": None if config.training.early_stop is None else config.training.early_stop.model_dump(),
        "executor": config.executor.kind,
        "device": config.executor.device,
        "threads": config.executor.threads,
        "full_budget": {
            **_budget(final_budget(config.training, config.final), composition),
            "chips": config.final.chips,
        },
        "final": config.final.model_dump(),
        "references": list(config.references),
        "cannot_win": {name: broken for name in config.references if (broken := _broken(name, composition))},
    }
    return plan


_ONE_A_LINE = ("notes", "start_from", "rungs")
_LABELS = {"full_budget": "full budget", "cannot_win": "cannot win"}
_LEFT_OUT = (*_ONE_A_LINE, "cannot_win")


def _chip(chip: hwsim.Chip) -> str:
    return f"{chip.name}: {chip.mode}, {chip.schedule}, {chip.mapping}"


def _broken(reference: str, composition: Composition) -> str:
    return broken_by(reference, composition.problem, composition.task)


def _given(composition: Composition) -> list[dict[str, Any]]:
    """Return the first trials: the given ones, then the references that are candidates."""
    config, problem = composition.config, composition.problem
    names: dict[Genotype, str] = {}
    for entry in config.search.start_from:
        names.setdefault(given_candidate(problem, entry), entry if isinstance(entry, str) else "architecture")
    for name in config.references:
        candidate = reference_candidate(problem, name)
        if candidate is not None:
            names.setdefault(candidate, f"{name} (reference)")
    known = {trial.genotype for trial in composition.warm_start.trials}
    new = [(genotype, name) for genotype, name in names.items() if genotype not in known]
    given = []
    for genotype, name in new[: config.search.trials]:
        row = np.array([genotype], dtype=np.int64)
        given.append(
            {
                "name": name,
                **{
                    name: problem.costs[name](row).tolist()[0]
                    for name in COST_BOUNDS
                    if name in problem.costs
                },
                "architecture": problem.space.describe(genotype),
            }
        )
    return given


def _rung(rung: RungPlan, composition: Composition) -> dict[str, Any]:
    full, inputs = composition.evaluator.budget, len(composition.task.train)
    budget = full.stage(rung.share, rung.goes_on_from, inputs)
    before = full.reduced(rung.goes_on_from).digital.n_epochs(inputs) if rung.goes_on_from else None
    return {
        "candidates": rung.candidates,
        **({} if before is None else {"digital_epochs_before": before}),
        **_budget(budget, composition),
        "chips": rung.chips,
    }


def _budget(budget: TrainingBudget, composition: Composition) -> dict[str, Any]:
    """Return what a budget comes to on the training split; the written epochs, too, where `updates` asks for more."""
    inputs = len(composition.task.train)
    schedules = {"digital": budget.digital, "hardware_aware": budget.hardware_aware}
    raised = any(schedule.n_epochs(inputs) > schedule.epochs for schedule in schedules.values())
    return {
        **{f"{name}_epochs": schedule.n_epochs(inputs) for name, schedule in schedules.items()},
        **{f"{name}_updates": schedule.n_steps(inputs) for name, schedule in schedules.items()},
        **({"epochs_written": [schedule.epochs for schedule in schedules.values()]} if raised else {}),
    }


def _shown(plan: Mapping[str, Any], key: str, value: Any) -> str:
    if key == "admissible_share":
        share = f"{100 * value:.3g} %" if value else "hardly any"
        return f"{share} of random candidates meet the hard constraints"
    if key == "constraints":
        return ", ".join(f"{name} {amount(name, bound)}" for name, bound in value.items()) or "none"
    if key == "choice":
        return "the knee of the front" if value == "knee" else f"the best in {plan['objectives'][0]}"
    if key == "mixed_precision":
        return "bfloat16 in digital training" if value else "off"
    if key == "early_stop":
        return "none" if value is None else f"below {value['accuracy']:g} after epoch {value['epoch']}"
    if key == "start_from":
        costs = ", ".join(
            f"{amount(name, value[name])} {label(name)}" for name in COST_BOUNDS if name in value
        )
        return f"{value['name']}: {costs}"
    if key == "cannot_win":
        return "; ".join(f"{name} breaks {broken}" for name, broken in value.items())
    if key == "final":
        return _plain({name: inner for name, inner in value.items() if name in ("finalists", "train_on")})
    if key in ("rungs", "full_budget"):
        budget = (
            f"{value['digital_epochs']} digital + {value['hardware_aware_epochs']} hardware-aware epochs "
            f"({value['digital_updates']:,} + {value['hardware_aware_updates']:,} updates), {value['chips']} chips"
        )
        if "epochs_written" in value:
            digital, hardware_aware = value["epochs_written"]
            budget += f"; `updates` asks for more epochs than {digital} + {hardware_aware}"
        whole = key == "full_budget" or len(plan["rungs"]) == 1
        before = value.get("digital_epochs_before")
        told = f"after {before} digital epochs {budget}" if before else budget
        return told if whole else f"{value['candidates']:,} candidates: {told}"
    return _plain(value)


def _plain(value: object) -> str:
    """Return a value of a plan as a person writes it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_plain(inner) for inner in value) or "none"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
