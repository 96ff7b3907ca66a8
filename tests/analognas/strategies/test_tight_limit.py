"""The smallest networks of the full space: one random candidate in a hundred meets the limit of T100."""

import numpy as np
import pandas as pd
import pytest

from analognas.spaces import complete
from analognas.strategies import History, Objective, SearchProblem
from analognas.strategies.specs import STRATEGIES
from search_spaces import ResNetSpace

LIMIT = 100_000
SPACE = complete(ResNetSpace(input_shape=(3, 32, 32), bottleneck="input"), (3, 32, 32))


def measure(population: np.ndarray) -> pd.DataFrame:
    """More parameters are better, so that the best candidates lie just below the limit."""
    accuracy = 0.05 * np.log(SPACE.parameters(population))
    return pd.DataFrame({"accuracy_1d": accuracy, "avm": 0.01 + 0 * accuracy, "std_1d": 0.01 + 0 * accuracy})


@pytest.mark.parametrize("kind", ["surrogate-guided", "analognas"])
def test_a_search_goes_to_the_limit_and_never_beyond(kind: str) -> None:
    problem = SearchProblem(SPACE, Objective("accuracy_1d", 1), {"parameters": LIMIT})
    assert problem.admissible(SPACE.sample(4000, np.random.default_rng(0))).mean() < 0.02
    small = {"initial": 12, "population": 50, "iterations": 10}
    strategy = STRATEGIES[kind].model_validate(small).build(0)
    population = SPACE.sample(0, np.random.default_rng(0))
    while len(population) < 42:
        history = History(population, measure(population), population[:0])
        proposals = strategy.ask(problem, history, 6, np.random.default_rng(len(population)))
        assert len(proposals) == 6
        population = np.concatenate([population, [proposal.genotype for proposal in proposals]])
    share = SPACE.parameters(population) / LIMIT
    assert share.max() <= 1
    assert np.median(share[:12]) < 0.8
    assert np.median(share[-12:]) > 0.9
