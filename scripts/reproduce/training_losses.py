"""Whether the training loss of a short trial says more about a network than the trial's accuracy on chips.

    python scripts/reproduce/training_losses.py

Networks of `collections/` that were trained more than once: one training, drawn anew each time, predicts how the mean
1-day accuracy of the others orders the networks (Kendall's τ). Predictors are the 1-day accuracy, the mean loss of all
digital epochs with its sign turned, and sums of the standardised two. Differences to the accuracy alone have 95 %
intervals by bootstrap over networks. Seconds.

References:
    B. Ru et al., Speedy performance estimation for neural architecture search, NeurIPS 2021, arXiv 2006.04492.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analognas.progress.printable import table
from analognas.record.records_file import read_records
from surrogates.kendall import kendall_tau

COLLECTIONS: Final = Path(__file__).with_name("collections")
TASKS: Final = ("digits", "fsdd", "cifar10")
DRAWS: Final = 1000
SHARES: Final = {
    "accuracy": (1.0, 0.0),
    "loss": (0.0, 1.0),
    "accuracy + loss / 2": (1.0, 0.5),
    "both": (1.0, 1.0),
}
"""Weights of standardised accuracy and turned loss."""

Vector = npt.NDArray[np.float64]


def main() -> None:
    rows = [("task", "networks", *SHARES)]
    for task in TASKS:
        trained = read_records(COLLECTIONS / f"{task}.csv.gz").frame.dropna(subset=["accuracy_1d"])
        for name, some in (("", trained), (", large", _large(trained))):
            groups = [group for _, group in some.groupby("genotype") if len(group) > 1]
            taus = _taus(groups)
            alone = taus[:, :1]
            told = [f"{alone.mean():.3f}"]
            for column, difference in zip(taus.T[1:], (taus - alone).T[1:], strict=True):
                low, high = np.percentile(difference, [2.5, 97.5])
                level = ", level" if low <= 0 <= high else ""
                told.append(
                    f"{column.mean():.3f} ({difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]{level})"
                )
            rows.append((f"{task}{name}", str(len(groups)), *told))
    print(table(rows))
    print("large: with more parameters than the median; in brackets the difference to the accuracy alone")


def _large(trained: pd.DataFrame) -> pd.DataFrame:
    """Return the trainings of the larger half of those networks that were trained more than once."""
    several = trained[trained.groupby("genotype").genotype.transform("size") > 1]
    return several[several.parameters > several.parameters.median()]


def _taus(groups: list[pd.DataFrame]) -> npt.NDArray[np.float64]:
    """Return τ of each predictor for networks drawn with replacement, `(DRAWS, predictors)`."""
    rng = np.random.default_rng(0)
    accuracy = [group.accuracy_1d.to_numpy() for group in groups]
    loss = [group.training_loss.to_numpy() for group in groups]
    found = []
    for _ in range(DRAWS):
        drawn = rng.integers(len(groups), size=len(groups))
        one = [int(rng.integers(len(accuracy[network]))) for network in drawn]
        seen = _standard([accuracy[network][k] for network, k in zip(drawn, one, strict=True)])
        lost = _standard([-loss[network][k] for network, k in zip(drawn, one, strict=True)])
        others = [np.delete(accuracy[network], k).mean() for network, k in zip(drawn, one, strict=True)]
        found.append([kendall_tau(a * seen + b * lost, others) for a, b in SHARES.values()])
    return np.array(found)


def _standard(values: list[float]) -> Vector:
    found = np.asarray(values, dtype=np.float64)
    return np.asarray((found - found.mean()) / found.std(), dtype=np.float64)


if __name__ == "__main__":
    main()
