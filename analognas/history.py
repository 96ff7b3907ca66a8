"""The trials of a run as a strategy sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analognas.record.trial import METRICS, Trial
from analognas.strategies.strategy import History
from search_spaces import Genotype, Population


def history_of(trials: Sequence[Trial], pending: Sequence[Genotype], n_genes: int) -> History:
    """Return the history of finished trials and pending candidates.

    Args:
        trials: in order of completion.
        pending: proposed and not finished.
        n_genes: length of a genotype.
    """
    return History(
        population=_rows([trial.genotype for trial in trials], n_genes),
        metrics=metrics_of(trials),
        pending=_rows(pending, n_genes),
    )


def metrics_of(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return one row of `METRICS` for each trial, NaN for failed ones."""
    rows = [[trial.metrics.get(name, np.nan) for name in METRICS] for trial in trials]
    return pd.DataFrame(
        np.array(rows, dtype=np.float64).reshape(len(trials), len(METRICS)), columns=list(METRICS)
    )


def _rows(genotypes: Sequence[Genotype], n_genes: int) -> Population:
    return np.array(genotypes, dtype=np.int64).reshape(len(genotypes), n_genes)
