"""What a search takes, from a few updates of one candidate.

Small networks take as long as they have layers, large ones as long as they have multiply-accumulates: the timed
candidate is close in both to `TYPICAL` ones, or the largest that is quickly timed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analognas.compose import Composition, final_budget, trial_budget
from analognas.config.sections import SearchConfig
from analognas.errors import EvaluationError, UserError
from analognas.evaluation.timed_trial import TrialTime, time_trial
from analognas.seeds import numpy_generator
from analognas.specs.durations import duration
from analognas.strategies.probe import bred
from search_spaces import Population, count_network, genotypes, published

MOST_BATCH_MACS: Final = 1e8
"""Of a batch, in the trial that is timed: a tenth of a second an update on one processor."""

LOOKED_AT: Final = 512
"""Candidates whose costs are shown: a space of a user's own may have to build each of them."""

TYPICAL: Final = 75
"""Percentile of admissible candidates that the trials of a search are as large as: most are near the bounds."""


@dataclass(frozen=True)
class TimedCandidate:
    """A candidate and the times of its parts.

    Attributes:
        time: what the parts of an evaluation take.
        parameters: of the candidate.
        macs: of the same.
        typical_macs: of candidates as large as the trials of a search.
    """

    time: TrialTime
    parameters: int
    macs: int
    typical_macs: float


@dataclass(frozen=True)
class ExpectedTime:
    """What a search takes by one timed trial, seconds.

    Attributes:
        trial_s: a trial of a candidate larger than three quarters of the admissible ones, at the full budget of trials.
        search_s: all trials, by the workers together.
        final_s: the trainings at full budget after them.
        workers: evaluations at a time.
        timed_parameters: of the candidate that was timed.
        timed_macs: of the same.
    """

    trial_s: float
    search_s: float
    final_s: float
    workers: int
    timed_parameters: int
    timed_macs: int

    @property
    def total_s(self) -> float:
        """Trials and final trainings."""
        return self.search_s + self.final_s


def looked_at(composition: Composition) -> Population:
    """Return admissible candidates, bred from those that are known, `(<= 512, genes)`."""
    rng = numpy_generator(composition.config.seed, "outlook")
    return bred(composition.problem, composition.probe.admissible, rng)[:LOOKED_AT]


def timed_candidate(composition: Composition, population: Population) -> TimedCandidate | str:
    """Return the times of a candidate that is as large as the trials of a search; why not, where that fails."""
    space = composition.problem.space
    macs, layers = space.macs(population), space.matrices(population).layers.sum(axis=1)
    typical_macs = float(np.percentile(macs, TYPICAL))
    budget = composition.evaluator.budget
    batch = max(budget.digital.batch_size, budget.hardware_aware.batch_size)
    quick = MOST_BATCH_MACS / batch
    away = np.abs(np.log(np.maximum(macs, 1) / min(typical_macs, quick))) + np.abs(
        np.log(np.maximum(layers, 1) / max(1.0, float(np.percentile(layers, TYPICAL))))
    )
    row = int(np.argmin(away))
    if macs[row] > 4 * quick:
        return f"the smallest candidate found has {macs[row]:,} MACs, too many for a short trial"
    try:
        timed = time_trial(composition.evaluator, genotypes(population[[row]])[0])
    except (EvaluationError, UserError, ValueError, RuntimeError, MemoryError) as error:
        return f"a short trial failed: {str(error).partition(chr(10))[0]}"
    return TimedCandidate(timed, int(space.parameters(population[[row]])[0]), int(macs[row]), typical_macs)


def search_time(composition: Composition, config: SearchConfig, timed: TimedCandidate) -> ExpectedTime:
    """Return what a search takes.

    Args:
        composition: of a configuration with the same data, space and workers.
        config: the search; its budgets count.
        timed: a candidate.
    """
    trial_s, search_s = _search_s(composition, config, timed)
    return ExpectedTime(
        trial_s=trial_s,
        search_s=search_s,
        final_s=_final_s(composition, config, timed),
        workers=composition.site.workers,
        timed_parameters=timed.parameters,
        timed_macs=timed.macs,
    )


def _search_s(composition: Composition, config: SearchConfig, timed: TimedCandidate) -> tuple[float, float]:
    """Return what a trial takes and what all do."""
    evaluator, task = composition.evaluator, composition.task
    size = timed.typical_macs / max(1.0, float(timed.macs))
    trial_s = search_s = 0.0
    for rung in config.rungs:
        budget = trial_budget(config.training).stage(rung.share, rung.goes_on_from, len(task.train))
        trial_s = size * timed.time.seconds(
            budget, len(task.train), len(task.validation), rung.chips, len(evaluator.times_s)
        )
        search_s += trial_s * rung.candidates / min(composition.site.workers, rung.candidates)
    return trial_s, search_s


def _final_s(composition: Composition, config: SearchConfig, timed: TimedCandidate) -> float:
    """Return what the race and the test split take: finalists of typical size, and the references."""
    task = composition.task
    if not config.final.train:
        return 0.0
    shape = task.input_shape
    sizes = [timed.typical_macs] * config.final.finalists
    for name in config.references:
        try:
            sizes.append(float(count_network(published(name, shape, task.n_classes), shape)[1]))
        except (ValueError, RuntimeError):  # told where it is trained
            continue
    further = (config.final.seeds - 1) * (
        min(config.final.shortlist, config.final.finalists) * timed.typical_macs
        + sum(sizes[config.final.finalists :])
    )
    again = 2 if config.final.train_on == "train-and-validation" else 1
    one_s = timed.time.seconds(
        final_budget(config.training, config.final),
        len(task.train),
        len(task.validation) + len(task.test),
        config.final.chips,
        len(composition.evaluator.times_s),
    )
    per_mac = one_s / max(1.0, float(timed.macs))
    return again * per_mac * (sum(sizes) + further) / min(composition.site.workers, len(sizes))


def rounded(seconds: float) -> str:
    """Return a time to two digits."""
    rounded = float(f"{seconds:.2g}")
    return f"{rounded:g} s" if rounded < 60 else duration(rounded)
