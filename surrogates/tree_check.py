"""Whether boosted trees in the JSON of XGBoost are trees: XGBoost itself follows any index, and may crash or hang."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

OBJECTIVE: Final = "reg:squarederror"
"""Whose predictions are the sums of the leaves."""

_LENGTHS: Final = ("right_children", "split_indices", "split_conditions", "default_left")


def check_trees(booster: Mapping[str, Any], n_features: int) -> None:
    """Check one booster.

    Args:
        booster: what `xgboost.Booster.save_raw("json")` gives.
        n_features: of its fit.

    Raises:
        ValueError: when it was fitted on another objective, splits by categories, or a child or a feature of a tree is
            out of range, a node has two parents, or a part is missing or of another type.
    """
    try:
        _check(booster, n_features)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"trees lack a part, or have one of another type ({error})") from None


def _check(booster: Mapping[str, Any], n_features: int) -> None:
    learner = booster["learner"]
    objective = learner["objective"]["name"]
    if objective != OBJECTIVE:
        raise ValueError(f"trees of the objective {objective!r:.40} are none of {OBJECTIVE}")
    trees: Sequence[Mapping[str, Any]] = learner["gradient_booster"]["model"]["trees"]
    for number, tree in enumerate(trees):
        left = np.array(tree["left_children"], dtype=np.int64)
        if left.ndim != 1 or not len(left) or any(len(tree[name]) != len(left) for name in _LENGTHS):
            raise ValueError(f"tree {number} has parts of different lengths")
        right = np.array(tree["right_children"], dtype=np.int64)
        split = np.array(tree["split_indices"], dtype=np.int64)
        inner = left >= 0
        children = np.concatenate([left[inner], right[inner]])
        if (children < 1).any() or (children >= len(left)).any() or len(np.unique(children)) < len(children):
            raise ValueError(f"tree {number} has a child that is out of range, or of two nodes")
        if (split[inner] < 0).any() or (split[inner] >= n_features).any():
            raise ValueError(f"tree {number} splits by a feature that is not there")
        if any(tree.get("split_type", ())):
            raise ValueError(f"tree {number} splits by categories")
