"""Features of candidates that mean the same in every search: `surrogates.architecture_features` of a problem.

The shares are those of the hard bounds: a network that takes all of the allowed parameters is a large one, whatever the
bound is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from analognas.metrics import TABLE
from search_spaces import Population
from surrogates.architecture_features import architecture_features
from surrogates.hardware_features import HARDWARE_FEATURES, hardware_features

if TYPE_CHECKING:
    import pandas as pd

    from analognas.strategies.problem import SearchProblem
    from surrogates.rank_model import RankModel

AT_ONCE: Final = 2048
"""Candidates described in one go: more do not fit into the caches."""


def problem_features(problem: SearchProblem, population: Population) -> pd.DataFrame:
    """Return the features of `(n, genes)` candidates, `(n, features)` float32."""
    import pandas as pd

    parts = []
    for start in range(0, max(1, len(population)), AT_ONCE):
        rows = population[start : start + AT_ONCE]
        shares = {
            name: TABLE[name].share(problem.costs[name](rows), bound)
            for name, bound in problem.hard_bounds.items()
        }
        parts.append(architecture_features(problem.space.layer_graph(rows), problem.hardware, shares))
    return pd.concat(parts, ignore_index=True)


def with_shares(features: pd.DataFrame, bounds: Sequence[str]) -> pd.DataFrame:
    """Return features without the shares of all bounds but these."""
    kept = [f"log_share_{name}" for name in bounds]
    return features[
        [name for name in map(str, features) if not name.startswith("log_share_") or name in kept]
    ]


def model_features(model: RankModel, problem: SearchProblem, population: Population) -> pd.DataFrame:
    """Return the same, with the features of the hardware where a model was fitted on them.

    Raises:
        ValueError: for hardware whose devices hold no finite weights after a day.
    """
    import pandas as pd

    found = problem_features(problem, population)
    if problem.hardware is None or not HARDWARE_FEATURES.keys() & set(model.features):
        return found
    return pd.concat([found, hardware_features(problem.hardware, len(found))], axis=1)
