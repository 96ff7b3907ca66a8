"""Which trials race: the best by what the strategy believes of them, where it believes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analognas.driver.history import history_of
from analognas.driver.selection import choose
from analognas.final.ending import Ending
from analognas.record.trial import Trial
from analognas.seeds import numpy_generator
from analognas.strategies.problem import SearchProblem
from analognas.strategies.recommendation import posterior_worth
from analognas.strategies.worth import EXPORTED


def leading_trials(ending: Ending, trials: Sequence[Trial]) -> list[Trial]:
    """Return the `final.finalists` best trials at full budget, the best one first.

    Several of them are the best by posterior mean: the largest of many noisy figures is too large. Under a soft bound
    every second one is the best where trials are taken at their word: where what a network loses is its nature and no
    accident of a short training, these win the race. A single one is the trial that is best as measured, which every
    message calls so. Of equals the one with fewer parameters comes first.
    """
    trials = [trial for trial in trials if trial.at_full_budget and trial.status == "completed"]
    if ending.choice == "knee" or ending.n_finalists == 1:
        return _as_measured(ending, trials)
    literal = replace(ending.problem, fidelity=EXPORTED)
    problems = (ending.problem, literal) if ending.problem.soft_bounds else (ending.problem,)
    orders = [_order(ending, problem, trials) for problem in problems]
    rows = dict.fromkeys(row for pair in zip(*orders, strict=True) for row in pair)
    return [trials[row] for row in list(rows)[: ending.n_finalists]]


def _order(ending: Ending, problem: SearchProblem, trials: Sequence[Trial]) -> list[int]:
    history = history_of(trials, [], len(trials[0].genotype) if trials else 0)
    rng = numpy_generator(ending.seed, "finalists")
    worth = posterior_worth(ending.strategy, problem, history, rng)
    parameters = np.array([trial.metrics["parameters"] for trial in trials])
    return [int(row) for row in np.lexsort((np.arange(len(trials)), parameters, -worth))]


def _as_measured(ending: Ending, trials: list[Trial]) -> list[Trial]:
    problem, rest, leaders = ending.problem, list(trials), list[Trial]()
    while len(leaders) < ending.n_finalists:
        leader = choose(problem.objectives, problem.upper_bounds, rest, ending.choice, problem.fidelity)
        if leader is None:
            break
        leaders.append(leader)
        rest.remove(leader)
    return leaders
