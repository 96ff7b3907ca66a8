"""The conformance suite accepts the built-in spaces and names what is wrong with broken ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from analognas.testing import BrokenSpaceError, check_space
from search_spaces import GraphBuilder, Matrices, Matrix, NasBench201Space, ResNetSpace

BUILT_IN = [
    (ResNetSpace((1, 8, 8), 10, oc0=(4, 16), r=(1, 3), b=(1, 2), max_width=64), (1, 8, 8), 10),
    (
        ResNetSpace((1, 49, 10), 12, oc0=(4, 16), m=(2, 3), r=(1, 2), max_width=64, bottleneck="input"),
        (1, 49, 10),
        12,
    ),
    (NasBench201Space((3, 16, 16), 5, channels=4, cells_per_stage=1), (3, 16, 16), 5),
    (NasBench201Space((1, 8, 8), 2, channels=4, cells_per_stage=1, merge_isomorphic=False), (1, 8, 8), 2),
]


@pytest.mark.parametrize(("space", "input_shape", "n_classes"), BUILT_IN)
def test_built_in_spaces_keep_the_contract(space: Any, input_shape: tuple[int, ...], n_classes: int) -> None:
    check_space(space, np.random.default_rng(0), input_shape, n_classes)


class Perceptrons:
    """A correct space: two hidden layers of 1 to 8 units."""

    def sample(self, n: int, rng: np.random.Generator) -> Any:
        return rng.integers(1, 9, size=(n, 2))

    def mutate(self, population: Any, rng: np.random.Generator) -> Any:
        children = population.copy()
        children[:, 0] = children[:, 0] % 8 + 1
        return children

    def encode(self, population: Any) -> Any:
        return pd.DataFrame(population.astype(np.float32), columns=["first", "second"])

    def build(self, genotype: Any) -> Any:
        first, second = genotype
        return nn.Sequential(nn.Linear(4, first), nn.ReLU(), nn.Linear(first, second), nn.Linear(second, 3))


class Complete(Perceptrons):
    """The same with every further ability."""

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Any:
        return self.sample(n, rng)

    def crossover(self, first: Any, second: Any, rng: np.random.Generator) -> Any:
        return np.where(rng.random(first.shape) < 0.5, first, second)

    def canonical(self, population: Any) -> Any:
        return population.copy()

    def parameters(self, population: Any) -> Any:
        first, second = population.T
        return 5 * first + first * second + second + 3 * second + 3

    def macs(self, population: Any) -> Any:
        first, second = population.T
        return 4 * first + first * second + 3 * second

    def matrices(self, population: Any) -> Any:
        return Matrices.of(
            [
                [
                    Matrix(4, int(first), 1, 1, 1),
                    Matrix(int(first), int(second), 1, 1, 1),
                    Matrix(int(second), 3, 1, 1, 1),
                ]
                for first, second in population
            ]
        )

    def layer_graph(self, population: Any) -> Any:
        return chain(population)

    def problems(self, population: Any) -> Any:
        return [""] * len(population)

    def describe(self, genotype: Any) -> Any:
        return {"units": list(genotype)}

    def parse(self, architecture: Any) -> Any:
        return tuple(architecture["units"])


@pytest.mark.parametrize("space", [Perceptrons(), Complete()])
def test_a_users_space_keeps_the_contract(space: Any) -> None:
    check_space(space, np.random.default_rng(0))
    check_space(space, np.random.default_rng(0), input_shape=(4,), n_classes=3)


def chain(population: Any, wider: int = 0, place: int = 0, need: int = 1) -> Any:
    """Return the graph of the perceptrons, right unless something else is asked for."""
    graph = GraphBuilder(len(population))
    first = graph.layer(4, population[:, 0], 1)
    second = graph.layer(population[:, 0], population[:, 1] + wider, 1, sources=[(first + place, need)])
    graph.layer(population[:, 1], 3, 1, sources=[(second, 1)])
    return graph.built()


def fail(*arguments: Any) -> Any:
    raise IndexError("list index out of range")


def mutate_in_place(population: Any, rng: np.random.Generator) -> Any:
    population[:, 0] = population[:, 0] % 8 + 1
    return population.copy()


def table(**columns: Any) -> Any:
    return lambda population: pd.DataFrame(
        {name: np.broadcast_to(value, len(population)) for name, value in columns.items()}
    )


GLOBAL = np.random.default_rng(5)
BREACHES = [
    ("sample", lambda n, rng: rng.random((n, 2)), "`sample` must return int64 genes, got float64"),
    ("sample", lambda n, rng: [[1, 2]] * n, "`sample` must return a numpy array, got list"),
    (
        "sample",
        lambda n, rng: np.ones((n + 1, 2), dtype=np.int64),
        r"`sample` must return 1 rows, got shape \(2, 2\)",
    ),
    ("sample", lambda n, rng: np.ones((n, n), dtype=np.int64), r"`sample` must return 32 rows of 1 genes"),
    (
        "sample",
        lambda n, rng: GLOBAL.integers(1, 9, (n, 2)),
        "`sample` must return equal populations for equal",
    ),
    ("sample", fail, "`sample` must not fail, got IndexError: list index out of range"),
    ("mutate", mutate_in_place, "`mutate` must leave its input alone"),
    (
        "mutate",
        lambda population, rng: population.copy(),
        "`mutate` must change genotypes, got 32 unchanged rows",
    ),
    ("mutate", lambda population, rng: population[:5], "`mutate` must return 32 rows of 2 genes"),
    (
        "mutate",
        lambda population, rng: GLOBAL.integers(1, 9, population.shape),
        "`mutate` must return equal children",
    ),
    (
        "encode",
        lambda population: population.astype(np.float32),
        "`encode` must return a DataFrame, got ndarray",
    ),
    ("encode", lambda population: pd.DataFrame({"a": [1.0]}), "`encode` must return 32 rows, got 1"),
    ("encode", table(a=1.0), "`encode` must return float32 in column `a`, got float64"),
    ("encode", table(a=np.float32(np.nan)), "`encode` must return finite values in `a`"),
    (
        "encode",
        lambda population: pd.DataFrame({"a": np.arange(len(population), dtype=np.float32)}),
        "`encode` must encode a row as it does in company, got other features for row 1 alone",
    ),
    ("build", lambda genotype: "network", "`build` must return a torch module, got str"),
    (
        "build",
        lambda genotype: nn.Linear(4, int(GLOBAL.integers(1, 10**6))),
        "`build` must return the same layers",
    ),
    ("build", lambda genotype: nn.Linear(5, 3), "`build` must not fail, got RuntimeError"),
    (
        "build",
        lambda genotype: nn.Linear(4, 2),
        r"`build` must return a network from \(2, 4\) to \(2, 3\), or .* at every step, got \(2, 2\)",
    ),
    (
        "latin_hypercube",
        lambda n, rng: np.ones((n, 3), dtype=np.int64),
        "`latin_hypercube` must return 1 rows of 2",
    ),
    ("crossover", lambda first, second, rng: first[:1], "`crossover` must return 32 rows"),
    ("canonical", lambda population: population + 1, "`canonical` must leave canonical rows as they are"),
    ("canonical", lambda population: np.full_like(population, 3), "`encode` must return equal features"),
    ("parameters", lambda population: population[:, 0], "`parameters` must count what the built network has"),
    ("parameters", lambda population: population[:, 0] * 1.0, "`parameters` must return int64, got float64"),
    ("macs", lambda population: population[:, 0], "`macs` must count what the built network has"),
    ("macs", lambda population: population[:1, 0], r"`macs` must return \(32,\)"),
    ("matrices", lambda population: [], "`matrices` must return Matrices, got list"),
    ("layer_graph", lambda population: 3, "`layer_graph` must return a LayerGraph, got int"),
    (
        "layer_graph",
        lambda population: chain(population[:1]),
        r"`layer_graph` must have \(32, nodes\) int64 in `rows`",
    ),
    (
        "layer_graph",
        lambda population: chain(population, wider=1),
        "`layer_graph` must have the weights of `matrices`",
    ),
    ("layer_graph", lambda population: chain(population, place=1), "`layer_graph` must have sources before"),
    (
        "layer_graph",
        lambda population: chain(population, need=2),
        "`layer_graph` must need no more than sources give",
    ),
    (
        "matrices",
        lambda population: Matrices.of([[]]),
        r"`matrices` must have \(32, slots\) in `rows`, got \(1, 0\)",
    ),
    (
        "matrices",
        lambda population: Matrices.of([[Matrix(0, 1, 1, 1, 1)]] * len(population)),
        "`matrices` must have 1 or more in `rows`, got 0",
    ),
    (
        "matrices",
        lambda population: Matrices.of([[Matrix(4, 3, 1, 1, 1)]] * len(population)),
        "`matrices` must have what the built network has",
    ),
    ("problems", lambda population: "", "`problems` must return a list of texts"),
    ("problems", lambda population: [""], "`problems` must return 32 texts, got 1"),
    ("describe", lambda genotype: {"units": {1, 2}}, "`describe` must not fail, got TypeError"),
    ("parse", lambda architecture: architecture["units"], "`parse` must return a tuple of integers"),
    ("parse", lambda architecture: (9, 9), "`parse` must return the genotype that `describe` was given"),
    ("parse", fail, "`parse` must not fail"),
    ("mutate", None, "`mutate` must be a method, got None"),
]


@pytest.mark.parametrize(("method", "broken", "message"), BREACHES)
def test_breaches_are_named(method: str, broken: Any, message: str) -> None:
    space = Complete()
    vars(space)[method] = broken
    with pytest.raises(BrokenSpaceError, match=message):
        check_space(space, np.random.default_rng(0), input_shape=(4,), n_classes=3)


def test_missing_methods_are_named() -> None:
    class WithoutEncode:
        sample, mutate, build = Perceptrons.sample, Perceptrons.mutate, Perceptrons.build

    class Half(Perceptrons):
        parameters = Complete.parameters

    with pytest.raises(BrokenSpaceError, match="`encode` is missing from WithoutEncode: every space has it"):
        check_space(WithoutEncode(), np.random.default_rng(0))  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(BrokenSpaceError, match="`macs` is missing from Half: it goes with `parameters`"):
        check_space(Half(), np.random.default_rng(0))


def test_checking_leaves_the_global_generator_of_torch_alone_for_built_in_spaces() -> None:
    before = torch.random.get_rng_state()
    check_space(BUILT_IN[0][0], np.random.default_rng(0), (1, 8, 8), 10)
    torch.testing.assert_close(torch.random.get_rng_state(), before)
