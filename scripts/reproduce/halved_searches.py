"""Real searches with a model of other tasks and half of the trials, against whole ones that begin with nothing.

    python scripts/reproduce/halved_searches.py CONFIG MODEL FOLDER [--trials 40] [--seeds 3]

MODEL is what `analognas surrogate fit` made of the records of *other* tasks, CONFIG the search, with or without a
strategy. No reference takes part, because where one wins all searches export the same network. FOLDER keeps the
searches, so that the same command goes on after an interruption. Printed are the 1-day accuracies of the exported
networks on the test split, and their difference with a 95 % interval over seeds, chips and test images, half of the
trials minus all of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean
from typing import Any

import analognas
from analognas.comparison.outcome import RunOutcome
from analognas.comparison.outcome import paired as of_both
from analognas.paired_bootstrap import difference


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare searches with half of the trials and a model.")
    parser.add_argument("config", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--executor", default="auto")
    options = parser.parse_args()
    if not options.model.is_file():
        parser.error(f"the model must be a file, got {options.model}")
    informed = {"kind": "surrogate-guided", "pretrained": str(options.model.resolve())}
    try:  # a model that does not fit is told before the whole searches begin
        halved = searched("halved", informed, options.trials // 2, options)
        whole = searched("whole", {"kind": "surrogate-guided"}, options.trials, options)
    except analognas.UserError as error:
        raise SystemExit(str(error)) from None
    pairs = [
        of_both(run.correct(run.network), other.correct(other.network))
        for run, other in zip(halved, whole, strict=True)
    ]
    found = difference([pair for pair in pairs if pair is not None])
    print(
        f"halved minus whole: {100 * found.mean:+.2f} points [{100 * found.low:+.2f}, {100 * found.high:+.2f}], "
        f"{found.held}"
    )


def searched(
    name: str, strategy: dict[str, Any], trials: int, options: argparse.Namespace
) -> list[RunOutcome]:
    """Search with every seed, print what was found, and return the searches in the order of their seeds."""
    comparison = analognas.compare(
        options.config,
        seeds=options.seeds,
        strategies={name: strategy},
        out=options.folder / name,
        overrides=[f"search.trials={trials}", "references=[]"],
        executor=options.executor,
    )
    runs = sorted(comparison.of(name), key=lambda run: run.seed)
    accuracies = [100 * run.mean("accuracy_1d") for run in runs]
    print(
        f"{name}, {trials} trials: {', '.join(f'{accuracy:.2f}' for accuracy in accuracies)}; "
        f"mean {fmean(accuracies):.2f} %, best trial on validation "
        f"{', '.join(f'{100 * (run.best_so_far[-1] or 0):.2f}' for run in runs)}",
        flush=True,
    )
    return runs


if __name__ == "__main__":
    main()
