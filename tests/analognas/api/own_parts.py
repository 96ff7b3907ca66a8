"""Parts of a user's own, and a search small enough for a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from analognas.strategies import Proposal
from analognas.strategies.novelty import draw_new
from search_spaces import genotypes
from surrogates import Prediction

TINY: dict[str, Any] = {
    "constraints": {"parameters": 5_000},
    "search": {"trials": 3, "batch": 2},
    "training": {"digital": {"epochs": 1, "updates": 4}, "hardware_aware": {"epochs": 1, "updates": 2}},
    "evaluation": {"chips": 2},
    "final": {
        "chips": 2,
        "finalists": 1,
        "digital_epochs": 1,
        "digital_updates": 4,
        "hardware_aware_epochs": 1,
        "hardware_aware_updates": 2,
    },
    "references": [],
}
"""Sections of a search of seconds."""


def arrays() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return 60 images of two classes that the mean tells apart."""
    y = np.arange(60) % 2
    return np.random.default_rng(0).normal(y[:, None, None], 0.2, (60, 4, 4)), y


class Perceptrons:
    """Networks of one hidden layer; the only gene is its width."""

    def __init__(self, inputs: int = 16, n_classes: int = 2, widest: int = 40) -> None:
        self.inputs, self.n_classes, self.widest = inputs, n_classes, widest

    def __repr__(self) -> str:
        return f"Perceptrons(widest={self.widest})"

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        return rng.integers(1, self.widest + 1, size=(n, 1))

    def mutate(self, population: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
        return (population - 1 + rng.integers(1, self.widest, size=population.shape)) % self.widest + 1

    def encode(self, population: np.ndarray[Any, Any]) -> pd.DataFrame:
        return pd.DataFrame(population.astype(np.float32), columns=["width"])

    def build(self, genotype: tuple[int, ...]) -> nn.Module:
        layers = [nn.Flatten(), nn.Linear(self.inputs, genotype[0]), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(genotype[0], self.n_classes))


@dataclass(frozen=True)
class WidestFirst:
    """Proposes the largest of many random candidates."""

    pool: int = 8

    def ask(self, problem: Any, history: Any, n: int, rng: np.random.Generator) -> list[Proposal]:
        drawn = draw_new(problem, problem.space.sample, self.pool * n, history.seen(), rng)
        widest = np.argsort(-problem.space.parameters(drawn), kind="stable")[:n]
        return [Proposal(genotype, "widest-first") for genotype in genotypes(drawn[widest])]


@dataclass(frozen=True)
class Mean:
    """A surrogate that expects the mean of every trial."""

    def fit(self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator) -> _Fitted:
        return _Fitted(targets)


@dataclass(frozen=True)
class _Fitted:
    targets: pd.DataFrame

    def predict(self, features: pd.DataFrame) -> Prediction:
        mean = pd.DataFrame(
            np.tile(self.targets.mean().to_numpy(), (len(features), 1)), columns=self.targets.columns
        )
        return Prediction(mean, 0.0 * mean + 0.01)

    def save(self, folder: Any) -> None:
        (folder / "mean.json").write_text(self.targets.mean().to_json())
