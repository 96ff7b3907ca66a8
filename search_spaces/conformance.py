"""The conformance suite of search spaces: what every space, a user's own one included, must do.

`check_space` calls every method that a space has, on small populations, and compares what comes back with the
contract in `search_spaces.space`. The first breach ends the check with an error that names the method, the
rule and what was found.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from search_spaces import (
    Countable,
    Genotype,
    LayerGraph,
    Mappable,
    Matrices,
    Matrix,
    Ordered,
    Population,
    Readable,
    Recombining,
    SearchSpace,
    count_network,
    genotypes,
    network_cost,
)
from search_spaces.layer_graph import INPUT

SIZES: Final = (1, 32)
BUILT: Final = 4

P = ParamSpec("P")
T = TypeVar("T")


class BrokenSpaceError(ValueError):
    """A search space breaks its contract; the message names the method and what was wrong."""


def check_space(
    space: SearchSpace,
    rng: np.random.Generator,
    input_shape: tuple[int, ...] | None = None,
    n_classes: int | None = None,
) -> None:
    """Check that a space keeps the contract of `search_spaces.SearchSpace` and of every further ability it has.

    Args:
        space: the space.
        rng: the generator its populations are drawn with.
        input_shape: of one example; with it, some networks are run and their multiply-accumulates and
            matrices are counted.
        n_classes: expected outputs of the networks; needs `input_shape`.

    Raises:
        BrokenSpaceError: at the first breach.
    """
    _check_methods(space)
    population = _check_drawn("sample", space.sample, rng)
    _check_mutate(space, population, rng)
    _check_encode(space, population)
    _check_build(space, population, input_shape, n_classes)
    if isinstance(space, Recombining):
        _check_drawn("latin_hypercube", space.latin_hypercube, rng, genes=population.shape[1])
        _check_crossover(space, population, rng)
        _check_canonical(space, population)
        _check_equal_features(space, space, population)
    if isinstance(space, Countable):
        _check_problems(space, population)
        _check_counts(space, space, population, input_shape)
    if isinstance(space, Mappable):
        _check_matrices(space, space, population, input_shape)
        if isinstance(space, Ordered):
            _check_layer_graph(space.layer_graph, space.matrices(population), population)
    if isinstance(space, Readable):
        _check_descriptions(space, population)


def _check_methods(space: object) -> None:
    present = set(dir(space))
    for protocol in (SearchSpace, Recombining, Countable, Mappable, Ordered, Readable):
        methods = {name for name in vars(protocol) if not name.startswith("_")}
        found = methods & present
        if protocol is SearchSpace or found:
            for name in sorted(methods - found):
                because = "every space has it" if protocol is SearchSpace else f"it goes with `{min(found)}`"
                raise BrokenSpaceError(f"`{name}` is missing from {type(space).__name__}: {because}")
            for name in sorted(methods):
                _require(callable(getattr(space, name)), name, "must be a method", getattr(space, name))


def _check_drawn(
    name: str,
    draw: Callable[[int, np.random.Generator], Population],
    rng: np.random.Generator,
    genes: int | None = None,
) -> Population:
    """Check a method that draws populations; return one."""
    population = np.zeros((0, 0), dtype=np.int64)
    for n in SIZES:
        seed = int(rng.integers(2**32))
        population = _call(name, draw, n, np.random.default_rng(seed))
        _check_population(name, population, n, genes)
        genes = population.shape[1]
        again = _call(name, draw, n, np.random.default_rng(seed))
        same = np.array_equal(population, again)
        _require(same, name, "must return equal populations for equal generators", "different ones")
    return population


def _check_population(name: str, population: object, n: int, genes: int | None) -> None:
    _require(isinstance(population, np.ndarray), name, "must return a numpy array", type(population).__name__)
    assert isinstance(population, np.ndarray)
    _require(population.dtype == np.int64, name, "must return int64 genes", population.dtype)
    expected = f"must return {n} rows" + (f" of {genes} genes" if genes is not None else "")
    fits = population.ndim == 2 and len(population) == n and genes in (None, population.shape[1])
    _require(fits, name, expected, f"shape {population.shape}")


def _check_mutate(space: SearchSpace, population: Population, rng: np.random.Generator) -> None:
    n, genes = population.shape
    before = population.copy()
    seed = int(rng.integers(2**32))
    children = _call("mutate", space.mutate, population, np.random.default_rng(seed))
    _check_population("mutate", children, n, genes)
    _require(np.array_equal(population, before), "mutate", "must leave its input alone", "a changed input")
    again = _call("mutate", space.mutate, population, np.random.default_rng(seed))
    _require(
        np.array_equal(children, again),
        "mutate",
        "must return equal children for equal generators",
        "different ones",
    )
    if len(np.unique(population, axis=0)) > 1:
        _require(
            not np.array_equal(children, population), "mutate", "must change genotypes", f"{n} unchanged rows"
        )


def _check_encode(space: SearchSpace, population: Population) -> None:
    import pandas as pd

    before = population.copy()
    features = _call("encode", space.encode, population)
    _require(isinstance(features, pd.DataFrame), "encode", "must return a DataFrame", type(features).__name__)
    _require(len(features) == len(population), "encode", f"must return {len(population)} rows", len(features))
    _require(np.array_equal(population, before), "encode", "must leave its input alone", "a changed input")
    _require(
        bool(features.columns.is_unique),
        "encode",
        "must name its columns differently",
        list(features.columns),
    )
    for column in features.columns:
        values = features[column].to_numpy()
        _require(isinstance(column, str), "encode", "must name its columns with text", repr(column))
        _require(
            values.dtype == np.float32, "encode", f"must return float32 in column `{column}`", values.dtype
        )
        endless = values[~np.isfinite(values)]
        _require(not len(endless), "encode", f"must return finite values in `{column}`", endless[:1])
    for row in range(min(BUILT, len(population))):
        alone = _call("encode", space.encode, population[row : row + 1])
        same = list(alone.columns) == list(features.columns) and np.array_equal(
            alone.to_numpy(), features.iloc[row : row + 1].to_numpy()
        )
        _require(
            same, "encode", "must encode a row as it does in company", f"other features for row {row} alone"
        )


def _check_build(
    space: SearchSpace, population: Population, input_shape: tuple[int, ...] | None, n_classes: int | None
) -> None:
    import torch
    from torch import nn

    for genotype in genotypes(population[:BUILT]):
        network = _call("build", space.build, genotype)
        _require(
            isinstance(network, nn.Module), "build", "must return a torch module", type(network).__name__
        )
        again = _call("build", space.build, genotype)
        shapes = [[(name, p.shape) for name, p in net.named_parameters()] for net in (network, again)]
        _require(
            shapes[0] == shapes[1],
            "build",
            "must return the same layers every time",
            f"others for {genotype}",
        )
        if input_shape is None:
            continue
        network.eval()
        with torch.no_grad():
            logits = _call("build", network, torch.zeros((2, *input_shape)))
        rule = f"must return a network from (2, {', '.join(map(str, input_shape))}) to (2, {n_classes or 'classes'})"
        rule += ", or to such outputs at every step"
        fits = isinstance(logits, torch.Tensor) and logits.ndim in (2, 3) and len(logits) == 2
        fits = fits and n_classes in (None, logits.shape[1])
        _require(fits, "build", rule, tuple(logits.shape) if isinstance(logits, torch.Tensor) else logits)


def _check_crossover(space: Recombining, population: Population, rng: np.random.Generator) -> None:
    n, genes = population.shape
    other, before = population[::-1].copy(), population.copy()
    seed = int(rng.integers(2**32))
    children = _call("crossover", space.crossover, population, other, np.random.default_rng(seed))
    _check_population("crossover", children, n, genes)
    untouched = np.array_equal(population, before) and np.array_equal(other, before[::-1])
    _require(untouched, "crossover", "must leave its inputs alone", "a changed input")
    again = _call("crossover", space.crossover, population, other, np.random.default_rng(seed))
    same = np.array_equal(children, again)
    _require(same, "crossover", "must return equal children for equal generators", "different ones")


def _check_canonical(space: Recombining, population: Population) -> None:
    n, genes = population.shape
    before = population.copy()
    canonical = _call("canonical", space.canonical, population)
    _check_population("canonical", canonical, n, genes)
    _require(np.array_equal(population, before), "canonical", "must leave its input alone", "a changed input")
    twice = _call("canonical", space.canonical, canonical)
    changed = np.flatnonzero((twice != canonical).any(axis=1))
    _require(
        not len(changed), "canonical", "must leave canonical rows as they are", twice[changed[:1]].tolist()
    )


def _check_equal_features(space: SearchSpace, recombining: Recombining, population: Population) -> None:
    canonical = recombining.canonical(population)
    same = np.array_equal(space.encode(population).to_numpy(), space.encode(canonical).to_numpy())
    _require(
        same, "encode", "must return equal features for a genotype and its canonical one", "different ones"
    )


def _check_problems(space: Countable, population: Population) -> None:
    reasons = _call("problems", space.problems, population)
    texts = isinstance(reasons, list) and all(isinstance(reason, str) for reason in reasons)
    _require(texts, "problems", "must return a list of texts", reasons)
    _require(
        len(reasons) == len(population), "problems", f"must return {len(population)} texts", len(reasons)
    )


def _check_counts(
    space: SearchSpace, countable: Countable, population: Population, input_shape: tuple[int, ...] | None
) -> None:
    counts: dict[str, npt.NDArray[np.int64]] = {}
    for name, method in (("parameters", countable.parameters), ("macs", countable.macs)):
        values = _call(name, method, population)
        _require(isinstance(values, np.ndarray), name, "must return a numpy array", type(values).__name__)
        _require(values.dtype == np.int64, name, "must return int64", values.dtype)
        _require(values.shape == (len(population),), name, f"must return ({len(population)},)", values.shape)
        counts[name] = values
    buildable = [row for row, reason in enumerate(countable.problems(population)) if not reason]
    for row in buildable[:BUILT]:
        genotype = genotypes(population)[row]
        network = space.build(genotype)
        built = {"parameters": sum(p.numel() for p in network.parameters() if p.requires_grad)}
        if input_shape is not None:
            built["macs"] = count_network(network, input_shape)[1]
        for name, number in built.items():
            rule = f"must count what the built network has, {number} for {genotype}"
            _require(int(counts[name][row]) == number, name, rule, counts[name][row])


def _check_matrices(
    space: SearchSpace, mappable: Mappable, population: Population, input_shape: tuple[int, ...] | None
) -> None:
    found = _call("matrices", mappable.matrices, population)
    _require(isinstance(found, Matrices), "matrices", "must return Matrices", type(found).__name__)
    for name, values in vars(found).items():
        _require(
            isinstance(values, np.ndarray) and values.dtype == np.int64,
            "matrices",
            f"must have int64 in `{name}`",
            getattr(values, "dtype", type(values).__name__),
        )
        fits = values.ndim == 2 and len(values) == len(population) and values.shape == found.rows.shape
        _require(fits, "matrices", f"must have ({len(population)}, slots) in `{name}`", values.shape)
        least = 0 if name in ("positions", "layers") else 1
        _require(
            bool((values >= least).all()), "matrices", f"must have {least} or more in `{name}`", values.min()
        )
    for row, genotype in enumerate(genotypes(population[:BUILT]) if input_shape is not None else ()):
        assert input_shape is not None
        built, counted = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
        for *shape, layers in network_cost(space.build(genotype), input_shape).matrices:
            built[tuple(shape)] += layers
        for slot in range(found.rows.shape[1]):
            *shape, layers = Matrix(*(int(values[row, slot]) for values in vars(found).values()))
            counted[tuple(shape)] += layers
        rule = f"must have what the built network has, (rows, columns, groups, positions) {dict(built)} for {genotype}"
        _require(+counted == built, "matrices", rule, dict(+counted))


def _check_layer_graph(
    layer_graph: Callable[[Population], LayerGraph], matrices: Matrices, population: Population
) -> None:
    found = _call("layer_graph", layer_graph, population)
    _require(isinstance(found, LayerGraph), "layer_graph", "must return a LayerGraph", type(found).__name__)
    shape = found.rows.shape
    for name, values in vars(found).items():
        fits = values.dtype == np.int64 and values.shape[:2] == shape and len(values) == len(population)
        _require(fits, "layer_graph", f"must have ({len(population)}, nodes) int64 in `{name}`", values.shape)
    present = found.copies > 0
    before = np.arange(shape[1])[:, None]
    comes_after = ((found.sources < before) & (found.sources >= INPUT)).all(axis=2) | ~present
    _require(
        bool(comes_after.all()), "layer_graph", "must have sources before the nodes that read them", False
    )
    outputs = np.take_along_axis(
        found.positions, np.maximum(found.sources, 0).reshape(len(population), -1), axis=1
    )
    needs_less = (found.needs <= outputs.reshape(found.needs.shape)) | (found.sources == INPUT)
    _require(
        bool(needs_less.all(axis=2)[present].all()),
        "layer_graph",
        "must need no more than sources give",
        False,
    )
    weights = found.rows * found.columns // found.groups * found.copies
    for counted, name in ((weights, "weights"), (weights * found.positions, "macs")):
        expected = getattr(matrices, name)
        equal = np.array_equal(counted.sum(axis=1), expected)
        _require(
            equal,
            "layer_graph",
            f"must have the {name} of `matrices`, {expected.tolist()}",
            counted.sum(axis=1),
        )


def _check_descriptions(space: Readable, population: Population) -> None:
    for genotype in genotypes(population):
        description = _call("describe", space.describe, genotype)
        text = _call("describe", json.dumps, description)
        parsed: Genotype = _call("parse", space.parse, json.loads(text))
        whole = isinstance(parsed, tuple) and all(type(gene) is int for gene in parsed)
        _require(whole, "parse", "must return a tuple of integers", repr(parsed))
        canonical = space.canonical(np.array([genotype])) if isinstance(space, Recombining) else [genotype]
        rule = f"must return the genotype that `describe` was given, {genotype}"
        _require(parsed in (genotype, tuple(int(gene) for gene in canonical[0])), "parse", rule, parsed)


def _call(name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a method of the space; what it raises becomes a breach of its contract."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise BrokenSpaceError(f"`{name}` must not fail, got {type(error).__name__}: {error}") from error


def _require(holds: bool, name: str, rule: str, found: object) -> None:
    if not holds:
        raise BrokenSpaceError(f"`{name}` {rule}, got {found}")
