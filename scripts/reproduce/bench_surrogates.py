"""How well surrogates learn AnalogNAS-Bench: 1-day accuracy, and the loss from a minute to a month.

    python scripts/reproduce/bench_surrogates.py CELLS.csv [--train 100,500] [--splits 5] [--surrogate NAME …]

CELLS.csv holds cells of AnalogNAS-Bench (of hardware-aware training, columns `finetuned_drift_*`, percent). A minute
after programming is the earliest time that it has. Printed is what `analognas surrogate evaluate` prints of each.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd

from analognas.bench import open_table
from analognas.bench.surrogate_quality import evaluate_surrogates
from analognas.errors import UserError

DAY, FIRST, LAST = (f"finetuned_drift_{seconds}" for seconds in (86_400, 60, 2_592_000))
LOSS: Final = "avm"


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge surrogates on AnalogNAS-Bench.")
    parser.add_argument("cells", type=Path)
    parser.add_argument("--train", default="100,500")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--surrogate", nargs="*", default=[])
    options = parser.parse_args()
    try:
        train = [int(part) for part in options.train.split(",")]
        frame = pd.read_csv(options.cells)
        missing = [name for name in (FIRST, DAY, LAST) if name not in frame]
        if missing:
            raise ValueError(f"there is no column {missing[0]!r}; give cells of AnalogNAS-Bench")
        first, last = (mean_of(frame[name]) for name in (FIRST, LAST))
        with TemporaryDirectory() as folder:
            path = Path(folder) / options.cells.name
            frame.assign(**{LOSS: first - last}).to_csv(path, index=False)
            for target in (DAY, LOSS):
                table = open_table(str(path), target)
                found = evaluate_surrogates(table, options.surrogate, train=train, splits=options.splits)
                print(found.to_text(), flush=True)
    except (UserError, OSError, ValueError) as error:
        raise SystemExit(f"{options.cells}: {error}") from None


def mean_of(column: pd.Series[str]) -> pd.Series[float]:
    """Return the means of texts such as `85.74 ± 0.51`."""
    return pd.to_numeric(column.astype(str).str.split("±").str[0], errors="coerce")


if __name__ == "__main__":
    main()
