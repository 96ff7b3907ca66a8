"""Which trials race: the best by what the strategy believes of them, where it believes anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analognas.driver.history import history_of
from analognas.driver.selection import choose
from analognas.final.ending import Ending
from analognas.record.trial import Trial
from analognas.seeds import numpy_generator
from analognas.strategies.recommendation import posterior_worth


def leading_trials(ending: Ending, trials: Sequence[Trial]) -> list[Trial]:
    """Return the `final.finalists` best trials at full budget, the best one first.

    Several of them are the best by posterior mean: the largest of many noisy figures is too large. A single one is the
    trial that is best as measured, which every message calls so. Of equals the one with fewer parameters comes first.
    """
    trials = [trial for trial in trials if trial.at_full_budget and trial.status == "completed"]
    if ending.choice == "knee" or ending.n_finalists == 1:
        return _as_measured(ending, trials)
    genes = len(trials[0].genotype) if trials else 0
    history = history_of(trials, [], genes)
    rng = numpy_generator(ending.seed, "finalists")
    worth = posterior_worth(ending.strategy, ending.problem, history, rng)
    parameters = np.array([trial.metrics["parameters"] for trial in trials])
    order = np.lexsort((np.arange(len(trials)), parameters, -worth))
    return [trials[row] for row in order[: ending.n_finalists]]


def _as_measured(ending: Ending, trials: list[Trial]) -> list[Trial]:
    problem, rest, leaders = ending.problem, list(trials), list[Trial]()
    while len(leaders) < ending.n_finalists:
        leader = choose(problem.objectives, problem.upper_bounds, rest, ending.choice)
        if leader is None:
            break
        leaders.append(leader)
        rest.remove(leader)
    return leaders
