"""The trials of a run as a strategy sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analognas.metrics import METRICS
from analognas.record.earlier_trial import EarlierTrial
from analognas.record.trial import Trial
from analognas.strategies.strategy import History
from search_spaces import Genotype, Population


def history_of(trials: Sequence[Trial | EarlierTrial], pending: Sequence[Genotype], n_genes: int) -> History:
    """Return the history of finished trials and pending candidates.

    Args:
        trials: in order of completion.
        pending: proposed and not finished.
        n_genes: length of a genotype.
    """
    growing = GrowingHistory(n_genes)
    for trial in trials:
        growing.add(trial)
    growing.known.update(pending)
    return growing.snapshot(pending)


def metrics_of(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return one row of `METRICS` for each trial, NaN for failed ones."""
    rows = [_row(trial) for trial in trials]
    return _frame(np.array(rows, dtype=np.float64).reshape(len(trials), len(METRICS)))


class GrowingHistory:
    """The history of a run that goes on: a trial more costs the same after ten trials and after a hundred thousand.

    Attributes:
        known: every genotype that is finished or was proposed.
    """

    def __init__(self, n_genes: int, earlier: Sequence[EarlierTrial] = ()) -> None:
        """Begin with the trials of other runs."""
        self._n = 0
        self._earlier = len(earlier)
        self._population = np.empty((64, n_genes), dtype=np.int64)
        self._metrics = np.empty((64, len(METRICS)), dtype=np.float64)
        self.known: set[Genotype] = set()
        for trial in earlier:
            self.add(trial)

    def add(self, trial: Trial | EarlierTrial) -> None:
        """Add a finished trial."""
        if self._n == len(self._population):
            self._population = np.concatenate([self._population, np.empty_like(self._population)])
            self._metrics = np.concatenate([self._metrics, np.empty_like(self._metrics)])
        self._population[self._n] = trial.genotype
        self._metrics[self._n] = _row(trial)
        self._n += 1
        self.known.add(trial.genotype)

    def snapshot(self, pending: Sequence[Genotype]) -> History:
        """Return the history of this moment; it shares its rows with later ones and must be left alone."""
        population, metrics = self._population[: self._n], self._metrics[: self._n]
        population.flags.writeable = False
        return History(
            population=population,
            metrics=_frame(metrics),
            pending=_rows(pending, population.shape[1]),
            known=self.known,
            earlier=self._earlier,
        )


def _row(trial: Trial | EarlierTrial) -> list[float]:
    return [trial.metrics.get(name, np.nan) for name in METRICS]


def _frame(metrics: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> pd.DataFrame:
    return pd.DataFrame(metrics, columns=list(METRICS), copy=False)


def _rows(genotypes: Sequence[Genotype], n_genes: int) -> Population:
    return np.array(genotypes, dtype=np.int64).reshape(len(genotypes), n_genes)
