"""Boosted trees that a model of ranks may be made of."""

from __future__ import annotations

from typing import Final

from surrogates.xgboost_ensemble import XGBoostSurrogate

NOISE_HARMS: Final = tuple(
    (target, feature, sign)
    for target, sign in (("accuracy_1d", -1), ("avm", 1), ("std_1d", 1))
    for feature in (
        "log_nsr_sum",
        "log_nsr_worst",
        "log_weight_error",
        "log_weight_error_month",
        "output_noise",
    )
)
"""What physics says: with more noise over the signal accuracy falls, losses and spreads rise."""

RECIPES: Final = (
    XGBoostSurrogate(members=3, trees=80, max_depth=3, learning_rate=0.1, feature_share=0.4),
    XGBoostSurrogate(
        members=3, trees=80, max_depth=3, learning_rate=0.1, feature_share=0.4, monotone=NOISE_HARMS
    ),
    XGBoostSurrogate(members=3, trees=80, max_depth=5, learning_rate=0.1, feature_share=0.4),
    XGBoostSurrogate(members=3, trees=100, max_depth=4, learning_rate=0.07, feature_share=0.4, l2=3.0),
)
"""What a cross-validation chooses from: few trees, because a search asks for thousands of candidates at a time."""
