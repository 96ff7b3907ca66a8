"""Which trial is the best: one after the other as in a search, and all at once as at its end."""

import numpy as np
import pytest

from analognas.driver.selection import best_trial, better_of
from analognas.strategies.problem import Objective, SearchProblem
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
