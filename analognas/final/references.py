"""References in the race: which of them may win, how a network is built that is one, and what is known of its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from analognas.report.wording import broken_bound
from analognas.strategies.costs import network_costs
from analognas.strategies.problem import SearchProblem
from analognas.strategies.start_from import reference_candidate
from analognas.strategies.worth import broken_bounds
from search_spaces import Genotype, SearchSpace, network_cost, published

if TYPE_CHECKING:
    from torch import nn

    from analognas.record.trial import Trial
    from analognas.tasks import Task

BEST: Final = "best"
"""The name of a trial's candidate among the networks at full budget."""


def broken_by(name: str, problem: SearchProblem, task: Task) -> str:
    """Return the hard constraints that a reference breaks, each with its value; empty where it keeps all."""
    bounds = problem.hard_bounds
    if not bounds:
        return ""
    network = published(name, task.input_shape, task.n_classes)
    costs = network_costs(network_cost(network, task.input_shape), problem.hardware)
    return ", ".join(
        broken_bound(metric, bounds[metric], costs[metric]) for metric in broken_bounds(costs, bounds)
    )


def trial_of_reference(name: str, problem: SearchProblem, trials: Sequence[Trial]) -> Trial | None:
    """Return a completed trial of the candidate that a reference is, or that is its counterpart; None without one."""
    candidate = reference_candidate(problem, name)
    return next(
        (trial for trial in trials if trial.genotype == candidate and trial.status == "completed"), None
    )


def build_network(
    space: SearchSpace,
    genotype: Genotype | None,
    architecture: Mapping[str, Any],
    input_shape: tuple[int, int, int],
    n_classes: int,
) -> nn.Module:
    """Return the untrained network of a candidate, or of a reference.

    Args:
        space: builds candidates.
        genotype: the candidate; None for a reference.
        architecture: of a reference `{"name": ...}`.
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.

    Raises:
        ValueError: when there is no such reference.
    """
    if genotype is not None:
        return space.build(genotype)
    return published(str(architecture.get("name")), input_shape, n_classes)
