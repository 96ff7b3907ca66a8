"""The bounds on the size of candidates that a search takes where its configuration says nothing about size.

The spaces of the literature reach billions of parameters, and a search without a bound would train such networks on
images of 8 × 8. It takes the size of the largest network that it has to beat: parameters and MACs of the references and
of `search.start_from`, for the inputs and classes of the task. Without any it takes those of ResNet-8, the network that
MLPerf Tiny has for small images. Where the space has nothing that small, its smallest candidates decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from analognas.config.sections import SearchConfig
from analognas.seeds import numpy_generator
from analognas.strategies.probe import Probe, probe
from analognas.strategies.problem import SearchProblem
from analognas.strategies.start_from import given_candidate
from analognas.tasks import Task
from search_spaces import ArchitectureSpace, count_network, published

FITTING: Final = "resnet8"
"""The network whose size is taken where there is nothing to beat."""

LEEWAY: Final = 2
"""Times the size of the smallest candidates, in a space that has none of the size to beat."""

FREE: Final = "`constraints: {parameters: null}` searches without"


def with_size_bounds(config: SearchConfig, task: Task, space: ArchitectureSpace) -> tuple[SearchConfig, str]:
    """Return the configuration with bounds on parameters and MACs, and a sentence on where they come from.

    A configuration that says anything about them, `null` included, is returned as it is, with an empty sentence; so is
    one with labels at every step, which no published network has.

    Args:
        config: validated.
        task: its data.
        space: its space.
    """
    if config.constraints.says_size or task.every_step:
        return config, ""
    problem = SearchProblem(space, config.objectives[0], {})
    sizes = dict(_sizes_to_beat(config, task, problem))
    without = "" if sizes else ", since there is no reference"
    if not sizes:
        network = published(FITTING, task.input_shape, task.n_classes)
        sizes = {FITTING: count_network(network, task.input_shape)}
    parameters, macs = (max(column) for column in zip(*sizes.values(), strict=True))
    largest = [name for name, size in sizes.items() if size[0] == parameters or size[1] == macs]
    source = f"the size of {' and '.join(largest)}{without}"
    bounds = {"parameters": float(parameters), "macs": float(macs)}
    found = probe(SearchProblem(space, config.objectives[0], bounds), numpy_generator(0, "size bounds"))
    if not len(found.admissible):
        parameters, macs = _near_smallest(found, problem, bounds)
        source = f"{LEEWAY} times the smallest candidate found, since the space has none of {source}"
    note = (
        f"constraints: no bound on size is written; taken are `parameters <= {parameters:,}` and "
        f"`macs <= {macs:,}`, {source}; {FREE}"
    )
    return config.with_bounds({"parameters": parameters, "macs": macs}), note


def _sizes_to_beat(
    config: SearchConfig, task: Task, problem: SearchProblem
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield name, parameters and MACs of the networks that the configuration names; one that cannot be is left out."""
    for name in config.references:
        try:
            network = published(name, task.input_shape, task.n_classes)
            yield name, count_network(network, task.input_shape)
        except (ValueError, RuntimeError):  # it takes no such inputs; its training reports that
            continue
    for index, entry in enumerate(config.search.start_from):
        try:
            row = np.array([given_candidate(problem, entry)], dtype=np.int64)
        except ValueError:  # reported with its position when the strategy is made
            continue
        name = entry if isinstance(entry, str) else f"`search.start_from[{index}]`"
        yield name, (int(problem.space.parameters(row)[0]), int(problem.space.macs(row)[0]))


def _near_smallest(found: Probe, problem: SearchProblem, bounds: Mapping[str, float]) -> tuple[int, int]:
    """Return parameters and MACs, in the proportion of `bounds`, that leave room around the smallest candidate."""
    small = found.smallest[problem.admissible(found.smallest)]
    if not len(small):  # nothing can be built, whatever its size
        return int(bounds["parameters"]), int(bounds["macs"])
    excess = np.maximum(
        problem.space.parameters(small) / bounds["parameters"], problem.space.macs(small) / bounds["macs"]
    )
    factor = LEEWAY * float(excess.min())
    return math.ceil(factor * bounds["parameters"]), math.ceil(factor * bounds["macs"])
