"""Which trial is the best: one after the other as in a search, and all at once as at its end."""

import numpy as np
import pytest

from analognas.driver.selection import best_trial, better_of, choose
from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.worth import EXPORTED, TRIAL, Fidelity
from tests.analognas.executors.drive import problem
from tests.analognas.record.builders import a_trial


@pytest.mark.parametrize("sign", [1, -1])
def test_trial_by_trial_is_the_same_as_all_at_once(sign) -> None:
    rng = np.random.default_rng(sign + 1)
    searched = SearchProblem(problem().space, Objective("accuracy_1d", sign), {"avm": 0.5, "std_1d": 0.6})
    chosen = set()
    for _ in range(50):
        trials, best = [], None
        for number in range(1, 13):
            trial = a_trial(number, failed=bool(rng.random() < 0.2))
            if trial.status == "completed":
                for metric in ("accuracy_1d", "avm", "std_1d", "parameters"):
                    trial.metrics[metric] = float(rng.integers(1, 5)) / 5
            trials.append(trial)
            best = better_of(searched, best, trial)
            assert best is best_trial(searched, trials)
        chosen.add(None if best is None else best.number)
    assert len(chosen) > 5


@pytest.mark.parametrize("fidelity", [TRIAL, EXPORTED])
def test_the_knee_is_no_network_that_keeps_a_bound_because_it_has_learned_nothing(fidelity: Fidelity) -> None:
    objectives = [Objective("accuracy_1d", 1), Objective("parameters", -1)]
    figures = [(0.97, 0.0056, 30_000), (0.95, 0.006, 9_000), (0.32, 0.001, 400), (0.10, 0.0, 100)]
    trials = [a_trial(number) for number in range(1, 5)]
    for trial, (accuracy, avm, parameters) in zip(trials, figures, strict=True):
        trial.metrics.update(accuracy_1d=accuracy, avm=avm, parameters=parameters)
    chosen = choose(objectives, {"avm": 0.005}, trials, "knee", fidelity)
    assert chosen is not None
    assert chosen.number in (1, 2), "only useless trials keep the bound"
    trials[1].metrics["avm"] = 0.004
    assert choose(objectives, {"avm": 0.005}, trials, "knee", fidelity) is trials[1], (
        "one that is of use keeps it"
    )
