"""What a model of `analognas surrogate fit` predicts of a network on hardware: `analognas surrogate predict`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hwsim
from analognas.config.differences import differences
from analognas.config.hardware_file import read_hardware
from analognas.errors import UserError
from analognas.report.wording import amount, label
from analognas.runs.architecture_file import read_architecture
from analognas.runs.validate import path_of_architecture
from analognas.spaces import complete
from analognas.strategies.pretrained_file import Pretrained, physics
from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.problem_features import model_features
from hwsim.text_table import Table
from surrogates.hardware_features import HARDWARE_FEATURES, beyond_features


@dataclass(frozen=True)
class Predicted:
    """What is predicted of a network on a hardware.

    Attributes:
        hardware: what it was called.
        values: by target the median of a measurement and the ends of its 90 % interval, NaN where too much is unknown.
        unknown: share of the prediction that is unknown, because the network or the hardware lies outside what the
            model was fitted on.
        outside: by what they do: the feature that is farthest outside, or the setting of the hardware that no feature
            tells; empty where they lie inside.
    """

    hardware: str
    values: Mapping[str, tuple[float, float, float]]
    unknown: float
    outside: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the same, JSON-able."""
        found = {
            target: dict(zip(("median", "low", "high"), map(_or_null, values), strict=True))
            for target, values in self.values.items()
        }
        return {
            "hardware": self.hardware,
            "unknown": self.unknown,
            "outside": self.outside,
            "predictions": found,
        }


def predict(model: Pretrained, network: Path, hardware: Sequence[str] = ()) -> list[Predicted]:
    """Return what a model predicts of a network on each hardware.

    Args:
        model: fitted on one task.
        network: a run directory, its `best/` folder, or an architecture.json.
        hardware: presets or YAML files; none: that of the network.

    Raises:
        UserError: when a file is missing or damaged, the model was fitted on several tasks or lacks a feature, or the
            network is of another task or of no space.
    """
    content = read_architecture(path_of_architecture(network)).content
    card = model.card["tables"][0]
    if not model.model.quantiles:
        raise UserError(
            f"{model.path}: was fitted on several tables, of which ranks carry over and values do not; fit a model "
            "on the records of one task, in one file a hardware"
        )
    if content.genotype is None:
        raise UserError(
            f"{network}: a published network has no features of a space; give a network of a search"
        )
    if content.data_sha256 != card["data_sha256"]:
        raise UserError(
            f"{network}: is a network for {content.task.kind}, {model.path} knows networks for {card['task']['kind']} "
            "on its data alone; fit a model of that task"
        )
    try:
        space = complete(content.space.build(content.input_shape, len(content.classes)), content.input_shape)
        row = np.array([space.parse(content.architecture)], dtype=np.int64)
    except (ValueError, UserError) as error:
        raise UserError(f"{network}: {error}") from None
    chosen = [(read_hardware(one), one) for one in hardware] or [
        (content.hardware, hwsim.label(content.hardware))
    ]
    bounds = {
        name: bound
        for name, bound in card["constraints"].items()
        if isinstance(bound, int | float) and f"log_share_{name}" in model.model.features
    }
    found = []
    for one, name in chosen:
        problem = SearchProblem(space, Objective("accuracy_1d", 1), bounds, hardware=one)
        try:
            features = model_features(model.model, problem, row)
            values = model.model.values(features)
            unknown, outside = float(model.model.unknown(features)[0]), model.model.farthest(features)[0]
        except (ValueError, KeyError) as error:
            raise UserError(f"{model.path}: {error}") from None
        if setting := _untold(model, one):
            unknown, outside = 1.0, setting
            values = {target: np.full((1, 3), np.nan) for target in values}
        triples = {
            target: (float(median), float(low), float(high))
            for target, ((median, low, high),) in values.items()
        }
        found.append(Predicted(name, triples, unknown, outside))
    return found


def _untold(model: Pretrained, hardware: hwsim.Hardware) -> str:
    """Return a setting by which hardware differs from all that a model was fitted on, and that no feature tells.

    Empty where it differs in none.
    """
    compared = beyond_features if HARDWARE_FEATURES.keys() & set(model.model.features) else physics
    own = compared(hardware.model_dump(mode="json"))
    others = (compared(table["hardware"]) for table in model.card["tables"])
    nearest = min(([*differences(other, own)] for other in others), key=len)
    return nearest[0].partition(":")[0] if nearest else ""


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None


def told(found: Sequence[Predicted], card: Mapping[str, Any]) -> str:
    """Return a line a hardware, and how networks are trained of which a model of this card tells the figures."""
    targets = list(found[0].values)
    head = ("hardware", *(f"{label(target)} (90 %)" for target in targets), "unknown", "outside by")
    rows = tuple(
        (
            one.hardware,
            *(
                f"{amount(target, middle)} ({amount(target, low)} to {amount(target, high)})"
                if math.isfinite(middle)
                else "not known"
                for target, (middle, low, high) in one.values.items()
            ),
            f"{100 * one.unknown:.0f} %",
            one.outside,
        )
        for one in found
    )
    return str(Table(head, rows, foot=f"as of networks trained like those of the records{_epochs(card)}"))


def _epochs(card: Mapping[str, Any]) -> str:
    training = card["tables"][0].get("training", {})
    epochs = [(training.get(part) or {}).get("epochs") for part in ("digital", "hardware_aware")]
    return "" if None in epochs else f": {epochs[0]} digital and {epochs[1]} hardware-aware epochs"
