"""One model of networks on several hardware: tables as one, and how well it does on hardware it has not seen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analognas.strategies.pretrained_file import physics
from surrogates.hardware_features import beyond_features
from surrogates.kendall import kendall_or_zero
from surrogates.rank_model_fit import TrainingTable, fit_rank_model


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


def leave_one_hardware_out(
    tables: Sequence[TrainingTable], hardware: Sequence[Mapping[str, Any]], seed: int
) -> dict[str, dict[str, Any]]:
    """Return how well a model of all other hardware predicts each, by name of its first table.

    `unknown` is the mean share of its predictions that is unknown. For each target there are Kendall τ of the networks,
    the mean absolute error of values, and the share of measurements within the 90 % interval, `covered_90`: of networks
    whose values are given, None where there are none, as for hardware that differs in something no feature tells.

    Args:
        tables: with numbers of their networks.
        hardware: of each table; two different ones at least.
        seed: of folds and trees.
    """
    found: dict[str, dict[str, Any]] = {}
    kinds = [json.dumps(physics(one), sort_keys=True) for one in hardware]
    beyond = {kind: beyond_features(one) for kind, one in zip(kinds, hardware, strict=True)}
    for kind in beyond:
        own = [table for table, other in zip(tables, kinds, strict=True) if other == kind]
        others = [table for table, other in zip(tables, kinds, strict=True) if other != kind]
        model = fit_rank_model([pooled(others, "others")], np.random.default_rng(seed))
        together = pooled(own, own[0].name)
        values, told = model.values(together.features), model.unknown(together.features)
        if beyond[kind] not in [other for name, other in beyond.items() if name != kind]:
            values, told = {name: np.full_like(rows, np.nan) for name, rows in values.items()}, np.ones(1)
        figures: dict[str, Any] = {"unknown": float(told.mean())}
        for name in model.targets:
            figures[name] = _figures(together.targets[name].to_numpy(dtype=np.float64), values[name])
        found[own[0].name] = figures
    return found


def _figures(
    measured: np.ndarray[Any, np.dtype[np.float64]], values: np.ndarray[Any, np.dtype[np.float64]]
) -> dict[str, float | None]:
    told = np.isfinite(values[:, 0])
    if not told.any():
        return {"tau": None, "mean_absolute_error": None, "covered_90": None}
    measured, (middle, low, high) = measured[told], values[told].T
    return {
        "tau": kendall_or_zero(measured, middle),
        "mean_absolute_error": float(np.abs(measured - middle).mean()),
        "covered_90": float(((low <= measured) & (measured <= high)).mean()),
    }


def _numbers(table: TrainingTable) -> np.ndarray[Any, np.dtype[np.intp]]:
    assert table.networks is not None
    return table.networks
