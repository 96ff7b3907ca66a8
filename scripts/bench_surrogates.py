"""Measures how well the surrogates order unseen cells of a table, and how long a fit and a prediction take.

    python scripts/bench_surrogates.py --table analognasbench.csv --target finetuned_drift_86400 --train 50 100 200

Every figure is the mean over random splits: fitted on `--train` rows, Kendall τ on all others.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from analognas.bench import read_cell_table
from surrogates import kendall_tau
from surrogates.specs import SURROGATES


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--table", type=Path, required=True, help="CSV of cells, as `analognas bench` reads it"
    )
    parser.add_argument("--target", required=True, help="column to predict")
    parser.add_argument("--train", type=int, nargs="+", default=[25, 50, 100, 200], help="rows to fit on")
    parser.add_argument("--splits", type=int, default=6, help="random splits a figure")
    arguments = parser.parse_args()

    table = read_cell_table(arguments.table, arguments.target)
    features = table.space.encode(table.population)
    targets = pd.DataFrame({"accuracy_1d": table.values})
    print(f"{table.name}: {arguments.target}, {len(table)} rows, {arguments.splits} splits")
    print(f"{'surrogate':<18}{'train':>6}{'τ':>8}{'± sd':>7}{'fit s':>9}{'200 predictions ms':>20}")
    for kind in sorted(SURROGATES):
        surrogate = SURROGATES[kind]().build()
        for n in arguments.train:
            taus, fits, predictions = [], [], []
            for split in range(arguments.splits):
                rng = np.random.default_rng(split)
                rows = rng.permutation(len(table))
                began = time.perf_counter()
                fitted = surrogate.fit(features.iloc[rows[:n]], targets.iloc[rows[:n]], rng)
                fits.append(time.perf_counter() - began)
                began = time.perf_counter()
                fitted.predict(features.iloc[rows[n : n + 200]])
                predictions.append(time.perf_counter() - began)
                predicted = fitted.predict(features.iloc[rows[n:]]).mean["accuracy_1d"]
                taus.append(kendall_tau(table.values[rows[n:]], predicted))
            print(
                f"{kind:<18}{n:>6}{np.mean(taus):>8.3f}{np.std(taus):>7.3f}"
                f"{np.median(fits):>9.3f}{1e3 * np.median(predictions):>20.1f}"
            )


if __name__ == "__main__":
    main()
