"""A synthetic table, and the sample of AnalogNAS-Bench where it is present."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def table() -> tuple[pd.DataFrame, pd.DataFrame]:
    """60 candidates of six features; two targets of very different scale and one that is constant."""
    rng = np.random.default_rng(11)
    x = rng.random((60, 6))
    features = pd.DataFrame(x.astype(np.float32), columns=list("abcdef"))
    targets = pd.DataFrame(
        {
            "accuracy_1d": 0.5 + 0.3 * x[:, 0] + 0.2 * x[:, 1] * x[:, 2],
            "std_1d": 0.0005 + 0.001 * x[:, 3],
            "avm": np.full(60, 0.02),
        }
    )
    return features, targets


@pytest.fixture(scope="session")
def analognas_bench() -> tuple[pd.DataFrame, pd.DataFrame]:
    """One-hot edges of NAS-Bench-201 cells and what they measured on analog hardware."""
    root = os.environ.get("ANALOGNAS_DATA")
    path = Path(root or ".") / "analognasbench_sample" / "sample.csv"
    if not path.is_file():
        pytest.skip("needs analognasbench_sample/sample.csv in the folder ANALOGNAS_DATA")
    rows = pd.read_csv(path)
    codes = np.array([ast.literal_eval(cell) for cell in rows["architecture"]])
    one_hot = np.eye(5, dtype=np.float32)[codes].reshape(len(codes), -1)
    features = pd.DataFrame(one_hot, columns=[f"edge{edge}_{code}" for edge in range(6) for code in range(5)])

    def split(column: str, part: int) -> pd.Series:
        return rows[column].str.split("±").str[part].astype(float) / 100

    day, month, minute = "finetuned_drift_86400", "finetuned_drift_2592000", "finetuned_drift_60"
    targets = pd.DataFrame(
        {"accuracy_1d": split(day, 0), "std_1d": split(day, 1), "avm": split(minute, 0) - split(month, 0)}
    )
    return features, targets
