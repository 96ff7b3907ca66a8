"""Whether successive halving pays in a quick search, over seeds: no rungs, rungs trained anew, rungs that go on.

    python scripts/reproduce/rungs.py FOLDER [--config configs/digits.yaml] [--seeds 5]   # begun again, it continues

The trials of the three settings have about as many epochs: with `eta: 3` and three rungs, 120 candidates that are
trained anew on each rung, or 135 whose digital training goes on, take those of 40 in full. Differences of the networks
found are in points of 1-day accuracy on the test split, with 95 % intervals over seeds, chips and images.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import Final

import analognas
from analognas.comparison.outcome import RunOutcome, paired
from analognas.paired_bootstrap import difference

SETTINGS: Final[dict[str, tuple[str, ...]]] = {
    "no rungs": ("search.trials=40", "search.halving=null"),
    "trained anew": ("search.trials=120", "search.halving={eta: 3, rungs: 3}"),
    "going on": ("search.trials=135", "search.halving={eta: 3, rungs: 3, continues: true}"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare settings of successive halving.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--config", type=Path, default=Path("configs/digits.yaml"))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, dict[int, RunOutcome]] = {}
    for n in range(1, options.seeds + 1):  # a seed of every setting, then the next one
        for name, overrides in SETTINGS.items():
            compared = analognas.compare(
                options.config,
                seeds=n,
                strategies=["surrogate-guided"],
                out=options.folder / name.replace(" ", "-"),
                overrides=overrides,
                observer="lines",
            )
            found[name] = {run.seed: run for run in compared.runs}
    for name, runs in found.items():
        accuracies = ", ".join(f"{100 * run.mean('accuracy_1d'):.2f}" for run in runs.values())
        print(f"{name:14} {accuracies} %; {sum(run.trials for run in runs.values())} trials")
    for first, second in combinations(SETTINGS, 2):
        pairs = [
            paired(run.correct(run.network), other.correct(other.network))
            for run, other in zip(found[second].values(), found[first].values(), strict=True)
        ]
        known = [pair for pair in pairs if pair is not None]
        print(f"{second} minus {first}: {difference(known) if known else 'images are not known'}")


if __name__ == "__main__":
    main()
