"""References in the race: which of them may win, and what is known of their time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analognas.report.wording import broken_bound
from analognas.strategies.costs import network_costs
from analognas.strategies.problem import SearchProblem
from analognas.strategies.start_from import reference_candidate
from analognas.strategies.worth import broken_bounds
from search_spaces import network_cost, published

if TYPE_CHECKING:
    from analognas.record.trial import Trial
    from analognas.tasks import Task


def broken_by(name: str, problem: SearchProblem, task: Task) -> str:
    """Return the hard constraints that a reference breaks, each with its value; empty where it keeps all."""
    bounds = problem.hard_bounds
    if not bounds:
        return ""
    network = published(name, task.input_shape, task.n_classes)
    costs = network_costs(network, task.input_shape, problem.hardware, problem.use)
    return ", ".join(
        broken_bound(metric, bounds[metric], costs[metric]) for metric in broken_bounds(costs, bounds)
    )


def trial_of_reference(name: str, problem: SearchProblem, trials: Sequence[Trial]) -> Trial | None:
    """Return a completed trial of the candidate that a reference is, or that is its counterpart; None without one."""
    candidate = reference_candidate(problem, name)
    return next(
        (trial for trial in trials if trial.genotype == candidate and trial.status == "completed"), None
    )


def trial_of_same_network(
    name: str, problem: SearchProblem, task: Task, trials: Sequence[Trial]
) -> Trial | None:
    """Return the completed trial whose network is that of a reference, layer by layer; None without one.

    A counterpart is another network: ResNet-8's convolutions have biases and its strided skips no batch norm, and its
    counterpart in the space is the other way round. So is an architecture in a space with other bottlenecks than those
    it was published with. Both are trained then.
    """
    trial = trial_of_reference(name, problem, trials)
    if trial is None:
        return None
    networks = (published(name, task.input_shape, task.n_classes), problem.space.build(trial.genotype))
    first, second = ((str(network), network_cost(network, task.input_shape)) for network in networks)
    return trial if first == second else None
