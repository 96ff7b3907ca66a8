"""A space of another package, watched during a search: `check_space` sees a few small populations, a search many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.specs.entry_points import Guard
from search_spaces import ArchitectureSpace, Genotype, LayerGraph, Matrices, Population

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


def guarded(name: str, space: ArchitectureSpace) -> ArchitectureSpace:
    """Return `space` so that whatever breaks its contract in a search is a `UserError` that names the method.

    `build` and `parse` may fail: a network that cannot be built is a failed trial, an architecture that cannot be
    read is reported where it is written.

    Args:
        name: of the entry point or class, for errors.
        space: with every ability; `check_space` found nothing wrong with it.
    """
    return _GuardedSpace(name, space)


class _GuardedSpace:
    """A user's space, its answers looked at."""

    def __init__(self, name: str, space: ArchitectureSpace) -> None:
        self._guard = Guard("space", name)
        self._space = space
        self._genes = int(space.sample(1, np.random.default_rng(0)).shape[1])

    def __reduce__(self) -> tuple[Callable[[bytes], _GuardedSpace], tuple[bytes]]:
        # a class of a script or notebook goes along by value: workers do not import those
        try:
            return _received, (cloudpickle.dumps((self._guard.name, self._space)),)
        except Exception as error:  # an object of a user's own may fail in any way
            said = f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
            raise UserError(
                f"the space {self._guard.name!r} cannot be sent to a worker ({said}): keep locks, open files and "
                "generators out of it, or evaluate in this process with `executor: {kind: serial}`"
            ) from error

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        return self._rows("sample", n, self._guard.call("sample", self._space.sample, n, rng))

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        drawn = self._guard.call("latin_hypercube", self._space.latin_hypercube, n, rng)
        return self._rows("latin_hypercube", n, drawn)

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        children = self._guard.call("mutate", self._space.mutate, population, rng)
        return self._rows("mutate", len(population), children)

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        children = self._guard.call("crossover", self._space.crossover, first, second, rng)
        return self._rows("crossover", len(first), children)

    def canonical(self, population: Population) -> Population:
        rows = self._guard.call("canonical", self._space.canonical, population)
        return self._rows("canonical", len(population), rows)

    def encode(self, population: Population) -> pd.DataFrame:
        features = self._guard.call("encode", self._space.encode, population)
        if len(features) != len(population):
            raise self._guard.breach("encode", f"must return {len(population)} rows, got {len(features)}")
        return features

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        return self._costs(
            "parameters", population, self._guard.call("parameters", self._space.parameters, population)
        )

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        return self._costs("macs", population, self._guard.call("macs", self._space.macs, population))

    def matrices(self, population: Population) -> Matrices:
        found = self._guard.call("matrices", self._space.matrices, population)
        shape = getattr(getattr(found, "layers", None), "shape", ())
        if shape[:1] != (len(population),):
            raise self._guard.breach(
                "matrices", f"must return Matrices of {len(population)} rows, got shape {shape}"
            )
        return found

    def layer_graph(self, population: Population) -> LayerGraph:
        found = self._guard.call("layer_graph", self._space.layer_graph, population)
        shape = getattr(getattr(found, "copies", None), "shape", ())
        if shape[:1] != (len(population),):
            raise self._guard.breach(
                "layer_graph", f"must return a LayerGraph of {len(population)} rows, got shape {shape}"
            )
        return found

    def problems(self, population: Population) -> list[str]:
        reasons = self._guard.call("problems", self._space.problems, population)
        if len(reasons) != len(population):
            raise self._guard.breach("problems", f"must return {len(population)} texts, got {len(reasons)}")
        return reasons

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        return self._guard.call("describe", self._space.describe, genotype)

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        return self._space.parse(architecture)

    def build(self, genotype: Genotype) -> nn.Module:
        return self._space.build(genotype)

    def _rows(self, method: str, n: int, population: Population) -> Population:
        shape, dtype = getattr(population, "shape", None), getattr(population, "dtype", None)
        if shape != (n, self._genes) or dtype != np.int64:
            raise self._guard.breach(method, f"must return ({n}, {self._genes}) int64, got {shape} {dtype}")
        return population

    def _costs(
        self, method: str, population: Population, costs: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        shape = getattr(costs, "shape", None)
        if shape != (len(population),):
            raise self._guard.breach(method, f"must return ({len(population)},), got {shape}")
        return costs


def _received(packed: bytes) -> _GuardedSpace:
    return _GuardedSpace(*cloudpickle.loads(packed))
