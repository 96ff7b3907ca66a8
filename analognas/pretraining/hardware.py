"""One model of networks on several hardware: tables as one, and how well it does on hardware it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from surrogates.kendall import kendall_or_zero
from surrogates.rank_model import RECIPES, TrainingTable, fit_rank_model


def pooled(tables: Sequence[TrainingTable], name: str) -> TrainingTable:
    """Return the rows of tables of one task as one table, whose values compare; rows of a network have one number.

    Args:
        tables: with numbers of their networks.
        name: of the table.
    """
    numbers = np.concatenate([_numbers(table) for table in tables])
    return TrainingTable(
        name,
        pd.concat([table.features for table in tables], ignore_index=True),
        pd.concat([table.targets for table in tables], ignore_index=True),
        np.unique(numbers, return_inverse=True)[1].astype(np.intp),
    )


def leave_one_hardware_out(tables: Sequence[TrainingTable], seed: int) -> dict[str, dict[str, Any]]:
    """Return how well a model of all other hardware predicts each, by table and target.

    Each has Kendall τ of the networks, the mean absolute error of values, and the share of measurements within the 90 %
    interval, `covered_90`.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, table in enumerate(tables):
        others = [one for index, one in enumerate(tables) if index != number]
        model = fit_rank_model([pooled(others, "others")], np.random.default_rng(seed), RECIPES[:1])
        values = model.values(table.features)
        found[table.name] = {}
        for name in model.targets:
            measured = table.targets[name].to_numpy(dtype=np.float64)
            middle, low, high = values[name].T
            found[table.name][name] = {
                "tau": kendall_or_zero(measured, middle),
                "mean_absolute_error": float(np.abs(measured - middle).mean()),
                "covered_90": float(((low <= measured) & (measured <= high)).mean()),
            }
    return found


def _numbers(table: TrainingTable) -> np.ndarray[Any, np.dtype[np.intp]]:
    assert table.networks is not None
    return table.networks
